import { buildSync } from 'esbuild';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The compiled `src/nest/client-file/bundled-client.ts`, which the build replaces by a function that returns the client's text. */
export const EMBEDDED_CLIENT = join('nest', 'client-file', 'bundled-client.js');

/**
 * The client as one minified ES module that imports nothing, for pages without a bundler.
 *
 * @param {string} folder of the sources, or of what they were compiled to
 */
export function bundleClient(folder) {
  const { outputFiles } = buildSync({
    entryPoints: [join(folder, 'client', 'index')],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    // As tsconfig.json has it.
    target: 'es2022',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0].text;
}

/**
 * Puts the bundle into the compiled package, where `serveClient` finds it.
 *
 * @param {string} dist what the sources were compiled to
 */
export function embedClient(dist) {
  const file = join(dist, EMBEDDED_CLIENT);
  const text = JSON.stringify(bundleClient(dist));
  writeFileSync(file, `export function bundledClient() {\n  return ${text};\n}\n`);
  // It maps the function that was replaced.
  rmSync(`${file}.map`, { force: true });
}
