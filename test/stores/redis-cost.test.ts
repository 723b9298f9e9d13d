import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import type { Store } from '../../src/core/store.js';
import { inDepth } from '../support/depth.js';
import { RedisEngine, redisMissing } from '../support/engines/redis.js';
import { pageAfter, TestNode } from '../support/stores/redis.js';
import { draft, newDraft } from '../support/drafts.js';
import { until } from '../support/time/until.js';

const LARGE = inDepth(300_000, 1_000_000);

const describeRedis = redisMissing() === undefined ? describe : describe.skip;

describeRedis('what redisStore costs its engine', () => {
  let engine: RedisEngine;
  let nodes: TestNode[];
  const openNode = async () => {
    const node = await TestNode.open(engine, { timeoutMs: 10_000 });
    nodes.push(node);
    return node;
  };
  beforeEach(async () => {
    nodes = [];
    engine = await RedisEngine.start();
  });
  afterEach(async () => {
    for (const node of nodes) await node.close();
    await engine.stop();
  });

  test(`a page costs what it returns: ${LARGE} notifications over 10,000 topics`, async () => {
    const { store, feed } = await openNode();
    // No tail follows the log, so the engine works for the pages only.
    await feed.close();
    await fill(store, 0, 10_000, 100);
    const small = await Promise.all([costOfPage(engine, store, 1), costOfPage(engine, store, 20)]);
    await fillInside(engine, 10_001, LARGE, 10_000);
    const one = await costOfPage(engine, store, 1);
    const twenty = await costOfPage(engine, store, 20);
    expect(one.entries).toBe(50);
    expect(twenty.entries).toBe(50);
    // Microseconds in the engine, for pages of the same size.
    expect(one.us).toBeLessThan(small[0].us * 4 + 200);
    expect(twenty.us).toBeLessThan(small[1].us * 4 + 200);
    const { head, trimmed } = await store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });
    expect({ head, trimmed }).toEqual({ head: LARGE, trimmed: 0 });
    console.info(`${LARGE} in the log, pages of 50: ${JSON.stringify({ small, one, twenty })}`);
  }, 180_000);

  test('a notification takes about 370 bytes of memory besides its JSON, with its remembered id', async () => {
    const [{ store }, count] = [await openNode(), 20_000];
    const before = await usedMemory(engine);
    let jsonBytes = 0;
    for (let at = 0; at < count; at += 500) {
      const drafts = Array.from({ length: 500 }, (_, index) => newDraft(`topic ${index % 100}`, 'x'.repeat(200)));
      jsonBytes += drafts.reduce((sum, { json }) => sum + json.length, 0);
      await store.append(drafts);
    }
    const bytes = ((await usedMemory(engine)) - before - jsonBytes) / count;
    console.info(`a notification takes ${bytes.toFixed(0)} bytes besides its JSON`);
    expect(bytes).toBeLessThan(400);
  });

  test('a node has as many connections and reads with 1,000 clients as with none', async () => {
    const pair = [await openNode(), await openNode()];
    const quiet = await trafficOf(engine, pair);
    const held = pair.flatMap(({ feed }) =>
      Array.from({ length: 500 }, (_, at) =>
        pageAfter(feed, 'latest', { topics: ['all', `topic ${at}`], waitMs: 20_000 }),
      ),
    );
    await until(() => pair.every(({ feed }) => feed.counts().waiters === 500));
    const busy = await trafficOf(engine, pair);
    const pages = await Promise.all(held);
    expect(pages.filter(({ entries }) => entries.length > 0)).toHaveLength(1_000);
    expect(busy.connections).toBe(4);
    expect(quiet.connections).toBe(4);
    // The engine sends each notification once to each node, for any number of clients.
    expect(quiet.sent).toBeLessThan(2 * 1.2);
    expect(busy.sent).toBeLessThan(2 * 1.2);
    expect(busy.calls).toBeLessThan(quiet.calls * 1.5 + 50);
  });

  test('appends of one turn of the event loop are one call', async () => {
    const { store } = await openNode();
    const before = await callsOf(engine, 'evalsha');
    await Promise.all(Array.from({ length: 400 }, () => store.append([newDraft()])));
    // One append, and the looks of the tail that it woke.
    expect((await callsOf(engine, 'evalsha')) - before).toBeLessThan(10);
  });

  test.each([
    { count: 1_000, size: 1_000 },
    { count: 100, size: 65_000 },
  ])(
    'an array of $count times $size bytes does not delay the append of another node by more than 100 ms',
    async (array) => {
      const { store, feed } = await openNode();
      // Nodes that follow the log read it in slices, in calls of their own.
      await feed.close();
      const large = () => Array.from({ length: array.count }, () => newDraft('large', 'x'.repeat(array.size)));
      // For so long the engine serves no other node. Memory that it has never used costs it more
      // the first time.
      let busyMs = Infinity;
      for (let round = 0; round < 4; round++) {
        const before = await cpuMs(engine);
        await store.append(large());
        busyMs = Math.min(busyMs, (await cpuMs(engine)) - before);
      }
      console.info(`an array of ${array.count} times ${array.size} bytes: ${busyMs.toFixed(1)} ms`);
      expect(busyMs).toBeLessThan(100);
    },
  );

  test.each([
    [1_001, 10, /1001 notifications in one array, the Redis store takes at most 1000 \(arrayMax\)/],
    [200, 60_000, /characters of JSON in one array, the Redis store takes at most 6815744 \(arrayCharsMax\)/],
  ])('an array of %i times %i bytes is rejected, and nothing of it is appended', async (count, size, message) => {
    const { store } = await openNode();
    const array = Array.from({ length: count }, () => newDraft('large', 'x'.repeat(size)));
    await expect(store.append(array)).rejects.toMatchObject({ code: 'notifications_too_many', message });
    expect(await lengthOfLog(engine)).toBe(0);
  });

  test('ids that are too old are forgotten without an append', async () => {
    const node = await TestNode.open(engine, { idempotencyMs: 300, recheckMs: 50 });
    nodes.push(node);
    await node.store.append(Array.from({ length: 100 }, () => newDraft()));
    const ids = () => engine.use((client) => client.keys('*:ids:*'));
    expect(await ids()).toHaveLength(1);
    await until(async () => (await ids()).length === 0);
    expect(await lengthOfLog(engine)).toBe(100);
  });

  test('retention has bounded work in each append, and catches up', async () => {
    const { store } = await openNode();
    await fill(store, 0, 20_000, 50);
    const node = await TestNode.open(engine, { retainCount: 100, recheckMs: 60_000 });
    nodes.push(node);
    await node.store.append([newDraft('topic 1')]);
    expect(await lengthOfLog(engine)).toBeGreaterThan(19_000);
    for (let count = 0; count < 1_200; count++) await node.store.append([newDraft('topic 1')]);
    await until(async () => (await lengthOfLog(engine)) === 100);
    expect(await engine.use((client) => client.keys('*:t:*'))).toEqual(['{notifications}:t:topic 1']);
    const { entries } = await node.store.read({ topics: ['topic 1'], after: 0, limit: 200, bytesMax: 2 ** 20 });
    expect(entries).toHaveLength(100);
  });
});

