import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import type { RedisClientFactory, RedisStoreOptions } from '../../src/stores/redis/index.js';
import { inDepth } from '../support/depth.js';
import { RedisEngine, redisMissing } from '../support/engines/redis.js';
import { SENTINEL_NAME, SentinelGroup } from '../support/engines/sentinel.js';
import { PollingClient, Publisher, TestNode } from '../support/stores/redis.js';
import { until } from '../support/time/until.js';

const inFull = inDepth(false, true);
const describeRedis = inFull && redisMissing() === undefined ? describe : describe.skip;

const TOPICS = ['orders', 'invoices'];
/** A replica must have run this long before the last append; see SKEW_MS in `agree.lua.ts`. */
const REPLICA_S = 7;

describeRedis('redisStore under Sentinel', () => {
  let open: { close(): Promise<void> }[];
  let primary: RedisEngine;
  let replica: RedisEngine;
  let group: SentinelGroup;
  const opened = <T extends { close(): Promise<void> }>(one: T): T => {
    open.push(one);
    return one;
  };

  beforeEach(async () => {
    open = [];
    const settings = { 'repl-diskless-sync-delay': '0', 'repl-timeout': '5' };
    primary = await RedisEngine.start({ settings });
    replica = await RedisEngine.start({ settings: { ...settings, replicaof: `127.0.0.1 ${primary.port}` } });
    group = await SentinelGroup.start(primary.port);
    for (const one of [primary, replica, group]) opened({ close: () => one.stop() });
    await until(() => group.isReady());
  }, 30_000);
  afterEach(async () => {
    for (const one of open.reverse()) await one.close();
  });

  const connection: RedisClientFactory = (settings) =>
    new Redis({
      sentinels: group.addresses,
      name: SENTINEL_NAME,
      ...settings,
      sentinelRetryStrategy: () => 100,
    });
  const openNode = async (options: Partial<RedisStoreOptions> = {}) =>
    opened(await TestNode.open(primary, { connection, timeoutMs: 1_000, ...options }));
  const connect = (node: TestNode) => {
    const client = new PollingClient(() => node.feed, TOPICS);
    opened({ close: () => client.stop() });
    return client;
  };
  const publish = (node: TestNode) => {
    const publisher = new Publisher(node.store, TOPICS);
    opened({ close: () => publisher.stop() });
    return publisher;
  };
  const epochsOf = (publishers: readonly Publisher[]) =>
    new Set(publishers.flatMap(({ acknowledged }) => acknowledged.map(({ epochId }) => epochId)));
  const goOn = async (publishers: readonly Publisher[]) => {
    const counts = publishers.map(({ acknowledged }) => acknowledged.length);
    await until(() => publishers.every((one, at) => one.acknowledged.length >= counts[at]! + 20));
  };

  test('a primary that stops and resumes: one epoch and at most one gap for each failover', async () => {
    const nodes = [await openNode(), await openNode()];
    const clients = nodes.map(connect);
    const publishers = nodes.map(publish);
    await goOn(publishers);
    primary.freeze();
    await until(async () => (await group.primaryPort()) === replica.port);
    await goOn(publishers);
    primary.thaw();
    await until(async () => (await primary.use((client) => client.info('replication'))).includes('role:slave'));
    await goOn(publishers);
    for (const publisher of publishers) await publisher.stop();
    expect(epochsOf(publishers).size).toBe(2);
    for (const client of clients) {
      const last = publishers.flatMap(({ acknowledged }) => acknowledged.map(({ position }) => position));
      await until(() => {
        const { after } = client;
        return typeof after === 'object' && after.position >= Math.max(...last);
      });
      expect(client.gaps.length).toBeLessThanOrEqual(1);
      expect(missingOf(client, publishers)).toEqual([]);
    }
  }, 60_000);

  test('wait for every replica, and the primary is killed: no client gets a gap, nothing is lost', async () => {
    await until(async () => {
      const info = await replica.use((client) => client.info('server'));
      return Number(/uptime_in_seconds:(\d+)/.exec(info)?.[1]) >= REPLICA_S;
    });
    const nodes = [await openNode({ wait: { replicas: 1, timeoutMs: 500 } })];
    const clients = nodes.map(connect);
    const publishers = nodes.map(publish);
    await goOn(publishers);
    await primary.kill();
    await until(async () => (await group.primaryPort()) === replica.port);
    await primary.startAgain();
    await primary.use((client) => client.replicaof('127.0.0.1', replica.port));
    await goOn(publishers);
    for (const publisher of publishers) await publisher.stop();
    const acknowledged = publishers.flatMap((publisher) => publisher.acknowledged);
    for (const client of clients) {
      const last = Math.max(...acknowledged.map(({ position }) => position));
      await until(() => typeof client.after === 'object' && client.after.position >= last);
      expect(client.gaps).toEqual([]);
      expect(new Set(client.ids).size).toBe(client.ids.length);
      for (const { id } of acknowledged) expect(client.ids).toContain(id);
    }
  }, 60_000);
});

/** Acknowledged notifications that a client without a gap did not receive. */
function missingOf(client: PollingClient, publishers: readonly Publisher[]): string[] {
  if (client.gaps.length > 0) return [];
  const seen = new Set(client.ids);
  return publishers.flatMap(({ acknowledged }) => acknowledged.filter(({ id }) => !seen.has(id)).map(({ id }) => id));
}
