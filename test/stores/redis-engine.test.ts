import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Cluster } from 'ioredis';
import { systemClock } from '../../src/core/clock.js';
import { redisStore, type RedisClientFactory, type RedisStoreOptions } from '../../src/stores/redis/index.js';
import { storeContract } from '../../src/testing/index.js';
import { RedisEngine, type RedisEngineOptions, redisMissing } from '../support/engines/redis.js';
import { pageAfter, PollingClient, TestNode } from '../support/stores/redis.js';
import { newDraft, newDrafts } from '../support/drafts.js';
import { until } from '../support/time/until.js';
import { createServer } from 'node:net';
import { inDepth } from '../support/depth.js';

const describeRedis = redisMissing() === undefined ? describe : describe.skip;

const UNAVAILABLE = { name: 'NotificationsError', code: 'store_unavailable' };

describeRedis('redisStore and its engine', () => {
  let engines: RedisEngine[];
  let nodes: TestNode[];
  const start = async (options?: RedisEngineOptions) => {
    const engine = await RedisEngine.start(options);
    engines.push(engine);
    return engine;
  };
  const openNode = async (engine: RedisEngine, options?: Partial<RedisStoreOptions>) => {
    const node = await TestNode.open(engine, options);
    nodes.push(node);
    return node;
  };
  beforeEach(() => {
    engines = [];
    nodes = [];
  });
  afterEach(async () => {
    const closed = await Promise.allSettled(nodes.map((node) => node.close()));
    for (const engine of engines) await engine.stop();
    expect(closed.filter(({ status }) => status === 'rejected')).toEqual([]);
  });

  test('after a kill, the timeout of a pending command does not end the next connection', async () => {
    const timeoutMs = 1_000;
    const engine = await start();
    const node = await openNode(engine, { timeoutMs });
    engine.freeze();
    const lost = node.store.append([newDraft()]);
    const passedAt = Date.now() + timeoutMs + 200;
    await engine.restart();
    await expect(lost).rejects.toMatchObject(UNAVAILABLE);
    await until(() => node.warnings.length === 2);
    // The driver's timer for the lost command, on the runtime's clock.
    await until(() => Date.now() > passedAt);
    expect(node.warnings).toEqual([expect.stringMatching('connection lost'), 'redisStore: connected again']);
    await node.store.append([newDraft()]);
  });

  test('while the engine hangs, calls are rejected in time and memory is bounded; then the store recovers', async () => {
    const engine = await start();
    const node = await openNode(engine, { timeoutMs: 500, pendingMax: 20, pendingCharsMax: 100_000 });
    const client = new PollingClient(() => node.feed, ['orders']);
    const first = await node.store.append(newDrafts(2));
    engine.freeze();
    const startedAt = Date.now();
    const large = node.store.append([newDraft('orders', 'x'.repeat(60_000))]);
    const tooLarge = node.store.append([newDraft('orders', 'x'.repeat(60_000))]);
    await expect(tooLarge).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringMatching('characters of JSON are pending'),
    });
    const many = Array.from({ length: 30 }, () => node.store.append([newDraft()]));
    const settled = await Promise.allSettled([large, ...many]);
    expect(settled.filter(({ status }) => status === 'fulfilled')).toEqual([]);
    expect((settled.at(-1) as PromiseRejectedResult).reason).toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringMatching('notifications are pending'),
    });
    expect(Date.now() - startedAt).toBeLessThan(3_000);
    await expect(node.store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 })).rejects.toMatchObject(UNAVAILABLE);
    engine.thaw();
    const late = newDraft();
    await until(() => node.store.append([late]).then(() => true, () => false)); // prettier-ignore
    await until(() => client.ids.includes(late.id));
    await client.stop();
    expect(client.gaps).toEqual([]);
    expect(client.ids.slice(0, 2)).toEqual(first.appended.map(({ id }) => id));
    expect(new Set(client.ids).size).toBe(client.ids.length);
    expect(node.warnings).toHaveLength(2);
  });

  test('without an engine, opening rejects in time, and the error has no credentials', async () => {
    const engine = await start();
    await engine.kill();
    const logger = { warn: fail, error: fail };
    const connection = `redis://user:s3cret@127.0.0.1:${engine.port}`;
    const opening = Promise.resolve(redisStore({ connection, timeoutMs: 800 })({ clock: systemClock, logger }));
    const error = await rejectionOf(opening);
    expect(error).toMatchObject(UNAVAILABLE);
    expect(`${error.message} ${JSON.stringify(error.cause, Object.getOwnPropertyNames(error.cause))}`).toMatch('ECONNREFUSED'); // prettier-ignore
    expect(textOf(error)).not.toMatch('s3cret');
  });

  test('a wrong password is reported without showing it', async () => {
    const engine = await start({ settings: { requirepass: 'right' } });
    const logger = { warn: fail, error: fail };
    const connection = `redis://:s3cret@127.0.0.1:${engine.port}`;
    const opening = Promise.resolve(redisStore({ connection, timeoutMs: 800 })({ clock: systemClock, logger }));
    const error = await rejectionOf(opening);
    expect(error).toMatchObject(UNAVAILABLE);
    expect(textOf(error)).toMatch('WRONGPASS');
    expect(textOf(error)).not.toMatch('s3cret');
  });

  test('a lost connection is reported once, and so is the reconnection', async () => {
    const engine = await start({ appendonly: 'always' });
    const node = await openNode(engine);
    await node.store.append(newDrafts(1));
    await engine.kill();
    await expect(node.store.append(newDrafts(1))).rejects.toMatchObject(UNAVAILABLE);
    await rejectReconnects(engine.port, 3);
    await expect(node.store.append(newDrafts(1))).rejects.toMatchObject(UNAVAILABLE);
    await engine.startAgain();
    await until(() => node.warnings.length === 2);
    expect(node.warnings[0]).toMatch('connection lost');
    expect(node.warnings[1]).toMatch('connected again');
    expect((await node.store.append(newDrafts(1))).appended[0]?.duplicate).toBe(false);
  });

  test('without free memory, the engine rejects an append completely, and accepts it later', async () => {
    const engine = await start();
    // The store would warn of a `retainBytes` above `maxmemory`.
    const node = await openNode(engine, { retainBytes: 500_000 });
    await node.store.append(newDrafts(1));
    await engine.use((client) => client.config('SET', 'maxmemory', '1mb'));
    for (let attempt = 1; attempt <= 2; attempt++) {
      await expect(node.store.append(newDrafts(3))).rejects.toMatchObject({ ...UNAVAILABLE, message: /OOM/ });
      expect((await pageAfter(node.feed, 'earliest')).entries).toHaveLength(1);
    }
    expect(node.warnings).toEqual([expect.stringMatching(/^The redis store is unavailable: OOM/)]);
    await engine.use((client) => client.config('SET', 'maxmemory', '0'));
    await node.store.append(newDrafts(3));
    expect(node.warnings.slice(1)).toEqual(['The redis store is available again.']);
    // Equal reads share a page until the tail delivers the append.
    await until(async () => (await pageAfter(node.feed, 'earliest')).entries.length === 4);
  });

  test('read-only (it has become a replica): appends are rejected until it is a primary again', async () => {
    const engine = await start();
    const node = await openNode(engine);
    await node.store.append(newDrafts(1));
    await engine.use((client) => client.replicaof('127.0.0.1', '1'));
    await expect(node.store.append(newDrafts(1))).rejects.toMatchObject({ ...UNAVAILABLE, message: /READONLY/ });
    await engine.use((client) => client.replicaof('NO', 'ONE'));
    await until(() => node.store.append(newDrafts(1)).then(() => true, () => false)); // prettier-ignore
  });

  test('an engine that may evict the log is refused', async () => {
    const engine = await start({ settings: { maxmemory: '100mb', 'maxmemory-policy': 'allkeys-lru' } });
    await expect(openNode(engine)).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: /maxmemory-policy is allkeys-lru/,
    });
  });

  test('an engine with less memory than retainBytes is reported at the start, once', async () => {
    const engine = await start({ settings: { maxmemory: '100mb' } });
    const node = await openNode(engine);
    expect(node.warnings).toEqual([expect.stringMatching(/^redisStore: retainBytes is 1073741824, .* 104857600\./)]);
    await engine.restart();
    await until(() => node.warnings.includes('redisStore: connected again'));
    expect(node.warnings.filter((warning) => warning.includes('retainBytes'))).toHaveLength(1);
    const fitting = await openNode(engine, { retainBytes: 50 * 1024 * 1024 });
    expect(fitting.warnings).toEqual([]);
  });

  test('the same id from two nodes at once is one notification', async () => {
    const engine = await start();
    const pair = [await openNode(engine), await openNode(engine)];
    const shared = newDrafts(50);
    const results = await Promise.all(shared.flatMap((one) => pair.map(({ store }) => store.append([one]))));
    expect(results.filter(({ appended }) => !appended[0]!.duplicate)).toHaveLength(50);
    expect((await pageAfter(pair[0]!.feed, 'earliest')).entries).toHaveLength(50);
  });

  test('ids are forgotten by age and by count, never early', async () => {
    const engine = await start();
    const idempotencyMs = 60_000;
    // A generation of ids ends by the engine's clock, so the test moves its beginning back.
    const age = () => engine.use((client) => client.hincrby('{notifications}:meta', 'since', -idempotencyMs));
    const { store } = await openNode(engine, { idempotencyMs, idempotencyCount: 5 });
    const [old, ...others] = newDrafts(5);
    const isKnown = async () => (await store.append([old!])).appended[0]!.duplicate;
    expect(await isKnown()).toBe(false);
    await store.append(others);
    expect(await isKnown()).toBe(true);
    for (let generation = 0; generation < 2; generation++) await store.append(newDrafts(5));
    expect(await isKnown()).toBe(false);
    await age();
    await store.append(newDrafts(1));
    expect(await isKnown()).toBe(true);
    await age();
    await store.append(newDrafts(1));
    expect(await isKnown()).toBe(false);
  });

  test('entries that are too old are removed without an append, and empty topics leave no key', async () => {
    const engine = await start();
    const node = await openNode(engine, { retainMs: 1_000, recheckMs: 50 });
    const { appended } = await node.store.append([newDraft('a'), newDraft('b'), newDraft('a')]);
    const keys = () => engine.use((client) => client.keys('*:t:*'));
    expect(await keys()).toHaveLength(2);
    await until(async () => (await keys()).length === 0);
    const state = await node.store.read({ topics: ['a'], after: 0, limit: 10, bytesMax: 1000 });
    const last = appended.at(-1)!.position;
    expect(state).toMatchObject({ entries: [], more: false, head: last, trimmed: last });
    expect((await node.store.append([newDraft('a')])).appended[0]!.position).toBe(last + 1);
    expect(await engine.use((client) => client.hget('{notifications}:meta', 'bytes'))).not.toBe('0');
  });

  test('retention by bytes removes the oldest notifications', async () => {
    const engine = await start();
    const node = await openNode(engine, { retainBytes: 2_000 });
    for (let count = 0; count < 20; count++) await node.store.append([newDraft('a', 'x'.repeat(300))]);
    const { entries } = await pageAfter(node.feed, 'earliest', { topics: ['a'] });
    expect(entries.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(2_000);
    expect(entries).toHaveLength(4);
  });

  test('with WAIT, an append is acknowledged only when the replica has it, also when it is repeated', async () => {
    const primary = await start({ settings: { 'repl-diskless-sync-delay': '0' } });
    const replica = await start({ settings: { replicaof: `127.0.0.1 ${primary.port}` } });
    await until(async () => (await primary.use((client) => client.info('replication'))).includes('state=online'));
    const node = await openNode(primary, { wait: { replicas: 1, timeoutMs: 1_000 } });
    const results = await Promise.all(newDrafts(20).map((one) => node.store.append([one])));
    expect(results).toHaveLength(20);
    replica.freeze();
    const held = newDraft();
    const appending = node.store.append([held]);
    await expect(appending).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: /^0 of 1 replicas .* have acknowledged within 1000 ms/,
    });
    await expect(node.store.append([held])).rejects.toMatchObject(UNAVAILABLE);
    // Reads do not wait behind appends that do.
    const stuck = node.store.append([newDraft()]).catch(() => undefined);
    const startedAt = Date.now();
    expect((await pageAfter(node.feed, 'earliest')).entries.at(-1)?.id).toBe(held.id);
    expect(Date.now() - startedAt).toBeLessThan(800);
    await stuck;
    replica.thaw();
    const { appended } = await node.store.append([held]);
    expect(appended).toEqual([{ id: held.id, position: 21, duplicate: true }]);
  });
});