/** Appends to the topics in turn, large arrays at once. */
async function fill(store: Store, from: number, count: number, topics: number): Promise<void> {
  const batch = 1_000;
  const next = { at: from };
  const worker = async (): Promise<void> => {
    while (next.at < from + count) {
      const start = next.at;
      next.at += batch;
      await store.append(
        Array.from({ length: batch }, (_, at) =>
          draft(`${start + at}`, { topic: `topic ${(start + at) % topics}`, data: start + at }),
        ),
      );
    }
  };
  await Promise.all([worker(), worker()]);
}

/** Writes the same entries inside the engine, without the ids, in a tenth of the time. */
async function fillInside(engine: RedisEngine, first: number, last: number, topics: number): Promise<void> {
  const text = `
    local log, meta = KEYS[1], KEYS[2]
    for position = ARGV[1], ARGV[2] do
      local topic = 'topic ' .. (position - 1) % ARGV[3]
      local json = '{"id":"' .. position .. '","topic":"' .. topic .. '","type":"test","time":"2030-01-01T00:00:00.000Z","data":0}'
      redis.call('XADD', log, position .. '-0', 'i', position, 't', topic, 'j', json, 'm', ARGV[4], 'n', 'filled')
      redis.call('ZADD', '{notifications}:t:' .. topic, position, position)
    end
    redis.call('HSET', meta, 'head', ARGV[2], 'token', 'filled')`;
  const slice = 10_000;
  await engine.use(async (client) => {
    for (let at = first; at <= last; at += slice) {
      const to = Math.min(at + slice - 1, last);
      await client.eval(text, 2, '{notifications}:log', '{notifications}:meta', at, to, topics, Date.now());
    }
  });
}

