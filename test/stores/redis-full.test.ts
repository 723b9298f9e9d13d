import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { abilitiesOf } from '../../src/core/abilities.js';
import { systemClock } from '../../src/core/clock.js';
import type { Store } from '../../src/core/store.js';
import { redisStore, type RedisStoreOptions } from '../../src/stores/redis/index.js';
import { newDraft } from '../support/drafts.js';
import { RedisEngine, redisMissing } from '../support/engines/redis.js';
import { idsOf } from '../support/stores/reads.js';
import { TestNode } from '../support/stores/redis.js';
import { until } from '../support/time/until.js';

const describeRedis = redisMissing() === undefined ? describe : describe.skip;

const OOM = { code: 'store_unavailable', message: /OOM/ };

describeRedis('redisStore on an engine without free memory', () => {
  let engine: RedisEngine;
  let store: Store;
  let closing: (() => Promise<void>)[];

  /** A new engine uses more memory than this. */
  const fill = () => engine.use((client) => client.config('SET', 'maxmemory', '1mb'));
  const count = () => engine.use((client) => client.xlen('{notifications}:log'));
  const read = () => store.read({ topics: ['a'], after: 0, limit: 10, bytesMax: 10_000 });
  const append = async (topics: readonly string[]) =>
    (await store.append(topics.map((topic) => newDraft(topic)))).appended.map(({ id }) => id);
  const openStore = (options: Partial<RedisStoreOptions> = {}) => {
    const logger = { warn: () => undefined, error: () => undefined };
    return redisStore({ connection: engine.url, ...options })({ clock: systemClock, logger });
  };

  beforeEach(async () => {
    engine = await RedisEngine.start({ settings: { 'enable-debug-command': 'yes' } });
    closing = [() => engine.stop()];
    store = await openStore();
    closing.push(() => store.close());
  });
  afterEach(async () => {
    for (const close of closing.reverse()) await close();
  });

  test.each([
    ['while a generation of ids is due', { idempotencyMs: 1 }],
    ['while the node leaves marks for a replica', { wait: { replicas: 1, timeoutMs: 100 } }],
  ])('removes entries that are too old %s', async (_, options) => {
    await append(['a', 'b', 'a']);
    await fill();
    const node = await TestNode.open(engine, { retainMs: 1, recheckMs: 20, retainBytes: 500_000, ...options });
    closing.push(() => node.close());
    await until(async () => (await count()) === 0);
    await expect(append(['a'])).rejects.toMatchObject(OOM);
  });

  test('answers reads after the replication id has changed, and still rejects appends', async () => {
    const ids = await append(['a', 'a']);
    const { epoch } = await read();
    await fill();
    await engine.use((client) => client.call('DEBUG', 'CHANGE-REPL-ID'));
    const page = await read();
    expect(idsOf(page.entries)).toEqual(ids);
    expect(page.epoch.before).toMatchObject([{ id: epoch.id, upTo: 2 }]);
    await expect(append(['a'])).rejects.toMatchObject(OOM);
  });

  test('begins a new log after the loss of the old one', async () => {
    await append(['a', 'a']);
    const { epoch } = await read();
    await engine.use((client) => client.del('{notifications}:log'));
    await fill();
    const page = await read();
    expect([page.entries, page.head, page.trimmed]).toEqual([[], 2, 2]);
    expect(page.epoch.id).not.toBe(epoch.id);
  });

  test('erases the entries of a topic', async () => {
    const [, kept] = await append(['b', 'a', 'b']);
    const { epoch, head } = await read();
    await fill();
    expect(await store.remove({ topic: 'b', upTo: head, epochId: epoch.id })).toEqual({ count: 2, upTo: head });
    expect(idsOf((await read()).entries)).toEqual([kept]);
    expect(await count()).toBe(1);
  });

  test('lets a node with patterns start', async () => {
    const declared = await openStore();
    closing.push(() => declared.close());
    await fill();
    await abilitiesOf(declared).indexPatterns!(['a.*']);
    const patterns = await engine.use((client) => client.hget('{notifications}:meta', 'patterns'));
    expect(patterns).toBe('a.* 0');
  });
});