describeRedis('redisStore on a Cluster', () => {
  let engine: RedisEngine;
  let logs = 0;
  const connection: RedisClientFactory = (settings) =>
    new Cluster([{ host: '127.0.0.1', port: engine.port }], { redisOptions: settings });
  const options = (): RedisStoreOptions => ({ connection, prefix: `log-${logs}` });
  const openLog = async () => redisStore(options())({ clock: systemClock, logger: { warn: fail, error: fail } });
  const open = () => {
    logs++;
    return openLog();
  };

  beforeEach(async () => {
    engine = await RedisEngine.start({ settings: { 'cluster-enabled': 'yes', 'cluster-announce-ip': '127.0.0.1' } });
    await engine.use((client) => client.cluster('ADDSLOTSRANGE', 0, 16_383));
    await until(async () => (await engine.use((client) => client.cluster('INFO'))).includes('cluster_state:ok'));
  });
  afterEach(() => engine.stop());

  inDepth(test.skip, test)(
    'keeps the store contract, and every key of a log has one slot',
    async () => {
      const abilities = ['claim', 'positionsOf', 'indexPatterns'] as const;
      for (const check of storeContract({ open, openAnother: openLog, abilities })) await check.run();
      const slots = new Map<string, Set<number>>();
      await engine.use(async (client) => {
        for (const key of await client.keys('*')) {
          const log = key.slice(0, key.indexOf('}'));
          slots.set(log, (slots.get(log) ?? new Set()).add(await client.cluster('KEYSLOT', key)));
        }
      });
      expect(slots.size).toBeGreaterThan(10);
      expect([...slots.values()].filter(({ size }) => size !== 1)).toEqual([]);
      expect(new Set([...slots.values()].flatMap((set) => [...set])).size).toBeGreaterThan(10);
    },
    60_000,
  );

  test('is reached again after a restart of its engine', async () => {
    const node = await TestNode.open(engine, options());
    await node.store.append(newDrafts(2));
    await engine.kill();
    await expect(node.store.append(newDrafts(1))).rejects.toMatchObject(UNAVAILABLE);
    await engine.startAgain();
    await until(() => node.store.append(newDrafts(1)).then(() => true, () => false)); // prettier-ignore
    await until(async () => node.feed.window.head === 1);
    await node.close();
  });
});

