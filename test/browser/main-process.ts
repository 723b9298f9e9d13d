import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { EMBEDDED_CLIENT, embedClient } from '../../scripts/bundle-client.mjs';
import { transpile } from '../../scripts/transpile.mjs';
import { bundledProgram } from '../support/bundled-program.js';

export const root = fileURLToPath(new URL('../..', import.meta.url));

const START_MS_MAX = 15_000;

/** The compiled program. */
export interface Built {
  readonly main: string;
  remove(): void;
}

/**
 * The program of `npm run build`, if nothing in src has changed since, as under `npm test`.
 * Otherwise src is compiled into a folder of its own without checking types. That is quick and
 * leaves dist alone.
 */
export function built(): Built {
  const main = join(root, 'dist', 'main.js');
  const last = join(root, 'dist', EMBEDDED_CLIENT);
  const sources = join(root, 'src');
  if (existsSync(last) && newestChange(sources) <= statSync(last).mtimeMs) return { main, remove: () => undefined };
  // Inside the repository, where the compiled files find their packages.
  mkdirSync(join(root, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(root, '.cache', 'main-'));
  transpileAll(sources, folder);
  cpSync(join(sources, 'demo', 'assets'), join(folder, 'demo', 'assets'), { recursive: true });
  embedClient(folder);
  return { main: join(folder, 'main.js'), remove: () => rmSync(folder, { recursive: true }) };
}

/** The program in one file, for tests that start it often. The tests of the program use `built`. */
export function bundledMain(): string {
  const program = built();
  const folder = dirname(program.main);
  try {
    return bundledProgram({ entry: program.main, sources: [folder], assets: join(folder, 'demo', 'assets') });
  } finally {
    program.remove();
  }
}

function transpileAll(sources: string, folder: string): void {
  for (const path of readdirSync(sources, { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.ts')) continue;
    const fileName = join(sources, path);
    const target = join(folder, path.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, transpile(readFileSync(fileName, 'utf8')));
  }
}

function newestChange(folder: string): number {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
  return Math.max(...[folder, ...paths].map((path) => statSync(path).mtimeMs));
}

/** The program in a process. */
export class MainProcess {
  stdout = '';
  stderr = '';
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #closed: Promise<{ code: number | null }>;

  constructor(main: string, env: Readonly<Record<string, string>>) {
    const { PATH = '', HOME = '' } = process.env;
    const options = { cwd: root, env: { PATH, HOME, PORT: '0', STORE: 'memory', ...env } };
    this.child = spawn(process.execPath, [main], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.#closed = once(this.child, 'close').then(([code]) => ({ code }));
  }

  /** Resolves with the address of the page, when the program has printed its start text. */
  async url(): Promise<string> {
    const timeout = AbortSignal.timeout(START_MS_MAX);
    while (!this.stdout.includes('Ctrl-C ends.')) {
      const more = once(this.child.stdout, 'data', { signal: timeout });
      const ended = await Promise.race([more, this.#closed.then(() => 'ended')]);
      if (ended === 'ended') throw new Error(`The server has ended: ${this.stderr}`);
    }
    return /http:\/\/\S+\//.exec(this.stdout)![0];
  }

  /** Resolves with the exit code when the process has ended and its output is complete. */
  async ended(): Promise<number | null> {
    return (await this.#closed).code;
  }

  /** Stops the process gracefully, and resolves with its exit code. */
  async stop(): Promise<number | null> {
    this.child.kill('SIGTERM');
    return this.ended();
  }
}

/** The first of these programs that is on the PATH, or the first path to a program. */
export function findProgram(names: readonly (string | undefined)[]): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return names
    .flatMap((name) =>
      name === undefined ? [] : name.includes('/') ? [name] : folders.map((folder) => join(folder, name)),
    )
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
