import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { abilitiesOf } from '../../src/core/abilities.js';
import type { LogEntry } from '../../src/core/notification.js';
import { includesTopic } from '../../src/core/patterns.js';
import type { ClaimStore, Store } from '../../src/core/store.js';
import type { RedisStoreOptions } from '../../src/stores/redis/index.js';
import { inDepth } from '../support/depth.js';
import { type RedisEngine, redisMissing } from '../support/engines/redis.js';
import { RedisCluster } from '../support/engines/redis-cluster.js';
import { PollingClient, Publisher, TestNode } from '../support/stores/redis.js';
import { newDraft, newDrafts } from '../support/drafts.js';
import { until } from '../support/time/until.js';

const describeRedis = redisMissing() === undefined ? describe : describe.skip;
const testInFull = inDepth(false, true) ? test : test.skip;

const UNAVAILABLE = { name: 'NotificationsError', code: 'store_unavailable' };
const KEY = '{notifications}:meta';
/** A replica must have run this long before the last append; see SKEW_MS in `agree.lua.ts`. */
const REPLICA_S = 7;

async function readNames(store: Store, topics: readonly string[]): Promise<readonly LogEntry[]> {
  return (await store.read({ topics, after: 0, limit: 10_000, bytesMax: 2 ** 24 })).entries;
}

