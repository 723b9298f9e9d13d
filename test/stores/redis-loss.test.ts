import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { inDepth } from '../support/depth.js';
import { RedisEngine, type RedisEngineOptions, redisMissing } from '../support/engines/redis.js';
import { pageAfter, PollingClient, Publisher, TestNode } from '../support/stores/redis.js';
import { newDraft, newDrafts } from '../support/drafts.js';
import { until } from '../support/time/until.js';

const describeRedis = redisMissing() === undefined ? describe : describe.skip;

const TOPICS = ['orders', 'invoices', 'users'];
const CYCLES = inDepth(5, 20);

describeRedis('redisStore when its engine crashes', () => {
  let engine: RedisEngine;
  let open: (TestNode | PollingClient | Publisher)[];
  const start = async (options?: RedisEngineOptions) => (engine = await RedisEngine.start(options));
  const openNode = async () => {
    const node = await TestNode.open(engine);
    open.push(node);
    return node;
  };
  const connect = (node: TestNode, topics: readonly string[]) => {
    const client = new PollingClient(() => node.feed, topics);
    open.push(client);
    return client;
  };
  const publish = (node: TestNode) => {
    const publisher = new Publisher(node.store, TOPICS);
    open.push(publisher);
    return publisher;
  };

  beforeEach(() => {
    open = [];
  });
  afterEach(async () => {
    for (const one of open.reverse()) await (one instanceof TestNode ? one.close() : one.stop());
    await engine.stop();
  });

  test(`appendfsync always: ${CYCLES} times kill -9 under load, nothing acknowledged is lost or doubled`, async () => {
    await start({ appendonly: 'always' });
    const nodes = [await openNode(), await openNode()];
    const clients = nodes.flatMap((node) => [connect(node, TOPICS), ...TOPICS.map((topic) => connect(node, [topic]))]);
    const publishers = nodes.flatMap((node) => [publish(node), publish(node)]);
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const counts = publishers.map(({ acknowledged }) => acknowledged.length);
      await until(() => publishers.every((one, at) => one.acknowledged.length >= counts[at]! + 5));
      await engine.restart();
    }
    for (const publisher of publishers) await publisher.stop();
    const acknowledged = publishers.flatMap((publisher) => publisher.acknowledged);
    const inOrder = [...acknowledged].sort((a, b) => a.position - b.position);
    expect(new Set(acknowledged.map(({ position }) => position)).size).toBe(acknowledged.length);
    expect(publishers.every(({ rejections }) => rejections.length > 0)).toBe(true);
    for (const client of clients) {
      const expected = inOrder.filter(({ topic }) => client.topics.includes(topic)).map(({ id }) => id);
      await until(() => client.ids.length >= expected.length);
      expect(client.ids).toEqual(expected);
      expect(client.gaps).toEqual([]);
    }
    for (const { warnings, errors } of nodes) {
      expect(errors).toEqual([]);
      expect(warnings.length).toBeLessThanOrEqual(2 * CYCLES);
      expect(warnings[0]).toMatch(/^redisStore: connection lost/);
      expect(warnings[1]).toBe('redisStore: connected again');
    }
  }, 120_000);

  test('appendonly no: a held poll is answered with a gap, and so is an old cursor', async () => {
    await start();
    const node = await openNode();
    const { epoch } = await node.store.append(newDrafts(5));
    await until(() => node.feed.window.head === 5);
    const held = pageAfter(node.feed, 'latest', { waitMs: 15_000 });
    await engine.restart();
    const page = await held;
    expect(page).toMatchObject({ gap: { reason: 'reset' }, entries: [] });
    expect(page.epoch.id).not.toBe(epoch.id);
    const { appended, epoch: later } = await node.store.append(newDrafts(10));
    expect(later).toEqual(page.epoch);
    const old = await pageAfter(node.feed, { epochId: epoch.id, position: 3 });
    expect(old.gap).toEqual({ reason: 'reset' });
    expect(old.entries.map(({ id }) => id)).toEqual(appended.map(({ id }) => id));
  });

  test('an engine that restarts with fewer entries: nodes that know more begin a new epoch, and agree on it', async () => {
    await start();
    const [one, other] = [await openNode(), await openNode()];
    const kept = await one.store.append(newDrafts(5));
    await engine.use((client) => client.save());
    await one.store.append(newDrafts(5));
    await until(() => [one, other].every(({ feed }) => feed.window.head === 10));
    await engine.restart();
    await until(() => [one, other].every(({ feed }) => feed.window.epoch.id !== kept.epoch.id));
    expect(one.feed.window.epoch).toEqual(other.feed.window.epoch);
    const page = await pageAfter(other.feed, { epochId: kept.epoch.id, position: 8 });
    expect(page.gap).toEqual({ reason: 'reset' });
    expect(page.entries.map(({ id }) => id)).toEqual(kept.appended.map(({ id }) => id));
  });

  test('every cursor gets one gap if an engine restarts with fewer entries and all nodes are new', async () => {
    await start();
    const gone = await openNode();
    const { epoch } = await gone.store.append(newDrafts(5));
    await engine.use((client) => client.save());
    await gone.store.append(newDrafts(5));
    await gone.close();
    open = [];
    await engine.restart();

    const node = await openNode();
    const atHead = { epochId: epoch.id, position: 5 };
    const held = connect(node, ['orders']);
    const { appended } = await node.store.append(newDrafts(10));
    for (const position of [6, 8, 10]) {
      const page = await pageAfter(node.feed, { epochId: epoch.id, position });
      expect(page.gap).toEqual({ reason: 'reset' });
    }
    const page = await pageAfter(node.feed, atHead);
    expect(page.gap).toEqual({ reason: 'expired' });
    expect(page.entries.map(({ id }) => id)).toEqual(appended.map(({ id }) => id));
    await until(() => held.ids.length === 15);
    expect(held.gaps).toEqual([]);
  });

  test('with FLUSHALL under load, clients miss nothing between two gaps', async () => {
    await start();
    const nodes = [await openNode(), await openNode()];
    const clients = nodes.flatMap((node) => [connect(node, TOPICS), ...TOPICS.map((topic) => connect(node, [topic]))]);
    const publishers = nodes.flatMap((node) => [publish(node), publish(node)]);
    for (let flush = 0; flush < 5; flush++) {
      const counts = publishers.map(({ acknowledged }) => acknowledged.length);
      await until(() => publishers.every((one, at) => one.acknowledged.length >= counts[at]! + 50));
      await engine.use((client) => client.flushall());
    }
    for (const publisher of publishers) await publisher.stop();
    const { epoch, appended } = await nodes[0]!.store.append(TOPICS.map((topic) => newDraft(topic)));
    const last = { epochId: epoch.id, position: appended.at(-1)!.position };
    const acknowledged = publishers.flatMap((publisher) => publisher.acknowledged);
    for (const client of clients) {
      await until(() => {
        const { after } = client;
        return typeof after === 'object' && after.epochId === last.epochId && after.position >= last.position;
      });
      expect(client.gaps.length).toBeGreaterThanOrEqual(1);
      expect(chainsOf(client).flatMap((chain) => missing(chain, client.topics, acknowledged))).toEqual([]);
    }
  }, 30_000);

  test('the state alone is gone (evicted, or deleted): a new epoch, and positions are not used again', async () => {
    await start();
    const node = await openNode();
    const { epoch } = await node.store.append(newDrafts(5));
    for (const key of ['meta', 'log']) {
      const before = (await node.store.append([newDraft()])).appended[0]!.position;
      await engine.use((client) => client.del(`{notifications}:${key}`));
      const after = await node.store.append([newDraft()]);
      expect(after.epoch.id).not.toBe(epoch.id);
      expect(after.appended[0]!.position).toBeGreaterThan(before);
      await until(() => node.feed.window.epoch.id === after.epoch.id);
      const page = await pageAfter(node.feed, { epochId: epoch.id, position: 1 });
      expect(page.gap).toEqual({ reason: 'reset' });
      expect(page.entries).toHaveLength(1);
    }
  });

  test('readers skip the index entries of a failed append', async () => {
    await start();
    const node = await openNode();
    await node.store.append([newDraft('a')]);
    await engine.use((client) => client.zadd('{notifications}:t:a', 2, 2));
    const [first, second] = (await node.store.append([newDraft('b'), newDraft('a')])).appended;
    const read = (topics: string[]) => node.store.read({ topics, after: 1, limit: 10, bytesMax: 1_000 });
    expect((await read(['a', 'b'])).entries.map(({ id }) => id)).toEqual([first!.id, second!.id]);
    expect((await read(['a'])).entries.map(({ id }) => id)).toEqual([second!.id]);
  });

  test('the index of a failed append does not end a page early', async () => {
    await start();
    const node = await openNode();
    const [oldest] = (await node.store.append([newDraft('a')])).appended;
    const left = Array.from({ length: 100 }, (_, at) => at + 2);
    await engine.use((client) =>
      client.zadd('{notifications}:t:a', ...left.flatMap((position) => [position, position])),
    );
    await node.store.append(left.map(() => newDraft('b')));
    const [next, newest] = (await node.store.append([newDraft('a'), newDraft('a')])).appended;
    const query = { topics: ['a'], limit: 1, bytesMax: 1_000 };
    const read = async (from: { after: number } | { before: number }) => {
      const { entries, more } = await node.store.read({ ...query, ...from });
      return { ids: entries.map(({ id }) => id), more };
    };
    expect(await read({ after: oldest!.position })).toEqual({ ids: [next!.id], more: true });
    expect(await read({ after: next!.position })).toEqual({ ids: [newest!.id], more: false });
    expect(await read({ before: newest!.position })).toEqual({ ids: [next!.id], more: true });
    expect(await read({ before: next!.position })).toEqual({ ids: [oldest!.id], more: false });
  });
});

type Page = PollingClient['pages'][number];

/** Runs of pages without a gap in between. */
function chainsOf({ pages }: PollingClient): Page[][] {
  const chains: Page[][] = [[]];
  for (const page of pages) {
    if (page.gap) chains.push([]);
    chains.at(-1)!.push(page);
  }
  return chains.filter((chain) => chain.length > 0);
}

/** Acknowledged entries between the first and the last entry of a chain that the chain lacks. */
function missing(chain: readonly Page[], topics: readonly string[], acknowledged: Publisher['acknowledged']): string[] {
  const epochs = new Set(chain.map(({ epoch }) => epoch.id));
  if (epochs.size !== 1) return [`a chain of ${epochs.size} epochs`];
  const entries = chain.flatMap((page) => page.entries);
  const [first, last] = [entries[0]?.position ?? 0, chain.at(-1)!.position];
  const seen = new Set(entries.map(({ id }) => id));
  if (seen.size !== entries.length) return ['a chain has something twice'];
  return acknowledged
    .filter(({ epochId, topic }) => epochs.has(epochId) && topics.includes(topic))
    .filter(({ position, id }) => position >= first && position <= last && !seen.has(id))
    .map(({ id, position }) => `${id} at ${position}`);
}
