import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as library from '../../../scripts/setup.mjs';
import { node } from '../../../scripts/tools.mjs';

export const folder = fileURLToPath(new URL('..', import.meta.url));
const libraryFolder = fileURLToPath(new URL('../../..', import.meta.url));
const installedLibrary = join(folder, 'node_modules', 'nest-notifications');
const libraryStamp = join(folder, 'node_modules', '.library');

/**
 * Installs and builds the library and the shop, but skips each part that has not changed. The texts
 * of its errors are for the user.
 */
export async function prepare() {
  await library.setup();
  await library.build();
  installShop();
  await buildShop();
}

/** True if nothing has to be installed or built. */
export function isPrepared() {
  return library.isInstalled(folder) && hasCurrentLibrary() && isBuilt();
}

function installShop() {
  if (library.isInstalled(folder) && hasCurrentLibrary()) return;
  console.log('Installing the dependencies of the shop (once)…');
  // npm keeps an installed package of the same version, even if its files are older.
  rmSync(installedLibrary, { recursive: true, force: true });
  const { code, output } = library.install(folder);
  if (code !== 0) throw new Error(`npm install failed. Is the npm registry reachable?\n\n${output}`);
  writeFileSync(libraryStamp, hashOfLibrary());
}

/** npm copies the built library into node_modules, as it does with a package of a registry. */
function hasCurrentLibrary() {
  return existsSync(libraryStamp) && readFileSync(libraryStamp, 'utf8') === hashOfLibrary();
}

/** Compares contents, not times: a build of the same sources writes the same files again. */
function hashOfLibrary() {
  const hash = createHash('sha256');
  for (const path of filesIn(join(libraryFolder, 'dist')).sort()) hash.update(path).update(readFileSync(path));
  return hash.digest('hex');
}

async function buildShop() {
  if (isBuilt()) return;
  console.log('Building the shop…');
  rmSync(join(folder, 'dist'), { recursive: true, force: true });
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const programs = [[tsc, '-p', '.'], [tsc, '-p', 'web'], ['scripts/bundle-page.mjs']];
  const results = await Promise.all(programs.map((args) => node(args, { cwd: folder })));
  const failed = results.filter(({ code }) => code !== 0);
  if (failed.length === 0) return;
  rmSync(join(folder, 'dist'), { recursive: true, force: true });
  throw new Error(`The build failed.\n\n${failed.map(({ output }) => output).join('\n')}`);
}

function isBuilt() {
  const main = join(folder, 'dist', 'server', 'main.js');
  const page = join(folder, 'dist', 'web', 'app.js');
  if (!existsSync(main) || !existsSync(page)) return false;
  const inputs = ['server', 'shared', 'test', 'web', 'tsconfig.json', 'package.json'].map((name) => join(folder, name));
  const newest = Math.max(...inputs.map(newestChange), statSync(libraryStamp).mtimeMs);
  return newest <= Math.min(statSync(main).mtimeMs, statSync(page).mtimeMs);
}

/** The time of a folder counts too: it changes when a file in it is deleted. */
function newestChange(path) {
  const names = statSync(path).isDirectory() ? readdirSync(path, { recursive: true }) : [];
  return Math.max(...[path, ...names.map((name) => join(path, name))].map((each) => statSync(each).mtimeMs));
}

function filesIn(path) {
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
