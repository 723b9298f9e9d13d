import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { RedisStoreOptions } from '../../src/stores/redis/index.js';
import { inDepth } from '../support/depth.js';
import { type RedisEngine, redisMissing } from '../support/engines/redis.js';
import { RedisCluster } from '../support/engines/redis-cluster.js';
import { drafts, PollingClient, Publisher, TestNode, until } from './redis.support.js';

const describeRedis = redisMissing() === undefined ? describe : describe.skip;
const testInFull = inDepth(false, true) ? test : test.skip;

const UNAVAILABLE = { name: 'NotificationsError', code: 'store_unavailable' };
const KEY = '{notifications}:meta';
/** A replica must have run this long before the last append; see SKEW_MS in `agree.lua.ts`. */
const REPLICA_S = 7;

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
    cluster = await RedisCluster.start(3, until);
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

  test('is refused if the owner of the slot may evict the log, and only then', async () => {
    const owner = await cluster.ownerOf(KEY);
    await evictOn((engine) => engine === owner);
    for (let opening = 0; opening < 8; opening++) {
      await expect(openNode()).rejects.toMatchObject({ ...UNAVAILABLE, message: /allkeys-lru/ });
    }
    await evictOn((engine) => engine !== owner);
    for (let opening = 0; opening < 4; opening++) {
      const { store } = await openNode();
      expect((await store.append(drafts(1))).appended[0]!.duplicate).toBe(false);
    }
  }, 30_000);

  testInFull(
    'a failover while appends wait for the replica: no client gets a gap, nothing is lost',
    async () => {
      const owner = await cluster.ownerOf(KEY);
      const replica = await cluster.addReplica(owner);
      await until('the replica has run for long enough', async () => {
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
        await until('it publishes', () => publisher.acknowledged.length >= count);
      };
      await goOn();
      await replica.use((one) => one.cluster('FAILOVER'));
      await until('the replica is promoted', async () => (await cluster.ownerOf(KEY)) === replica);
      await goOn();
      await publisher.stop();
      const last = publisher.acknowledged.at(-1)!;
      await until('the client has all', () => client.ids.includes(last.id));
      expect(client.gaps).toEqual([]);
      expect(new Set(publisher.acknowledged.map(({ epochId }) => epochId)).size).toBe(2);
      expect(new Set(client.ids)).toEqual(new Set(publisher.acknowledged.map(({ id }) => id)));
    },
    60_000,
  );
});
