import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../free-port.js';
import { REDIS_BINARY } from './redis.js';

/** The name of the primary that the group watches. */
export const SENTINEL_NAME = 'main';
const DOWN_AFTER_MS = 1_000;

interface Sentinel {
  readonly port: number;
  readonly process: ChildProcess;
}

/** Three Sentinels that watch one primary. A failover needs two of them. */
export class SentinelGroup {
  readonly #folder: string;
  readonly #sentinels: readonly Sentinel[];

  private constructor(folder: string, sentinels: readonly Sentinel[]) {
    this.#folder = folder;
    this.#sentinels = sentinels;
  }

  static async start(primaryPort: number): Promise<SentinelGroup> {
    const folder = await mkdtemp(join(tmpdir(), 'nest-notifications-sentinel-'));
    const sentinels: Sentinel[] = [];
    for (let at = 0; at < 3; at++) {
      const port = await freePort();
      const file = join(folder, `${at}.conf`);
      const lines = [
        `port ${port}`,
        'bind 127.0.0.1',
        `dir ${folder}`,
        `sentinel monitor ${SENTINEL_NAME} 127.0.0.1 ${primaryPort} 2`,
        `sentinel down-after-milliseconds ${SENTINEL_NAME} ${DOWN_AFTER_MS}`,
        `sentinel failover-timeout ${SENTINEL_NAME} 6000`,
      ];
      await writeFile(file, `${lines.join('\n')}\n`);
      sentinels.push({ port, process: spawn(REDIS_BINARY, [file, '--sentinel'], { stdio: 'ignore' }) });
    }
    return new SentinelGroup(folder, sentinels);
  }

  /** The addresses of the Sentinels, as options of ioredis. */
  get addresses(): { host: string; port: number }[] {
    return this.#sentinels.map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  /** True once every Sentinel knows the others and a replica. */
  async isReady(): Promise<boolean> {
    const states = await Promise.all(this.#sentinels.map(({ port }) => primaryOf(port)));
    return states.every((state) => state?.get('num-other-sentinels') === '2' && state.get('num-slaves') === '1');
  }

  /** The port of the primary, if all Sentinels name the same. */
  async primaryPort(): Promise<number | undefined> {
    const states = await Promise.all(this.#sentinels.map(({ port }) => primaryOf(port)));
    const ports = new Set(states.map((state) => state?.get('port')));
    return ports.size === 1 ? Number([...ports][0]) : undefined;
  }

  async stop(): Promise<void> {
    for (const { process } of this.#sentinels) {
      const ended = once(process, 'exit');
      process.kill('SIGKILL');
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function primaryOf(port: number): Promise<Map<string, string> | undefined> {
  const client = new Redis(port, '127.0.0.1', { lazyConnect: true, maxRetriesPerRequest: 1 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const list = (await client.call('SENTINEL', 'MASTER', SENTINEL_NAME)) as string[];
    return new Map(list.flatMap((name, at) => (at % 2 === 0 ? [[name, list[at + 1] ?? '']] : [])));
  } catch {
    return undefined;
  } finally {
    client.disconnect();
  }
}
