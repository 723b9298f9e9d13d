import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock.js';
import type { LogEntry } from '../../src/core/notification.js';
import type { Store, StoreFactory } from '../../src/core/store.js';
import { natsStore } from '../../src/stores/nats/index.js';
import { postgresStore } from '../../src/stores/postgres/index.js';
import { redisStore } from '../../src/stores/redis/index.js';
import { sqliteStore } from '../../src/stores/sqlite/index.js';
import { draft } from '../support/drafts.js';
import { natsMissing, NatsServer } from '../support/engines/nats.js';
import { PostgresEngine, postgresMissing } from '../support/engines/postgres.js';
import { RedisEngine, redisMissing } from '../support/engines/redis.js';
import { until } from '../support/http/until.js';

interface Started {
  readonly factory: StoreFactory;
  stop(): Promise<void>;
}

function sqlite(): Promise<Started> {
  const folder = mkdtempSync(join(tmpdir(), 'nest-notifications-foreign-'));
  const stop = (): Promise<void> => {
    rmSync(folder, { recursive: true, force: true });
    return Promise.resolve();
  };
  return Promise.resolve({ factory: sqliteStore({ path: join(folder, 'log.db') }), stop });
}

async function redis(): Promise<Started> {
  const engine = await RedisEngine.start();
  return { factory: redisStore({ connection: engine.url }), stop: () => engine.stop() };
}

async function postgres(): Promise<Started> {
  const engine = await PostgresEngine.start();
  return { factory: postgresStore({ connectionString: engine.url }), stop: () => engine.stop() };
}

async function nats(): Promise<Started> {
  const engine = await NatsServer.start();
  return { factory: natsStore({ connection: { servers: engine.servers } }), stop: () => engine.stop() };
}

/** Records of another program under a topic of this library. */
const FOREIGN = [
  '',
  '{',
  'null',
  '[]',
  '"text"',
  '{}',
  JSON.stringify({ id: 'other', topic: 'orders', type: 't', time: '', data: null }),
  JSON.stringify({ id: 'f7', topic: 'secrets', type: 't', time: '', data: null }),
  JSON.stringify({ id: 'f8', topic: 'orders', type: 7, time: '', data: null }),
];

describe.each([
  ['sqlite', sqlite, undefined],
  ['redis', redis, redisMissing()],
  ['postgres', postgres, postgresMissing()],
  ['nats', nats, natsMissing()],
] as const)('records of others in %s', (_, start, missing) => {
  const runs = missing === undefined ? test : test.skip;
  const errors: string[] = [];
  let started: Started;
  let store: Store;

  beforeEach(async () => {
    if (missing !== undefined) return;
    errors.length = 0;
    started = await start();
    const error = (message: string): void => void errors.push(message);
    store = await started.factory({ clock: systemClock, logger: { warn: () => undefined, error } });
  });
  afterEach(async () => {
    if (missing !== undefined) return;
    await store.close();
    await started.stop();
  });

  runs('are skipped by pages and the tail, and reported once each, without their text', async () => {
    const followed: LogEntry[] = [];
    const tail = await store.tail(0, ({ entries }) => {
      followed.push(...entries);
    });
    await store.append([draft('before')]);
    for (const [index, json] of FOREIGN.entries()) await store.append([{ id: `f${index}`, topic: 'orders', json }]);
    await store.append([draft('after')]);
    await until(() => followed.at(-1)?.id === 'after');
    expect(followed.map(({ id }) => id)).toEqual(['before', 'after']);
    for (const limit of [1, 2, 100]) {
      const ids: string[] = [];
      for (let after = 0, more = true; more;) {
        const page = await store.read({ topics: ['orders'], after, limit, bytesMax: 2 ** 20 });
        ids.push(...page.entries.map(({ id }) => id));
        after = page.entries.at(-1)?.position ?? page.head;
        more = page.more;
      }
      expect(ids).toEqual(['before', 'after']);
    }
    expect(errors).toHaveLength(FOREIGN.length);
    expect(new Set(errors).size).toBe(FOREIGN.length);
    expect(errors.join()).not.toContain('secrets');
    await tail.close();
  });
});
