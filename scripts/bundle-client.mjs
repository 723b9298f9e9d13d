import { buildSync } from 'esbuild';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The compiled `bundled-client.ts`. The build replaces its function with the scripts. */
export const EMBEDDED_CLIENT = join('nest', 'client-file', 'bundled-client.js');

/**
 * Bundles the client, and the entry that shares it between tabs, for pages without a bundler. Each
 * is a minified ES module without imports.
 *
 * @param {string} folder the folder of the sources, or of their compiled form
 */
export function bundleClient(folder) {
  return {
    client: bundle(join(folder, 'client', 'index')),
    tabs: bundle(join(folder, 'client', 'tabs', 'index')),
  };
}

function bundle(entry) {
  const { outputFiles } = buildSync({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    // The target of tsconfig.json.
    target: 'es2022',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0].text;
}

/**
 * Puts the scripts into the compiled package, where `serveClient` finds them.
 *
 * @param {string} dist the folder of the compiled sources
 */
export function embedClient(dist) {
  const file = join(dist, EMBEDDED_CLIENT);
  const scripts = JSON.stringify(bundleClient(dist));
  writeFileSync(file, `export function bundledClient() {\n  return ${scripts};\n}\n`);
  // The source map belongs to the replaced function.
  rmSync(`${file}.map`, { force: true });
}
