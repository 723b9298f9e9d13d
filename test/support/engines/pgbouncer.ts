import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import pg from 'pg';
import { freePort } from '../free-port.js';
import type { PostgresEngine } from './postgres.js';
import { pause } from '../time/pause.js';

const PATIENCE_MS = 10_000;
/** The PATH of many users lacks the folders of servers. */
const PATH = [process.env.PATH, '/usr/sbin', '/sbin'].join(delimiter);

/**
 * The reason why tests skip this pooler; undefined if it is installed.
 * @throws Error in CI, which runs everything
 */
export function pgBouncerMissing(): string | undefined {
  if (spawnSync('pgbouncer', ['--version'], { env: { PATH } }).status === 0) return undefined;
  const reason = 'pgbouncer is not installed (Debian: apt-get install pgbouncer)';
  if (process.env.CI === 'true') throw new Error(reason);
  console.warn(`skipped: ${reason}`);
  return reason;
}

/** A pooler in transaction mode. Its clients stay connected while it changes to another engine. */
export class PgBouncer {
  readonly port: number;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string) {
    this.port = port;
    this.#folder = folder;
  }

  static async start(engine: PostgresEngine): Promise<PgBouncer> {
    const folder = mkdtempSync(join(tmpdir(), 'nest-notifications-pgbouncer-'));
    const pooler = new PgBouncer(await freePort(), folder);
    pooler.#configure(engine);
    // PgBouncer does not run as root.
    const asNobody = process.getuid?.() === 0;
    if (asNobody) for (const path of [folder, pooler.#config]) chownSync(path, 65_534, 65_534);
    const args = asNobody ? ['-u', 'nobody', pooler.#config] : [pooler.#config];
    pooler.#process = spawn('pgbouncer', ['-q', ...args], { env: { PATH }, stdio: 'ignore' });
    const giveUpAtMs = Date.now() + PATIENCE_MS;
    while (!(await pooler.#command('SHOW VERSION'))) {
      if (Date.now() > giveUpAtMs) throw new Error('pgbouncer does not answer');
      await pause(20);
    }
    return pooler;
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`;
  }

  /** Connects its clients to another engine, from the next transaction on. */
  async changeTo(engine: PostgresEngine): Promise<void> {
    this.#configure(engine);
    for (const command of ['RELOAD', 'RECONNECT postgres', 'WAIT_CLOSE postgres']) await this.#command(command);
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child?.exitCode === null) {
      const closed = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGKILL');
      await closed;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #config(): string {
    return join(this.#folder, 'pgbouncer.ini');
  }

  #configure(engine: PostgresEngine): void {
    const lines = [
      '[databases]',
      `postgres = host=127.0.0.1 port=${engine.port} dbname=postgres user=postgres`,
      '[pgbouncer]',
      `listen_port = ${this.port}`,
      'listen_addr = 127.0.0.1',
      'unix_socket_dir =',
      'auth_type = any',
      'admin_users = postgres',
      'pool_mode = transaction',
    ];
    writeFileSync(this.#config, lines.join('\n'));
  }

  async #command(text: string): Promise<boolean> {
    const client = new pg.Client({ connectionString: `postgres://postgres@127.0.0.1:${this.port}/pgbouncer` });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query(text);
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