/** The engine's time for a page of 50 in the middle of the log, for a number of topics. */
async function costOfPage(engine: RedisEngine, store: Store, topics: number): Promise<{ us: number; entries: number }> {
  const rounds = 100;
  const query = {
    topics: Array.from({ length: topics }, (_, at) => `topic ${at * 3 + 7}`),
    after: 0,
    limit: 50,
    bytesMax: 2 ** 20,
  };
  // The state has a cost of its own. The test compares the additional cost of the log's length.
  await store.read(query);
  let us = Infinity;
  let entries = 0;
  for (let round = 0; round < rounds; round++) {
    const before = await statOf(engine, 'evalsha', 'usec');
    entries = (await store.read(query)).entries.length;
    us = Math.min(us, (await statOf(engine, 'evalsha', 'usec')) - before);
  }
  return { us, entries };
}

/** Appends 50 notifications of 10 KB; returns the sent bytes as a multiple of their size. */
async function trafficOf(engine: RedisEngine, nodes: readonly TestNode[]) {
  return engine.use(async (client) => {
    const [sentBefore, callsBefore] = [await sentBy(client), await callsOf(engine, 'evalsha')];
    const data = 'x'.repeat(10_000);
    for (let count = 0; count < 50; count++) {
      const { appended } = await nodes[0]!.store.append([newDraft('all', data)]);
      await until(() => nodes.every(({ feed }) => feed.window.head >= appended[0]!.position));
    }
    const sent = ((await sentBy(client)) - sentBefore) / (50 * data.length);
    const list = String(await client.client('LIST'));
    const connections = list.split('\n').filter((line) => line !== '' && !line.includes('cmd=client|list')).length;
    return { sent, connections, calls: (await callsOf(engine, 'evalsha')) - callsBefore };
  });
}

/** Milliseconds that the engine's thread has worked. */
async function cpuMs(engine: RedisEngine): Promise<number> {
  const info = await engine.use((client) => client.info('cpu'));
  const seconds = ['user', 'sys'].map((kind) =>
    Number(new RegExp(`used_cpu_${kind}_main_thread:(.*)`).exec(info)?.[1]),
  );
  return seconds.reduce((sum, one) => sum + one, 0) * 1_000;
}

async function sentBy(client: Redis): Promise<number> {
  return Number(/total_net_output_bytes:(\d+)/.exec(await client.info('stats'))?.[1]);
}

async function usedMemory(engine: RedisEngine): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await engine.use((client) => client.info('memory')))?.[1]);
}

function callsOf(engine: RedisEngine, command: string): Promise<number> {
  return statOf(engine, command, 'calls');
}

function lengthOfLog(engine: RedisEngine): Promise<number> {
  return engine.use((client) => client.xlen('{notifications}:log'));
}

async function statOf(engine: RedisEngine, command: string, what: 'calls' | 'usec'): Promise<number> {
  const info = await engine.use((client) => client.info('commandstats'));
  return Number(new RegExp(`cmdstat_${command}:.*?\\b${what}=(\\d+)`).exec(info)?.[1] ?? 0);
}
