import { describe, expect, jest, test } from '@jest/globals';
import { EntryFilter } from '../../src/core/entry-filter.js';
import { eraseTopics } from '../../src/core/erasure.js';
import { Feed } from '../../src/core/feed.js';
import { retractionsIn, withoutRetractions } from '../../src/core/retraction.js';
import type { Rights } from '../../src/core/rights.js';
import type { TailBatch } from '../../src/core/store.js';
import { draft, drafts } from '../support/drafts.js';
import { FeedBench, idsOf, LIMITS, poll, Watched, WAIT_MS } from '../support/feed.js';

const ERASED = 'user.1';
const TOPICS = ['orders', ERASED];
/** A time after which the memory store no longer recognises a repeated id. */
const IDEMPOTENCY_MS = 600_001;

/** A bench whose log has `a` and `c` on orders, and `x1` and `x2` on the topic that is erased. */
async function open(limits: Parameters<typeof FeedBench.open>[0] = {}): Promise<FeedBench> {
  const bench = await FeedBench.open(limits);
  await bench.store.append([
    draft('a'),
    draft('x1', { topic: ERASED }),
    draft('c'),
    draft('x2', { topic: ERASED, key: 'k' }),
  ]);
  return bench;
}

async function read(bench: FeedBench, after = 0): Promise<Watched> {
  const page = bench.poll({ topics: TOPICS, after: bench.place(after), waitMs: 0 });
  await bench.clock.settle();
  return page;
}

async function readOn(feed: Feed, bench: FeedBench): Promise<readonly string[]> {
  const page = new Watched(poll(feed, { topics: TOPICS, after: bench.place(0), limit: 9, waitMs: 0 }));
  await bench.clock.settle();
  return idsOf(page.last!);
}

/** Reads come from the window, or from the store if the window is too small. */
describe.each([
  ['the window', {}],
  ['the store', { windowCount: 1 }],
] as const)('an erased topic, read from %s', (_, limits) => {
  test('is empty for clients at any position, which get no gap', async () => {
    const bench = await open(limits);
    expect((await read(bench)).ids).toEqual([['a', 'x1', 'c', 'x2']]);
    expect(await bench.feed.erase([ERASED])).toEqual([{ topic: ERASED, count: 2 }]);
    for (const [after, ids] of [
      [0, ['a', 'c']],
      [1, ['c']],
      [2, ['c']],
      [3, []],
      [4, []],
    ] as const) {
      const { last } = await read(bench, after);
      expect([idsOf(last!), last!.gap]).toEqual([ids, undefined]);
    }
    const history = bench.history({ topics: TOPICS });
    await bench.clock.settle();
    expect(history.ids).toEqual([['c', 'a']]);
    await bench.expectNothingLeft();
  });

  test('delivers what is published after the erasure', async () => {
    const bench = await open(limits);
    await bench.feed.erase([ERASED]);
    await bench.store.append([draft('x3', { topic: ERASED, key: 'k' })]);
    expect((await read(bench)).ids).toEqual([['a', 'c', 'x3']]);
    expect(await bench.feed.erase([ERASED])).toEqual([{ topic: ERASED, count: 1 }]);
    expect((await read(bench)).ids).toEqual([['a', 'c']]);
  });

  test('removes its retractions too, so an id that is published again can be retracted again', async () => {
    const bench = await open(limits);
    await bench.feed.retract({ id: 'x1', topic: ERASED });
    expect(retractionsIn((await read(bench)).last!.entries)).toEqual([{ id: 'x1', topic: ERASED }]);
    expect(await bench.feed.erase([ERASED])).toEqual([{ topic: ERASED, count: 3 }]);
    expect((await read(bench)).ids).toEqual([['a', 'c']]);
    await bench.clock.advance(IDEMPOTENCY_MS);
    await bench.store.append([draft('x1', { topic: ERASED })]);
    expect((await read(bench)).ids).toEqual([['a', 'c', 'x1']]);
    await bench.feed.retract({ id: 'x1', topic: ERASED });
    await bench.clock.settle();
    const { entries } = (await read(bench)).last!;
    expect([withoutRetractions(entries).length, retractionsIn(entries)]).toEqual([2, [{ id: 'x1', topic: ERASED }]]);
  });

  test('stays erased if one of its notifications is retracted later', async () => {
    const bench = await open(limits);
    await bench.feed.erase([ERASED]);
    await bench.feed.retract({ id: 'x1', topic: ERASED });
    await bench.clock.settle();
    expect(withoutRetractions((await read(bench)).last!.entries).map(({ id }) => id)).toEqual(['a', 'c']);
  });

  test('is skipped on another node as soon as it has the record, before the store removes anything', async () => {
    const bench = await open(limits);
    const other = await Feed.open({ store: bench.store, clock: bench.clock, limits: { ...LIMITS, ...limits } });
    let remove = (): void => undefined;
    const removing = new Promise<void>((resolve) => (remove = resolve));
    const removal = bench.store.remove.bind(bench.store);
    bench.store.remove = async (query) => removing.then(() => removal(query));
    const erasing = bench.feed.erase([ERASED]);
    await bench.clock.settle();
    for (const feed of [bench.feed, other]) {
      expect(await readOn(feed, bench)).toEqual(['a', 'c']);
    }
    remove();
    expect(await erasing).toEqual([{ topic: ERASED, count: 2 }]);
    await other.close();
  });
});

