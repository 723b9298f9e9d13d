import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
let swc;

/**
 * Compiles one TypeScript file as Jest does, without checking types. The compiler is loaded when
 * needed.
 */
export function transpile(source) {
  swc ??= require('@swc/core');
  return swc.transformSync(source, {
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true, verbatimModuleSyntax: true },
      keepClassNames: true,
    },
    module: { type: 'es6' },
    sourceMaps: 'inline',
    configFile: false,
    swcrc: false,
  }).code;
}
