import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../free-port.js';
import { pause } from '../time/pause.js';
import { freezeProcess } from './freeze.js';
import { type EngineVersion, otherVersionOf } from './versions.js';
import { inDepth } from '../depth.js';

/** If REDIS_SERVER has the path of another engine, all tests of Redis use that engine. */
export const REDIS_BINARY = process.env.REDIS_SERVER ?? 'redis-server';
/** How long an engine may take to start or to stop. */
const PATIENCE_MS = 10_000;
const POLL_MS = 10;

export interface RedisEngineOptions {
  /**
   * `always`: `appendonly yes` with `appendfsync always`. `no`: the engine keeps no data. Default
   * `no`.
   */
  readonly appendonly?: 'always' | 'everysec' | 'no';
  /** Other settings, as on the command line without dashes. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The program. Default: the engine of the machine. */
  readonly binary?: string;
}

/** The reason why tests on this engine are skipped, if they are. With CI=true that is an error. */
export function redisMissing(): string | undefined {
  if (spawnSync(REDIS_BINARY, ['--version']).status === 0) return undefined;
  const reason = `${REDIS_BINARY} is not installed (apt-get install redis-server, or node scripts/engines.mjs)`;
  if (process.env.CI === 'true') throw new Error(reason);
  console.warn(`skipped: ${reason}`);
  return reason;
}

/**
 * The engine of the machine. With TEST_DEPTH=all also Valkey, unless REDIS_SERVER names an engine.
 */
export function redisVersions(): readonly EngineVersion[] {
  const installed = { name: 'the engine of this machine', binary: REDIS_BINARY, missing: redisMissing() };
  return inDepth(false, process.env.REDIS_SERVER === undefined)
    ? [installed, otherVersionOf('valkey-server', 'valkey-8')]
    : [installed];
}

/** A real engine on a free loopback port, with its data in a temporary folder. */
export class RedisEngine {
  readonly port: number;
  readonly #folder: string;
  readonly #args: readonly string[];
  readonly #binary: string;
  #process: ChildProcess | undefined;
  #output = '';

  private constructor(port: number, folder: string, { args, binary }: { args: readonly string[]; binary: string }) {
    this.port = port;
    this.#folder = folder;
    this.#args = args;
    this.#binary = binary;
  }

  static async start(options: RedisEngineOptions = {}): Promise<RedisEngine> {
    const { appendonly = 'no', settings = {}, binary = REDIS_BINARY } = options;
    const port = await freePort();
    const folder = await mkdtemp(join(tmpdir(), 'nest-notifications-redis-'));
    const all: Record<string, string> = {
      port: String(port),
      bind: '127.0.0.1',
      dir: folder,
      save: '',
      appendonly: appendonly === 'no' ? 'no' : 'yes',
      ...(appendonly === 'no' ? {} : { appendfsync: appendonly }),
      ...settings,
    };
    const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
    const engine = new RedisEngine(port, folder, { args, binary });
    try {
      await engine.startAgain();
    } catch (error) {
      await engine.stop();
      throw error;
    }
    return engine;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    if (this.#process?.pid === undefined) throw new Error('the engine is not running');
    return this.#process.pid;
  }

  /** Starts it on the data that it had. Resolves when it answers. */
  async startAgain(): Promise<void> {
    const child = spawn(this.#binary, this.#args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = child;
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-4_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const startedAt = Date.now();
    while (!(await answersPing(this.port))) {
      if (child.exitCode !== null || Date.now() - startedAt > PATIENCE_MS) {
        throw new Error(`${this.#binary} does not answer: ${this.#output}`);
      }
      await pause(POLL_MS);
    }
  }

  /** Kills it: it cannot write anything more. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.startAgain();
  }

  /** The size of the append-only file after all writes have reached it. */
  async aofBytes(): Promise<number> {
    for (;;) {
      const info = await this.use((client) => client.info('persistence'));
      if (info.includes('aof_buffer_length:0')) return (await stat(await this.#aof())).size;
      await pause(POLL_MS);
    }
  }

  /**
   * Simulates a power failure: the file of appends keeps only its first `bytes` bytes.
   */
  async losePower(aofBytes: number): Promise<void> {
    await this.kill();
    await truncate(await this.#aof(), aofBytes);
  }

  async #aof(): Promise<string> {
    const folder = join(this.#folder, 'appendonlydir');
    const name = (await readdir(folder)).find((file) => file.endsWith('.incr.aof'));
    return join(folder, name ?? 'none');
  }

  /** Stops the process: connections stay open, and get no answers. */
  freeze(): void {
    freezeProcess(this.pid);
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  async stop(): Promise<void> {
    if (this.#process?.pid !== undefined) await this.#end('SIGKILL');
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Runs commands on a client of its own. */
  async use<T>(task: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis(this.port, '127.0.0.1', { lazyConnect: true, maxRetriesPerRequest: 1 });
    try {
      await client.connect();
      return await task(client);
    } finally {
      client.disconnect();
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.kill(signal);
    await ended;
  }
}

/**
 * True when the engine accepts commands. While the engine loads its data, it answers with an error.
 */
function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const answer = (yes: boolean): void => {
      socket.destroy();
      resolve(yes);
    };
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (data) => answer(/^\+PONG|^-NOAUTH/.test(data.toString())));
    socket.once('error', () => answer(false));
  });
}
