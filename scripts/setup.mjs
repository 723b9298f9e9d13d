import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { node, npm, root } from './tools.mjs';

/**
 * Makes a bare clone runnable. Prints nothing if no step is necessary. The texts of its errors are
 * for the user.
 */
export async function setup() {
  checkNode();
  if (isInstalled(root)) return;
  console.log('Installing dependencies (once)…');
  const { code, output } = install(root);
  if (code !== 0) throw new Error(`npm install failed. Is the npm registry reachable?\n\n${output}`);
}

/** Compiles src to dist when it has changed since. */
export async function build() {
  if (isBuilt()) return;
  console.log('Building…');
  const { code, output } = await node(['scripts/build.mjs']);
  if (code !== 0) throw new Error(`The build failed.\n\n${output}`);
}

/** Installs one folder's dependencies and remembers for which package.json and lock file. */
export function install(folder) {
  // Uses `npm install`: `npm ci` may reject a lock file from another platform, because its optional
  // binaries differ.
  const result = npm(['install', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder });
  if (result.code === 0) {
    mkdirSync(join(folder, 'node_modules'), { recursive: true });
    writeFileSync(stampFile(folder), wantedHash(folder));
  }
  return result;
}

export function isInstalled(folder) {
  return existsSync(stampFile(folder)) && readFileSync(stampFile(folder), 'utf8') === wantedHash(folder);
}

const stampFile = (folder) => join(folder, 'node_modules', '.installed');

/**
 * A hash of the dependencies, not of the whole package.json: a new script needs no installation.
 */
function wantedHash(folder) {
  const { dependencies, devDependencies, peerDependencies } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  );
  const lock = join(folder, 'package-lock.json');
  return createHash('sha256')
    .update(JSON.stringify([dependencies, devDependencies, peerDependencies]))
    .update(existsSync(lock) ? readFileSync(lock) : '')
    .digest('hex');
}

/**
 * With tsconfig's noEmitOnError and nest-cli's deleteOutDir, a failed build leaves no dist behind.
 */
function isBuilt() {
  // The file that the build writes last.
  const built = join(root, 'dist', 'nest', 'client-file', 'bundled-client.js');
  if (!existsSync(built)) return false;
  const inputs = ['src', 'tsconfig.json', 'nest-cli.json', 'package.json', 'scripts/bundle-client.mjs'].map((name) =>
    join(root, name),
  );
  return newestChange(inputs) <= statSync(built).mtimeMs;
}

function newestChange(paths) {
  const times = paths.map((path) => {
    const stat = statSync(path);
    if (!stat.isDirectory()) return stat.mtimeMs;
    // The folder's own time counts too: it changes when a file in it is deleted or renamed.
    return Math.max(stat.mtimeMs, newestChange(readdirSync(path).map((name) => join(path, name))));
  });
  return Math.max(...times);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  // Node 20.19 is the first version that can require() an ES module. CommonJS applications need
  // this for Nest 12.
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new Error(
    `Node 20.19 or newer is needed; this is ${process.versions.node}. Install a newer one and run this again.`,
  );
}