describe('options of redisStore', () => {
  const connection = 'redis://localhost';
  test.each([
    [
      { connection: 'http://user:s3cret@localhost' },
      /^redisStore: connection is a string that cannot be used, must be/,
    ],
    [{ connection: { keyPrefix: 'app:' } }, /connection has a keyPrefix; use the option prefix/],
    [
      { connection, prefix: 'a{b}' },
      /option prefix is the string "a\{b\}"; it must have 1 to 200 characters, without braces/,
    ],
    [{ connection, prefix: '' }, /option prefix is the string ""/],
    [{ connection, timeoutMs: 0 }, /option timeoutMs is 0; it must be a whole number from 1 to 2147483647/],
    [{ connection, pendingMax: 1.5 }, /option pendingMax is 1.5; it must be a whole number of at least 1$/],
    [{ connection, retainCount: Number.NaN }, /retainCount is NaN/],
    [{ connection, wait: { replicas: 0, timeoutMs: 10 } }, /option wait.replicas is 0/],
    [{ connection, wait: { replicas: 1 } }, /option wait.timeoutMs is undefined; it must/],
    [{ connection, wait: { replicas: 1, timeoutMs: 10, timeout: 5 } }, /there is no option wait.timeout$/],
    [{ connection, wait: { replicas: 1, timeoutMs: 5_000 } }, /option wait.timeoutMs is 5000; it must be .* to 4999/],
    [{ connection, retention: 5 }, /there is no option retention/],
  ])('%j is refused', (options, message) => {
    const error = thrownBy(() => redisStore(options as unknown as RedisStoreOptions));
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toMatch(message);
    expect(error.message).not.toMatch('s3cret');
  });
});

/** Rejects connections to this port until clients have tried to connect so many times. */
async function rejectReconnects(port: number, count: number): Promise<void> {
  let tries = 0;
  const server = createServer((socket) => {
    tries++;
    socket.destroy();
  }).listen(port, '127.0.0.1');
  await until(() => tries >= count);
  await new Promise((resolve) => server.close(resolve));
}

function thrownBy(task: () => unknown): Error {
  try {
    task();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

function rejectionOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(fail, (reason: unknown) => reason as Error);
}

function fail(message: unknown): never {
  throw new Error(`not expected: ${String(message)}`);
}

/** Every text of an error that a logger may print. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${JSON.stringify(error, [...Object.getOwnPropertyNames(error), 'args', 'command'])} ${textOf(error.cause)}`;
}
