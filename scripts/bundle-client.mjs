import { buildSync } from 'esbuild';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './tools.mjs';

/** Where the build puts it, and the module with `serveClient` finds it. */
export const CLIENT_FILE = join('client', 'browser.js');

/**
 * The client as one minified ES module that imports nothing, for pages without a bundler.
 *
 * @param {string} folder of the sources, or of what they were compiled to
 */
export function bundleClient(folder) {
  const { version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const { outputFiles } = buildSync({
    entryPoints: [join(folder, 'client', 'index')],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    // As tsconfig.json has it.
    target: 'es2022',
    banner: { js: `/*! nest-notifications/client ${version}, ${license} */` },
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0].text;
}
