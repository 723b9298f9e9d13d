import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { Redis } from 'ioredis';
import pg from 'pg';
import { abilitiesOf, CLAIM_TTL_MS_MAX } from '../../src/core/abilities.js';
import { systemClock } from '../../src/core/clock.js';
import type { Store, StoreFactory } from '../../src/core/store.js';
import { natsStore } from '../../src/stores/nats/index.js';
import { postgresStore } from '../../src/stores/postgres/index.js';
import { redisStore } from '../../src/stores/redis/index.js';
import { loadEngine } from '../../src/stores/sqlite/engine.js';
import { sqliteStore } from '../../src/stores/sqlite/index.js';
import { natsMissing, NatsServer } from '../support/engines/nats.js';
import { PostgresEngine, postgresMissing } from '../support/engines/postgres.js';
import { RedisEngine, redisMissing } from '../support/engines/redis.js';

const HOUR_MS = 3_600_000;
/** Claims for up to two minutes share a group, and are removed together after that. */
const GROUP_MS = 120_000;

/** An engine as an operator sees it. `log` names the log to work on. */
interface Bench {
  factory(log: string, options: { readonly claimCount?: number }): StoreFactory;
  /** How many claims take up room. */
  held(log: string): Promise<number>;
  /** The engine loses every claim, as after a failover to a replica that had none of them. */
  lose(log: string): Promise<void>;
  /** Keys with a time to live. */
  evictable?(log: string): Promise<string[]>;
  stop(): Promise<void>;
}