describeRedis('redisStore on a Cluster of three', () => {
  let cluster: RedisCluster;
  let open: { close(): Promise<void> }[];
  const opened = <T extends { close(): Promise<void> }>(one: T): T => {
    open.push(one);
    return one;
  };
  const openNode = async (options: Partial<RedisStoreOptions> = {}) =>
    opened(await TestNode.open(cluster.engines[0]!, { connection: cluster.connection, timeoutMs: 1_000, ...options }));

  beforeEach(async () => {
    open = [];
    cluster = await RedisCluster.start(3);
  }, 30_000);
  afterEach(async () => {
    for (const one of open.reverse()) await one.close();
    await cluster.stop();
  });

  const evictOn = async (isWanted: (engine: RedisEngine) => boolean): Promise<void> => {
    for (const engine of cluster.engines) {
      await engine.use(async (client) => {
        await client.config('SET', 'maxmemory', '100mb');
        await client.config('SET', 'maxmemory-policy', isWanted(engine) ? 'allkeys-lru' : 'noeviction');
      });
    }
  };

  test('is rejected only if the owner of the slot may evict the log', async () => {
    const owner = await cluster.ownerOf(KEY);
    await evictOn((engine) => engine === owner);
    for (let opening = 0; opening < 8; opening++) {
      await expect(openNode()).rejects.toMatchObject({ ...UNAVAILABLE, message: /allkeys-lru/ });
    }
    await evictOn((engine) => engine !== owner);
    for (let opening = 0; opening < 4; opening++) {
      const { store } = await openNode();
      expect((await store.append(newDrafts(1))).appended[0]!.duplicate).toBe(false);
    }
  }, 30_000);

  test('moving a slot during appends and claims loses and repeats nothing', async () => {
    const options = { idempotencyCount: 200 };
    const node = await openNode({ ...options, timeoutMs: 10_000 });
    // While the slot moves, each call takes up to this time. Its callers retry.
    const moving = await openNode({ ...options, timeoutMs: 500 });
    // While a listed key is missing, the engine runs no script: both generations of ids must exist.
    for (const count of [200, 1]) await node.store.append(newDrafts(count));
    const topics = ['orders', 'invoices', 'returns'];
    const client = new PollingClient(() => moving.feed, topics);
    opened({ close: () => client.stop() });
    const publisher = new Publisher(moving.store, topics);
    opened({ close: () => publisher.stop() });
    const claim = ({ store }: TestNode, key: string) => (store as Store & ClaimStore).claim(key, 60_000);
    const used = Array.from({ length: 10 }, (_, at) => `used-${at}`);
    for (const key of used) expect(await claim(node, key)).toBe(true);
    await until(() => publisher.acknowledged.length > 20);

    const taken = new Map<string, number>();
    let steps = 0;
    const target = await cluster.moveSlotOf(KEY, async () => {
      const keys = [...used, `new-${steps++ >> 1}`];
      const claims = keys.map(async (key) => {
        if (await claim(moving, key).catch(() => undefined)) taken.set(key, (taken.get(key) ?? 0) + 1);
      });
      // Appends in flight, which the engines redirect or reject.
      const appends = Array.from({ length: 10 }, () => moving.store.append([newDraft('orders')]));
      await Promise.allSettled([...claims, ...appends]);
    });
    expect(steps).toBeGreaterThan(5);
    expect(await cluster.ownerOf(KEY)).toBe(target);
    expect([...taken].filter(([key, count]) => used.includes(key) || count > 1)).toEqual([]);
    const { length } = publisher.acknowledged;
    await until(() => publisher.acknowledged.length > length + 20);
    await publisher.stop();
    for (const key of used) expect(await claim(node, key)).toBe(false);

    const { store } = await openNode();
    const { entries } = await store.read({ topics, after: 0, limit: 10_000, bytesMax: 2 ** 24 });
    const ids = entries.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { id, position } of publisher.acknowledged) {
      expect(entries).toContainEqual(expect.objectContaining({ id, position }));
    }
    await until(() => client.ids.includes(publisher.acknowledged.at(-1)!.id));
    expect(new Set(client.ids).size).toBe(client.ids.length);
    expect(client.gaps.length).toBeLessThanOrEqual(1);
    if (client.gaps.length === 0) expect(client.ids).toEqual(ids);
  }, 30_000);

  test('moving a slot while nodes use different patterns keeps the index of each pattern complete', async () => {
    const options = { idempotencyCount: 200, timeoutMs: 500 };
    const names = ['orders.*', 'orders.eu.*'] as const;
    const topics = ['orders.us', 'orders.eu.1', 'invoices'];
    const nodes = [await openNode(options), await openNode(options)];
    for (const [at, name] of names.entries()) await abilitiesOf(nodes[at]!.store).indexPatterns!([name]);
    // While a listed key is missing, the engine runs no script: all keys must exist.
    for (const topic of topics) await nodes[0]!.store.append([newDraft(topic)]);
    for (const count of [200, 1]) await nodes[1]!.store.append(newDrafts(count));

    const accepted: string[] = [];
    const isRemoved = new Set<string>();
    const call = async ({ store }: TestNode, round: number): Promise<void> => {
      const own = topics.map((topic) => newDraft(topic));
      const { appended, epoch } = await store.append(own);
      accepted.push(...appended.map(({ id }) => id));
      if (round % 4) return;
      for (const { id } of await readNames(store, ['orders.us'])) isRemoved.add(id);
      const upTo = Number.MAX_SAFE_INTEGER;
      await store.remove({ topic: 'orders.us', upTo, epochId: epoch.id });
    };
    let round = 0;
    await cluster.moveSlotOf(KEY, async () => {
      await Promise.allSettled(nodes.map((node) => call(node, ++round)));
    });
    const before = accepted.length;
    for (const node of nodes) await call(node, 1);
    expect(accepted.length).toBe(before + nodes.length * topics.length);

    const { store } = await openNode();
    const all = (await readNames(store, topics)).map(({ id, topic }) => ({ id, topic }));
    const ids = new Set(all.map(({ id }) => id));
    expect(accepted.filter((id) => !ids.has(id) && !isRemoved.has(id))).toEqual([]);
    for (const name of names) {
      const found = (await readNames(store, [name])).map(({ id, topic }) => ({ id, topic }));
      expect(found.map(({ id }) => id).filter((id) => accepted.includes(id))).toEqual(
        all.filter(({ id, topic }) => includesTopic(name, topic) && accepted.includes(id)).map(({ id }) => id),
      );
    }
  }, 30_000);

  testInFull(
    'a failover while appends wait for the replica: no client gets a gap, nothing is lost',
    async () => {
      const owner = await cluster.ownerOf(KEY);
      const replica = await cluster.addReplica(owner);
      await until(async () => {
        const info = await replica.use((client) => client.info('server'));
        return Number(/uptime_in_seconds:(\d+)/.exec(info)?.[1]) >= REPLICA_S;
      });
      const node = await openNode({ wait: { replicas: 1, timeoutMs: 500 } });
      const publisher = new Publisher(node.store, ['orders']);
      opened({ close: () => publisher.stop() });
      const client = new PollingClient(() => node.feed, ['orders']);
      opened({ close: () => client.stop() });
      const goOn = async (): Promise<void> => {
        const count = publisher.acknowledged.length + 20;
        await until(() => publisher.acknowledged.length >= count);
      };
      await goOn();
      await replica.use((one) => one.cluster('FAILOVER'));
      await until(async () => (await cluster.ownerOf(KEY)) === replica);
      await goOn();
      await publisher.stop();
      const last = publisher.acknowledged.at(-1)!;
      await until(() => client.ids.includes(last.id));
      expect(client.gaps).toEqual([]);
      expect(new Set(publisher.acknowledged.map(({ epochId }) => epochId)).size).toBe(2);
      expect(new Set(client.ids)).toEqual(new Set(publisher.acknowledged.map(({ id }) => id)));
    },
    60_000,
  );
});
