import { buildSync } from 'esbuild';
import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The compiled `bundled-client.ts`. The build replaces its function with the scripts. */
export const EMBEDDED_CLIENT = join('nest', 'client-file', 'bundled-client.js');

/**
 * Bundles the client's entries for pages without a bundler. Each is a minified ES module without
 * imports. The script of the element also defines it.
 *
 * @param {string} folder the folder of the sources, or of their compiled form
 */
export function bundleClient(folder) {
  return {
    client: bundle(folder, './client/index'),
    tabs: bundle(folder, './client/tabs/index'),
    inboxElement: bundle(folder, './client/inbox-element/index', 'defineInboxElement'),
  };
}

/** @param {string} [called] an export that the script calls */
function bundle(folder, entry, called) {
  const call = called ? `import { ${called} } from '${entry}'; ${called}();` : '';
  const { outputFiles } = buildSync({
    stdin: { contents: `export * from '${entry}'; ${call}`, resolveDir: resolve(folder) },
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
