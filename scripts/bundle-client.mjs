import { buildSync, transformSync } from 'esbuild';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The compiled `bundled-client.ts`. The build replaces its function with the scripts. */
export const EMBEDDED_CLIENT = join('nest', 'client-file', 'bundled-client.js');

/** The compiled `page-files.ts`. The build replaces its function with the files of the page. */
const EMBEDDED_PAGE = join('inspector', 'page-files.js');

/** The target of tsconfig.json. */
const TARGET = 'es2022';

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

/**
 * Bundles the page of the inspector. Its script starts the page.
 *
 * @param {string} sources the folder of the sources
 */
export function bundlePage(sources) {
  const textOf = (name) => readFileSync(join(sources, 'inspector', 'page', name), 'utf8');
  return {
    html: textOf('page.html'),
    script: bundle(sources, './inspector/page/index', 'startInspector'),
    style: transformSync(textOf('page.css'), { loader: 'css', minify: true }).code,
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
    target: TARGET,
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0].text.replace(STYLES, (_, css) => `\`${minified(css)}\``);
}

/** The styles of the element: a template without values that begins with the host. */
const STYLES = /`\n(:host[^`$]+)`/;

function minified(css) {
  return transformSync(css, { loader: 'css', minify: true }).code.trim();
}

/**
 * Puts the scripts into the compiled package, where `serveClient` finds them.
 *
 * @param {string} dist the folder of the compiled sources
 */
export function embedClient(dist) {
  embed(join(dist, EMBEDDED_CLIENT), 'bundledClient', bundleClient(dist));
}

/**
 * Puts the page of the inspector into the compiled package. Its compiled sources are not part of
 * the package.
 *
 * @param {string} dist the folder of the compiled sources
 * @param {string} sources the folder of the sources
 */
export function embedPage(dist, sources) {
  embed(join(dist, EMBEDDED_PAGE), 'pageFiles', bundlePage(sources));
  rmSync(join(dist, 'inspector', 'page'), { recursive: true });
}

function embed(file, name, texts) {
  writeFileSync(file, `export function ${name}() {\n  return ${JSON.stringify(texts)};\n}\n`);
  // The source map belongs to the replaced function.
  rmSync(`${file}.map`, { force: true });
}
