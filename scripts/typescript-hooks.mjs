import { existsSync, readFileSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { transformSync } from '@swc/core';

/** Lets a child process run the sources as they are: `node --import <this file> child.ts`. */
export function resolve(specifier, context, next) {
  return next(isTypeScript(specifier, context.parentURL) ? specifier.replace(/\.js$/, '.ts') : specifier, context);
}

export function load(url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
  const { code } = transformSync(readFileSync(fileURLToPath(url), 'utf8'), {
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
  });
  return { format: 'module', source: code, shortCircuit: true };
}

/** Sources say './x.js', as Node wants it; on disk it is './x.ts'. */
function isTypeScript(specifier, parentURL) {
  if (!parentURL?.startsWith('file:') || !/^\.{1,2}\/.*\.js$/.test(specifier)) return false;
  const script = new URL(specifier, parentURL);
  return !existsSync(script) && existsSync(new URL(script.href.replace(/\.js$/, '.ts')));
}

// Node 26 deprecates `register`; Node 20 has nothing else. Its hooks serve worker threads too, and run in a thread of their own.
if (nodeModule.registerHooks) nodeModule.registerHooks({ resolve, load });
else if (isMainThread) nodeModule.register(import.meta.url);
