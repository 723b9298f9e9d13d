import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Clock, systemClock } from '../../src/core/clock.js';
import type { Store } from '../../src/core/store.js';
import { redisStore, type RedisStoreOptions } from '../../src/stores/redis/index.js';
import { appendLua } from '../../src/stores/redis/lua/append.lua.js';
import { RedisEngine, type RedisEngineOptions, redisMissing } from '../support/engines/redis.js';
import { until, within } from '../support/time/until.js';
import { newDraft } from '../support/drafts.js';

const describeRedis = redisMissing() === undefined ? describe : describe.skip;

const UNAVAILABLE = { name: 'NotificationsError', code: 'store_unavailable' };
const PREFIX = 'notifications';
const NO_DELAY = { 'repl-diskless-sync-delay': '0' };

let open: { close(): Promise<void> }[];
const start = async (options?: RedisEngineOptions): Promise<RedisEngine> => {
  const engine = await RedisEngine.start(options);
  open.push({ close: () => engine.stop() });
  return engine;
};
const openStore = async (options: RedisStoreOptions, clock: Clock = systemClock): Promise<Store> => {
  const logger = { warn: () => undefined, error: () => undefined };
  const store = await redisStore(options)({ clock, logger });
  open.push(store);
  return store;
};

beforeEach(() => {
  open = [];
});
afterEach(async () => {
  for (const one of open.reverse()) await one.close();
});

describeRedis('appends of redisStore that are not awaited', () => {
  test.each([undefined, { replicas: 1, timeoutMs: 2_000 }])(
    'close first writes pending appends, with wait %j',
    async (wait) => {
      const engine = await start({ settings: NO_DELAY });
      const connection = engine.url;
      if (wait) {
        await start({ settings: { replicaof: `127.0.0.1 ${engine.port}`, ...NO_DELAY } });
        await until(async () => (await engine.use((client) => client.info('replication'))).includes('state=online'));
      }
      const store = await openStore({ connection, ...(wait && { wait }) });
      const appends = Array.from({ length: 500 }, () => store.append([newDraft()]));
      const closing = store.close();
      const late = store.append([newDraft()]);
      await expect(late).rejects.toMatchObject(UNAVAILABLE);
      const positions = (await Promise.all(appends)).map(({ appended }) => appended[0]!.position);
      expect(positions).toEqual(Array.from({ length: 500 }, (_, at) => at + 1));
      await closing;
      expect(await engine.use((client) => client.xlen(`{${PREFIX}}:log`))).toBe(500);
    },
  );

  test('keep their order when the engine forgets its scripts', async () => {
    const engine = await start();
    const store = await openStore({ connection: engine.url });
    await engine.use(async (client) => {
      for (let round = 0; round < 10; round++) {
        const appends: ReturnType<Store['append']>[] = [];
        for (let count = 0; count < 60; count++) {
          appends.push(store.append([newDraft()]));
          if (count === 20) void client.script('FLUSH');
          // Each goes in a call of its own.
          await new Promise((resolve) => setImmediate(resolve));
        }
        const positions = (await Promise.all(appends)).map(({ appended }) => appended[0]!.position);
        expect(positions).toEqual([...positions].sort((a, b) => a - b));
      }
    });
  });
});

describeRedis('appends of redisStore in flight', () => {
  test('keep their order when another node loads the script again in between', async () => {
    const engine = await start();
    const store = await openStore({ connection: engine.url });
    await engine.use(async (client) => {
      for (let round = 0; round < 20; round++) {
        const appends: ReturnType<Store['append']>[] = [];
        for (let count = 0; count < 60; count++) {
          appends.push(store.append([newDraft()]));
          if (count === 20) void client.script('FLUSH');
          if (count === 22) void client.script('LOAD', appendLua);
          // Each append is a call of its own.
          await new Promise((resolve) => setImmediate(resolve));
        }
        const positions = (await Promise.all(appends)).map(({ appended }) => appended[0]!.position);
        expect(positions).toEqual([...positions].sort((a, b) => a - b));
      }
    });
  });

  test('do not block later ones when the engine asks for the script after the timeout', async () => {
    const engine = await start();
    const timers = new Set<() => void>();
    const clock: Clock = {
      ...systemClock,
      setTimeout: (task) => {
        timers.add(task);
        return task;
      },
      clearTimeout: (task) => void timers.delete(task as () => void),
    };
    const store = await openStore({ connection: engine.url }, clock);
    await engine.use((client) => client.script('FLUSH'));
    engine.freeze();
    const late = store.append([newDraft()]);
    late.catch(() => undefined);
    await until(() => timers.size > 0);
    for (const time of timers) time();
    await expect(late).rejects.toMatchObject(UNAVAILABLE);
    engine.thaw();
    await until(async () => (await engine.use((client) => client.dbsize())) > 0);
    const { appended } = await within(store.append([newDraft()]), 'an append', 10_000);
    expect(appended[0]!.position).toBe(2);
  });

  test('leave one field for each node in the state, until the ids are forgotten', async () => {
    const engine = await start();
    const options = { connection: engine.url, idempotencyCount: 5 };
    const stores = [await openStore(options), await openStore(options)];
    const fields = () =>
      engine.use(async (client) => (await client.hkeys(`{${PREFIX}}:meta`)).filter((name) => name.startsWith('node:')));
    for (const store of stores) await Promise.all([store.append([newDraft()]), store.append([newDraft()])]);
    expect(await fields()).toHaveLength(2);
    for (let count = 0; count < 6; count++) await stores[0]!.append([newDraft()]);
    expect(await fields()).toHaveLength(1);
  });
});

describeRedis('a wrong password', () => {
  test('is reported at once when the store opens', async () => {
    const engine = await start({ settings: { requirepass: 'right' } });
    const startedAt = Date.now();
    const opening = openStore({ connection: `redis://:s3cret@127.0.0.1:${engine.port}`, timeoutMs: 10_000 });
    await expect(opening).rejects.toMatchObject({ ...UNAVAILABLE, message: /wrong password/ });
    expect(Date.now() - startedAt).toBeLessThan(5_000);
  });

  test('is reported by calls after the password has changed', async () => {
    const engine = await start();
    const store = await openStore({ connection: engine.url, timeoutMs: 1_000 });
    await engine.use(async (client) => {
      await client.config('SET', 'requirepass', 'another');
      await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    });
    await until(async () => {
      const error: unknown = await store.append([newDraft()]).catch((reason: unknown) => reason);
      return error instanceof Error && error.message.includes('wrong password');
    });
  });
});