describe('an erasure', () => {
  test('wakes no waiter, and moves the cursor of the next empty page', async () => {
    const bench = await open();
    const waiting = bench.poll({ topics: [ERASED] });
    await bench.clock.settle();
    await bench.feed.erase([ERASED]);
    await bench.clock.settle();
    expect(waiting.pages).toEqual([]);
    await bench.clock.advance(WAIT_MS);
    expect([waiting.ids, waiting.last!.position]).toEqual([[[]], 5]);
  });

  test('reaches a page whose access is checked at the moment', async () => {
    const bench = await open();
    let allow: (topics: readonly string[]) => void = () => undefined;
    const rights: Rights = { allowed: () => new Promise((resolve) => (allow = resolve)) };
    const forward = bench.poll({ topics: TOPICS, after: bench.place(0), waitMs: 0, rights });
    await bench.clock.settle();
    const allowForward = allow;
    const backward = bench.history({ topics: TOPICS, rights });
    await bench.clock.settle();
    await bench.feed.erase([ERASED]);
    allowForward(TOPICS);
    allow(TOPICS);
    await bench.clock.settle();
    expect([forward.ids, backward.ids]).toEqual([[['a', 'c']], [['c', 'a']]]);
  });

  test('reaches a read of the store that began before', async () => {
    const bench = await open({ windowCount: 1 });
    const answer = bench.store.holdReads();
    const page = bench.poll({ topics: TOPICS, after: bench.place(0), waitMs: 0 });
    await bench.clock.settle();
    await bench.feed.erase([ERASED]);
    answer();
    await bench.clock.settle();
    expect(page.ids).toEqual([['a', 'c']]);
  });

  test('reaches a read of the history that began before', async () => {
    const bench = await open({ windowCount: 1 });
    const answer = bench.store.holdReads();
    const page = bench.history({ topics: TOPICS });
    await bench.clock.settle();
    await bench.feed.erase([ERASED]);
    answer();
    await bench.clock.settle();
    expect(page.ids).toEqual([['c', 'a']]);
  });

  test('reaches entries that this node has not received yet', async () => {
    const bench = await open();
    const deliver = bench.store.holdTail();
    await bench.store.append([draft('x3', { topic: ERASED }), draft('d')]);
    await bench.feed.erase([ERASED]);
    deliver();
    await bench.clock.settle();
    expect((await read(bench)).ids).toEqual([['a', 'c', 'd']]);
  });

  test('stays complete if the record of an earlier erasure arrives after it', async () => {
    const bench = await open();
    const { store } = bench;
    const batches: TailBatch[] = [];
    const deliver = store.handOver.bind(store);
    store.handOver = (batch) => void batches.push(batch);
    store.remove = async () => ({ count: 0, upTo: 0 });
    await eraseTopics([ERASED], { store, time: new Date(0), onRecorded: () => undefined });
    await store.append([draft('x3', { topic: ERASED })]);
    await bench.feed.erase([ERASED]);
    expect(batches).toHaveLength(3);
    for (const batch of batches) {
      deliver(batch);
      expect((await read(bench)).ids).toEqual([['a', 'c']]);
    }
  });

  test.each([
    ['a notification with the content of a record', draft('forged', { data: { topics: [ERASED] } })],
    ['a record with an invalid name', draft('invalid', { topic: '$erasures', data: { topics: [ERASED, 7] } })],
  ])('does not follow from %s', async (_, forged) => {
    const bench = await open();
    await bench.store.append([forged]);
    await bench.clock.settle();
    const [ids] = (await read(bench)).ids;
    expect(ids!.slice(0, 4)).toEqual(['a', 'x1', 'c', 'x2']);
  });

  test('leaves nothing of the topic in the shared pages', async () => {
    const bench = await open();
    const shared = (await read(bench)).last;
    expect((await read(bench)).last).toBe(shared);
    await bench.feed.erase([ERASED]);
    expect(idsOf((await read(bench)).last!)).toEqual(['a', 'c']);
  });

  test('does not follow from the revocation of its topic', async () => {
    const bench = await open();
    await bench.feed.revoke({ subscriber: 'ann', topics: [ERASED] });
    expect((await read(bench)).ids).toEqual([['a', 'x1', 'c', 'x2']]);
  });

  test('clears the shared pages before the node receives its record', async () => {
    const bench = await open();
    expect((await read(bench)).ids).toEqual([['a', 'x1', 'c', 'x2']]);
    bench.store.holdTail();
    await bench.feed.erase([ERASED]);
    expect((await read(bench)).ids).toEqual([['a', 'c']]);
  });

  test('never causes delivery of an older notification of a key', async () => {
    const bench = await FeedBench.open();
    await bench.store.append([draft('k1', { topic: ERASED, key: 'k' }), draft('k2', { topic: ERASED, key: 'k' })]);
    await bench.feed.erase([ERASED]);
    await bench.store.append([draft('k3', { topic: ERASED, key: 'k' })]);
    expect((await read(bench)).ids).toEqual([['k3']]);
  });

  test('of a log that a failover has replaced hides nothing of the new log', async () => {
    const bench = await open();
    const append = bench.store.append.bind(bench.store);
    bench.store.append = async (...args) => {
      const appended = await append(...args);
      bench.store.append = append;
      await bench.store.failOver(1);
      await append([draft('y1', { topic: ERASED }), draft('y2', { topic: ERASED })]);
      return appended;
    };
    expect(await bench.feed.erase([ERASED])).toEqual([{ topic: ERASED, count: 0 }]);
    expect((await read(bench)).ids).toEqual([['a', 'y1', 'y2']]);
  });

  test('does not hide entries of a new epoch that the node reads before the tail delivers the epoch', async () => {
    const bench = await open({ windowCount: 1 });
    await bench.feed.erase([ERASED]);
    const deliver = bench.store.holdTail();
    await bench.store.failOver(1);
    await bench.store.append([draft('y1', { topic: ERASED }), draft('y2', { topic: ERASED })]);
    const history = bench.history({ topics: TOPICS });
    expect((await read(bench)).ids).toEqual([['a', 'y1', 'y2']]);
    expect(history.ids).toEqual([['y2', 'y1', 'a']]);
    deliver();
    await bench.clock.settle();
    expect((await read(bench)).ids).toEqual([['a', 'y1', 'y2']]);
  });

  test('keeps no options of the erased notifications in memory', async () => {
    const dropped = jest.spyOn(EntryFilter.prototype, 'drop');
    const bench = await open();
    await bench.feed.erase([ERASED]);
    expect(dropped.mock.calls.map(([{ id }]) => id)).toEqual(['x1', 'x2']);
    dropped.mockRestore();
  });

  test('may be repeated after the store has failed', async () => {
    const bench = await open({ windowCount: 1 });
    const removal = bench.store.remove.bind(bench.store);
    bench.store.remove = () => Promise.reject(new Error('no connection'));
    await expect(bench.feed.erase([ERASED])).rejects.toThrow('no connection');
    expect((await read(bench)).ids).toEqual([['a', 'c']]);
    bench.store.remove = removal;
    expect(await bench.feed.erase([ERASED])).toEqual([{ topic: ERASED, count: 2 }]);
  });

  test('remembers the latest 1,000 topics while the store removes them', async () => {
    const bench = await open({ windowCount: 1 });
    bench.store.remove = async () => ({ count: 0, upTo: 0 });
    await bench.feed.erase([ERASED]);
    await bench.feed.erase(Array.from({ length: 999 }, (__, at) => `t${at}`));
    expect((await read(bench)).ids).toEqual([['a', 'c']]);
    await bench.feed.erase(['one-more']);
    expect((await read(bench)).ids).toEqual([['a', 'x1', 'c', 'x2']]);
  });

  test('counts as one of the latest topics if it is erased again', async () => {
    const bench = await open({ windowCount: 1 });
    bench.store.remove = async () => ({ count: 0, upTo: 0 });
    await bench.feed.erase([ERASED]);
    await bench.feed.erase(Array.from({ length: 999 }, (__, at) => `t${at}`));
    await bench.feed.erase([ERASED]);
    await bench.feed.erase(['one-more']);
    expect((await read(bench)).ids).toEqual([['a', 'c']]);
  });

  test('of many topics writes records of at most 100 topics', async () => {
    const bench = await FeedBench.open();
    await bench.store.append(drafts(3));
    await bench.feed.erase(Array.from({ length: 250 }, (__, at) => `t${at}`));
    expect(bench.head.position).toBe(3 + 3);
  });
});