async function sqlite(): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'nest-notifications-claims-'));
  const path = (log: string): string => join(folder, `${log}.db`);
  const engine = await loadEngine();
  return {
    factory: (log, options) => sqliteStore({ path: path(log), ...options }),
    held: async (log) => {
      const reader = await engine.openReader(path(log));
      const row = reader.prepare('SELECT count(*) AS held FROM claims').get();
      reader.close();
      return Number(row?.held);
    },
    lose: async (log) => {
      const writer = await engine.openWriter(path(log));
      await writer.exec('DELETE FROM claims');
      await writer.exec('UPDATE log SET claims = 0, claims_held = 0');
      writer.close();
    },
    stop: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function redis(): Promise<Bench> {
  const engine = await RedisEngine.start();
  const client = new Redis(engine.url);
  const keys = (log: string): Promise<string[]> => client.keys(`{${log}}:claims:*`);
  return {
    factory: (log, options) => redisStore({ connection: engine.url, prefix: log, ...options }),
    held: async (log) => {
      const counts = await Promise.all((await keys(log)).map((key) => client.zcard(key)));
      return counts.reduce((sum, count) => sum + count, 0);
    },
    lose: async (log) => {
      await client.del(await keys(log));
      await client.hdel(`{${log}}:meta`, 'claims');
    },
    evictable: async (log) => {
      const found: string[] = [];
      for (const key of await client.keys(`{${log}}:*`)) if ((await client.pttl(key)) !== -1) found.push(key);
      return found;
    },
    stop: async () => {
      client.disconnect();
      await engine.stop();
    },
  };
}

async function postgres(): Promise<Bench> {
  const engine = await PostgresEngine.start();
  const pool = new pg.Pool({ connectionString: engine.url });
  return {
    factory: (log, options) => postgresStore({ connectionString: engine.url, schema: log, ...options }),
    held: async (log) => Number((await pool.query(`SELECT count(*) FROM ${log}.claims`)).rows[0]?.count),
    lose: async (log) => {
      await pool.query(`TRUNCATE ${log}.claims`);
      await pool.query(`UPDATE ${log}.claims_state SET last = 0, held = 0`);
    },
    stop: async () => {
      await pool.end();
      await engine.stop();
    },
  };
}

async function nats(): Promise<Bench> {
  const server = await NatsServer.start();
  const nc = await server.connect();
  const jsm = await jetstreamManager(nc);
  return {
    factory: (stream, options) => natsStore({ connection: { servers: server.servers }, stream, ...options }),
    held: async (log) => (await jsm.streams.info(`${log}-claims`)).state.messages,
    lose: async (log) => {
      const { config } = await jsm.streams.info(`${log}-claims`);
      await jsm.streams.delete(`${log}-claims`);
      await jsm.streams.add(config);
    },
    stop: async () => {
      await nc.close();
      await server.stop();
    },
  };
}

describe.each([
  ['sqlite', sqlite, undefined],
  ['redis', redis, redisMissing()],
  ['postgres', postgres, postgresMissing()],
  ['nats', nats, natsMissing()],
] as const)('claims: %s', (engine, start, missing) => {
  const inEngine = missing === undefined ? test : test.skip;
  let bench: Bench;
  let logs = 0;
  const stores: Store[] = [];
  beforeAll(async () => {
    if (missing === undefined) bench = await start();
  }, 60_000);
  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
  });
  afterAll(async () => {
    if (missing === undefined) await bench.stop();
  });

  /** A node whose clocks a test can move. */
  async function open(log: string, options: { readonly claimCount?: number } = {}) {
    const time = { passedMs: 0, jumpedMs: 0 };
    const clock = {
      ...systemClock,
      now: () => systemClock.now() + time.passedMs + time.jumpedMs,
      monotonic: () => systemClock.monotonic() + time.passedMs,
    };
    const store = await bench.factory(
      log,
      options,
    )({ clock, logger: { warn: () => undefined, error: () => undefined } });
    stores.push(store);
    const { claim } = abilitiesOf(store);
    return { store, time, claim: claim! };
  }
  const newLog = (): string => `claims_${++logs}`;

  inEngine('a claim lasts its time, whatever the wall clock does, and then makes room', async () => {
    const log = newLog();
    const { claim, time } = await open(log);
    expect(await claim('a', 30_000)).toBe(true);
    time.jumpedMs = 48 * HOUR_MS;
    expect(await claim('b', 30_000)).toBe(true);
    expect(await claim('a', 30_000)).toBe(false);
    time.passedMs = GROUP_MS - 10_000;
    time.jumpedMs = -48 * HOUR_MS;
    expect(await claim('c', 30_000)).toBe(true);
    expect(await claim('a', 30_000)).toBe(false);
    time.passedMs = GROUP_MS + 10_000;
    expect(await claim('d', 30_000)).toBe(true);
    expect(await claim('a', 30_000)).toBe(true);
    expect(await claim('c', 30_000)).toBe(false);
    expect(await bench.held(log)).toBeLessThan(5);
  });

  inEngine('claims for a longer time stay when shorter ones are removed', async () => {
    const log = newLog();
    const { claim, time } = await open(log);
    for (const [key, ttlMs] of [
      ['day', CLAIM_TTL_MS_MAX],
      ['minute', 60_000],
      ['hour', HOUR_MS],
    ] as const) {
      expect(await claim(key, ttlMs)).toBe(true);
    }
    time.passedMs = GROUP_MS + 1_000;
    expect(await claim('later', 60_000)).toBe(true);
    expect(await claim('minute', 60_000)).toBe(true);
    for (const key of ['day', 'hour']) expect(await claim(key, 60_000)).toBe(false);
    time.passedMs = CLAIM_TTL_MS_MAX - 10_000;
    expect(await claim('much later', 60_000).catch((error: unknown) => error)).toBeInstanceOf(RangeError);
    expect(await claim('much-later', 60_000)).toBe(true);
    expect(await claim('day', 60_000)).toBe(false);
  });

  inEngine('a node that starts does not end the claims of others', async () => {
    const log = newLog();
    const one = await open(log);
    expect(await one.claim('a', 30_000)).toBe(true);
    const two = await open(log);
    two.time.jumpedMs = 48 * HOUR_MS;
    for (const key of ['b', 'c']) expect(await two.claim(key, 30_000)).toBe(true);
    expect(await two.claim('a', 30_000)).toBe(false);
    two.time.passedMs = GROUP_MS + 1_000;
    expect(await two.claim('d', 30_000)).toBe(true);
    expect(await two.claim('a', 30_000)).toBe(true);
  });

  inEngine('beyond claimCount new keys are rejected, and no claim is evicted', async () => {
    const { claim, time } = await open(newLog(), { claimCount: 3 });
    for (const key of ['a', 'b', 'c']) expect(await claim(key, 30_000)).toBe(true);
    for (const key of ['d', 'e']) {
      await expect(claim(key, 30_000)).rejects.toMatchObject({
        code: 'store_unavailable',
        message: expect.stringContaining('claimCount'),
      });
    }
    for (const key of ['a', 'b', 'c']) expect(await claim(key, 30_000)).toBe(false);
    time.passedMs = GROUP_MS + 1_000;
    expect(await claim('d', 30_000)).toBe(true);
  });

  if (engine === 'redis') {
    inEngine('no claim has a time to live by which the engine may evict it', async () => {
      const log = newLog();
      const { claim } = await open(log);
      for (const ttlMs of [1_000, HOUR_MS, CLAIM_TTL_MS_MAX]) await claim(`for-${ttlMs}`, ttlMs);
      expect(await bench.evictable?.(log)).toEqual([]);
    });
  }

  inEngine('an engine that has lost claims begins a new epoch', async () => {
    const log = newLog();
    const { claim, store } = await open(log);
    const epochId = async (): Promise<string> =>
      (await store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 })).epoch.id;
    for (const key of ['a', 'b', 'c']) expect(await claim(key, 30_000)).toBe(true);
    const before = await epochId();
    await bench.lose(log);
    // The call that finds out may be rejected; it is not answered in the name of the old epoch.
    const answer = await claim('a', 30_000).catch(() => 'rejected');
    expect(['rejected', true]).toContain(answer);
    expect(await epochId()).not.toBe(before);
    expect(await claim('b', 30_000)).toBe(true);
    expect(await claim('b', 30_000)).toBe(false);
  });
});
