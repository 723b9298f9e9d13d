import { buildSync } from 'esbuild';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Each bundle has a folder, whose name is the hash of its sources. */
const BUNDLES = join('node_modules', '.cache', 'programs');

/** A bundle has several megabytes, and each change of the sources makes another one. */
const KEPT_MS = 86_400_000;

/** Packages with native parts, and optional packages of Nest and of drivers. */
const EXTERNAL = [
  ...['libsql', '@libsql/*', 'pg-native', 'class-transformer', 'class-transformer/*', 'class-validator'],
  ...['@nestjs/microservices', '@nestjs/microservices/*', '@nestjs/websockets', '@nestjs/websockets/*'],
  ...['@fastify/multipart', '@fastify/static', '@fastify/view'],
];

/** CommonJS packages in the bundle use these names, which an ES module does not have. */
const COMMONJS = `import { createRequire as requireOf } from 'node:module';
const require = requireOf(import.meta.url);
const { filename: __filename, dirname: __dirname } = import.meta;`;

export interface Program {
  /** The file that a process runs. */
  readonly entry: string;
  /** The folders of its own sources. If one of their files changes, the bundle is made again. */
  readonly sources: readonly string[];
  /** A folder that the program reads beside its file. */
  readonly assets?: string;
}

/**
 * Bundles a program and its packages into one file, and returns its path. Loading a thousand files
 * takes two seconds of CPU time at start; one bundle takes less than a second. Tests that start
 * many processes use it.
 */
export function bundledProgram({ entry, sources, assets }: Program): string {
  const folder = resolve(BUNDLES, hashOf(entry, sources));
  const program = join(folder, 'program.mjs');
  if (existsSync(program)) {
    utimesSync(folder, new Date(), new Date());
    return program;
  }
  mkdirSync(BUNDLES, { recursive: true });
  removeOld();
  const unfinished = mkdtempSync(`${folder}-`);
  try {
    bundle(entry, join(unfinished, 'program.mjs'));
    if (assets !== undefined) cpSync(assets, join(unfinished, 'assets'), { recursive: true });
    renameSync(unfinished, folder);
  } catch (error) {
    rmSync(unfinished, { recursive: true });
    // Another suite may have made the same bundle at the same time.
    if (!existsSync(program)) throw error;
  }
  return program;
}

function bundle(entry: string, outfile: string): void {
  buildSync({
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    keepNames: true,
    external: EXTERNAL,
    banner: { js: COMMONJS },
    // Its paths have the names that users import.
    tsconfig: 'tsconfig.test.json',
    logLevel: 'error',
  });
}

/** Removes bundles that no test has used for a day. */
function removeOld(): void {
  for (const name of readdirSync(BUNDLES)) {
    const folder = join(BUNDLES, name);
    const usedMs = statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
    if (Date.now() - usedMs > KEPT_MS) rmSync(folder, { recursive: true, force: true });
  }
}

function hashOf(entry: string, sources: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of ['package-lock.json', fileURLToPath(import.meta.url), entry]) hash.update(readFileSync(file));
  for (const folder of sources) {
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
      const file = join(folder, name);
      if (statSync(file).isFile()) hash.update(`${name}\n`).update(readFileSync(file));
    }
  }
  return hash.digest('hex').slice(0, 16);
}
