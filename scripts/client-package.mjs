import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { root } from './tools.mjs';

export const CLIENT_FOLDER = join(root, 'packages', 'client');

/** The entries of the package `nest-notifications-client`, in the compiled sources. */
const ENTRIES = ['index', 'tabs/index', 'inbox/index', 'inbox-element/index', 'react'];
/**
 * Imports and exports of relative files. Compiled code has imports and exports in this form only.
 */
const RELATIVE_IMPORTS = /(?:from|import\()\s*['"](\.[^'"]+)['"]/g;

/**
 * Fills `packages/client` with the compiled client: its entries, and the files that they import.
 *
 * The main package has the same files. With a dependency, the client package would have to be
 * published before the main package.
 *
 * @param {string} dist the folder of the compiled sources
 */
export function buildClientPackage(dist) {
  rmSync(join(CLIENT_FOLDER, 'dist'), { recursive: true, force: true });
  for (const file of clientFiles(dist)) {
    const copy = join(CLIENT_FOLDER, 'dist', relative(dist, file));
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(file, copy);
  }
  copyFileSync(join(root, 'LICENSE'), join(CLIENT_FOLDER, 'LICENSE'));
}

/** Code, its source maps and types. The types may need files that the code does not. */
function clientFiles(dist) {
  const files = new Set();
  const add = (file) => {
    if (files.has(file)) return;
    files.add(file);
    for (const [, path] of readFileSync(file, 'utf8').matchAll(RELATIVE_IMPORTS)) {
      const extension = file.endsWith('.d.ts') ? '.d.ts' : '.js';
      add(join(dirname(file), path.replace(/\.js$/, extension)));
    }
  };
  for (const entry of ENTRIES) for (const extension of ['.js', '.d.ts']) add(join(dist, 'client', entry + extension));
  const maps = [...files].map((file) => `${file}.map`).filter((file) => existsSync(file));
  return [...files, ...maps];
}
