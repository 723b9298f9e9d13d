import { buildSync } from 'esbuild';
import { join } from 'node:path';

/** Where the build puts it, and the module with `serveClient` finds it. */
export const CLIENT_FILE = join('client', 'browser.js');

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
