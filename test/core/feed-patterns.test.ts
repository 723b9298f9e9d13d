import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { LogEntry } from '../../src/core/notification.js';
import { disjointNames, includesTopic } from '../../src/core/patterns.js';
import type { Rights } from '../../src/core/rights.js';
import { draft } from '../support/drafts.js';
import { FeedBench, idsOf, WAIT_MS } from '../support/feed.js';
import { randomNumbers } from '../../src/testing/contract/random.js';

const ORDERS = 'orders.*';
let bench: FeedBench;

const append = async (topic: string, id: string): Promise<void> => {
  await bench.store.append([draft(id, { topic })]);
  await bench.clock.settle();
};
/** Allows every topic but these. */
const refusing = (...refused: readonly string[]): Rights => ({
  allowed: (topics) => topics.filter((topic) => !refused.includes(topic)),
});

describe('a request for a pattern', () => {
  beforeEach(async () => {
    bench = await FeedBench.open({}, {}, [ORDERS, 'orders.eu.*']);
  });
  afterEach(() => bench.expectNothingLeft());

  test('wakes for each topic that matches, and for no other', async () => {
    const [poll, plain] = [bench.poll({ topics: [ORDERS] }), bench.poll({ topics: ['orders.2'] })];
    await append('orders', 'a');
    await append('ordersX.1', 'b');
    expect(poll.pages).toEqual([]);
    await append('orders.1', 'c');
    expect(poll.ids).toEqual([['c']]);
    expect(plain.pages).toEqual([]);
    plain.leave();
  });

  test('gets notifications of several topics once and in order, beside plain topics', async () => {
    const stream = bench.follow({ topics: [ORDERS, 'other'] });
    for (const [topic, id] of [
      ['orders.1', 'a'],
      ['other', 'b'],
      ['orders.eu.1', 'c'],
      ['third', 'd'],
      ['orders.1', 'e'],
    ] as const) {
      await append(topic, id);
    }
    expect(stream.ids.flat()).toEqual(['a', 'b', 'c', 'e']);
    stream.leave();
  });

  test('reads the window and the history', async () => {
    const after = bench.head;
    for (const id of ['a', 'b', 'c']) await append(`orders.${id}`, id);
    await append('other', 'd');
    const poll = bench.poll({ topics: [ORDERS], after, limit: 2 });
    expect(poll.pages).toMatchObject([{ more: true }]);
    expect(poll.ids).toEqual([['a', 'b']]);
    const history = bench.history({ topics: [ORDERS], limit: 2 });
    await bench.clock.settle();
    expect(history.ids).toEqual([['c', 'b']]);
  });

  test('ends when the subscriber loses a topic that the pattern matches', async () => {
    const poll = bench.poll({ topics: [ORDERS], subscriber: 'ann' });
    const other = bench.poll({ topics: ['orders.eu.*'], subscriber: 'ann' });
    await bench.feed.revoke({ subscriber: 'ann', topics: ['orders.1'] });
    expect(poll.last).toMatchObject({ ending: 'rights' });
    expect(other.pages).toEqual([]);
    other.leave();
  });

  test('does not wake for a pattern that is not declared', async () => {
    const poll = bench.poll({ topics: ['other.*'], after: bench.head });
    await append('other.1', 'a');
    expect(poll.pages).toEqual([]);
    poll.leave();
  });
});

describe('access of a pattern', () => {
  beforeEach(async () => {
    bench = await FeedBench.open({}, {}, [ORDERS]);
  });
  afterEach(() => bench.expectNothingLeft());

  test('leaves out notifications of refused topics, and the cursor moves over them', async () => {
    const after = bench.head;
    const rights = refusing('orders.2');
    for (const [topic, id] of [
      ['orders.1', 'a'],
      ['orders.2', 'b'],
      ['orders.3', 'c'],
    ] as const) {
      await append(topic, id);
    }
    const poll = bench.poll({ topics: [ORDERS], after, rights });
    expect(poll.ids).toEqual([['a', 'c']]);
    expect(poll.last).toMatchObject({ position: bench.head.position, more: false });
    const history = bench.history({ topics: [ORDERS], rights });
    await bench.clock.settle();
    expect(history.ids).toEqual([['c', 'a']]);
  });

  test('does not end a poll when a refused topic gets a notification; the poll ends at its timeout', async () => {
    const rights = refusing('orders.2');
    const poll = bench.poll({ topics: [ORDERS], rights });
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) await append('orders.2', id);
    expect(poll.pages).toEqual([]);
    await bench.clock.advance(WAIT_MS);
    expect(poll.pages).toMatchObject([{ entries: [], more: false, position: bench.head.position }]);
  });

  test('delivers the first allowed notification after refused ones', async () => {
    const stream = bench.follow({ topics: [ORDERS], rights: refusing('orders.2') });
    await append('orders.2', 'a');
    await append('orders.1', 'b');
    await append('orders.2', 'c');
    await append('orders.1', 'd');
    expect(stream.ids.flat()).toEqual(['b', 'd']);
    stream.leave();
  });

  test('shares the encoded form only of a page without refused notifications', async () => {
    const after = bench.head;
    await append('orders.1', 'a');
    await append('orders.2', 'b');
    const [all, same] = [refusing(), refusing()].map((rights) => bench.poll({ topics: [ORDERS], after, rights }));
    all!.pages[0]!.encoded = 'bytes of both';
    expect(same!.pages[0]).toBe(all!.pages[0]);
    const some = bench.poll({ topics: [ORDERS], after, rights: refusing('orders.2') });
    expect(some.pages).toMatchObject([{ encoded: undefined }]);
    expect(some.ids).toEqual([['a']]);
  });

  test('ends a request if a topic that it names beside the pattern is refused', async () => {
    const stream = bench.follow({ topics: [ORDERS, 'other'], rights: refusing('other', 'orders.2') });
    await append('orders.2', 'a');
    expect(stream.pages).toEqual([]);
    await append('other', 'b');
    expect(stream.last).toMatchObject({ ending: 'rights' });
  });

  test('keeps the gap of a page of which all notifications are refused', async () => {
    for (const id of ['a', 'b']) await append('orders.2', id);
    const poll = bench.poll({
      topics: [ORDERS],
      after: { epochId: 'lost', position: 5 },
      rights: refusing('orders.2'),
    });
    await bench.clock.settle();
    expect(poll.pages).toMatchObject([{ entries: [], gap: { reason: 'reset' } }]);
  });

  test('a poll over many refused notifications reads a few pages, and its cursor has moved', async () => {
    const rights = refusing('orders.2');
    await bench.store.append(Array.from({ length: 50 }, (_, n) => draft(`n${n}`, { topic: 'orders.2' })));
    await append('orders.1', 'last');
    let after: FeedBench['head'] | 'earliest' = 'earliest';
    let asked = 0;
    for (let polls = 0; polls < 50; polls++) {
      const poll = bench.poll({
        topics: [ORDERS],
        after,
        limit: 3,
        rights: { allowed: (topics) => (asked++, rights.allowed(topics)) },
      });
      await bench.clock.settle();
      expect(asked).toBeLessThanOrEqual(4);
      asked = 0;
      const page = poll.last!;
      if (page.entries.length > 0) {
        expect(idsOf(page)).toEqual(['last']);
        expect(polls).toBeGreaterThan(3);
        return;
      }
      expect(page).toMatchObject({ more: true });
      after = { epochId: page.epoch.id, position: page.position };
    }
    throw new Error('no poll has reached the last notification');
  });

  test('a request of large pages reads fewer pages of refused notifications', async () => {
    let asked = 0;
    const rights: Rights = { allowed: () => (asked++, []) };
    await bench.store.append(Array.from({ length: 900 }, (_, n) => draft(`n${n}`, { topic: `orders.${n}` })));
    for (const [limit, pages] of [
      [400, 1],
      [150, 3],
      [100, 4],
      [10, 4],
    ] as const) {
      asked = 0;
      const poll = bench.poll({ topics: [ORDERS], after: 'earliest', limit, rights });
      await bench.clock.settle();
      expect([asked, poll.last]).toMatchObject([pages, { entries: [], more: true, position: pages * limit }]);
    }
  });

  test('a stream over many refused notifications pauses after a few pages', async () => {
    let asked = 0;
    const rights: Rights = { allowed: (topics) => (asked++, topics.filter((topic) => topic !== 'orders.2')) };
    await bench.store.append(Array.from({ length: 40 }, (_, n) => draft(`n${n}`, { topic: 'orders.2' })));
    await append('orders.1', 'last');
    const stream = bench.follow({ topics: [ORDERS], after: 'earliest', limit: 1, rights });
    await bench.clock.settle();
    expect(asked).toBe(4);
    await bench.clock.advance(249);
    expect(asked).toBe(4);
    await bench.clock.advance(1);
    expect(asked).toBe(8);
    for (let n = 0; n < 20; n++) await bench.clock.advance(250);
    expect(stream.ids.flat()).toEqual(['last']);
    stream.leave();
  });

  test('a stream that pauses leaves no resources when its client disconnects', async () => {
    const rights = refusing('orders.2');
    await bench.store.append(Array.from({ length: 40 }, (_, n) => draft(`n${n}`, { topic: 'orders.2' })));
    const stream = bench.follow({ topics: [ORDERS], after: 'earliest', limit: 1, rights });
    await bench.clock.settle();
    stream.leave();
  });
});

describe('the declaration', () => {
  afterEach(() => bench.expectNothingLeft());

  test('a pattern has no notifications from before its declaration; an older cursor gets a gap', async () => {
    bench = await FeedBench.open({ windowCount: 1 }, {}, [ORDERS]);
    const old = await bench.store.append([draft('o1', { topic: 'other' }), draft('o2', { topic: 'late.1' })]);
    await bench.store.indexPatterns(['late.*']);
    for (const [topic, id] of [
      ['other', 'a'],
      ['late.1', 'b'],
      ['other', 'c'],
    ] as const) {
      await append(topic, id);
    }
    const poll = async (after: number) => {
      const one = bench.poll({
        topics: ['late.*', 'other'],
        after: { epochId: old.epoch.id, position: after },
        limit: 2,
      });
      await bench.clock.settle();
      return one.last!;
    };
    const first = await poll(0);
    expect([idsOf(first), first.gap]).toEqual([['a', 'b'], { reason: 'expired' }]);
    const next = await poll(first.position);
    expect([idsOf(next), next.gap]).toEqual([['c'], undefined]);
  });

  test('is repeated in a new epoch, until the store accepts it', async () => {
    bench = await FeedBench.open({ windowCount: 1 }, {}, [ORDERS]);
    bench.store.fail(new Error('the store is away'));
    await bench.store.wipe();
    await bench.clock.settle();
    bench.store.fail();
    await bench.clock.advance(5_000);
    await append('orders.1', 'a');
    await append('orders.1', 'b');
    await append('other', 'c');
    const { epoch } = bench.feed.window;
    const poll = bench.poll({ topics: [ORDERS], after: { epochId: epoch.id, position: 0 } });
    await bench.clock.settle();
    expect([poll.ids, poll.last?.gap]).toEqual([[['a', 'b']], undefined]);
  });

  test('is not retried after the feed has closed', async () => {
    bench = await FeedBench.open({}, {}, [ORDERS]);
    bench.store.fail(new Error('the store is away'));
    await bench.store.wipe();
    await bench.clock.settle();
    bench.store.fail();
    await bench.feed.close();
  });
});

test('random polls and histories equal a filtered copy of the log', async () => {
  const random = randomNumbers(7);
  const patterns = ['a.*', 'a.b.*', 'c.*', '*'];
  const topics = ['a', 'a.x', 'a.b.x', 'a.b.y', 'c.x', 'd'];
  bench = await FeedBench.open({ windowCount: 20 }, {}, patterns);
  const { epoch } = bench.feed.window;
  const log: LogEntry[] = [];
  for (let round = 0; round < 200; round++) {
    const id = `n${round}`;
    await append(topics[random(topics.length)]!, id);
    log.push(bench.store.appended(epoch.id).at(-1)!);
    const names = disjointNames([...patterns, ...topics].filter(() => random(4) === 0).sort());
    if (names.length === 0) continue;
    const refused = topics.filter((topic) => !names.includes(topic) && random(4) === 0);
    const rights = refusing(...refused);
    const visible = log.filter(
      ({ topic }) => names.some((name) => includesTopic(name, topic)) && !refused.includes(topic),
    );
    const position = random(log.length + 1);
    const seen: string[] = [];
    for (let after = position, more = true; more;) {
      const poll = bench.poll({ topics: names, rights, after: bench.place(after), limit: 1 + random(9), waitMs: 0 });
      await bench.clock.settle();
      const page = poll.last!;
      seen.push(...idsOf(page));
      [after, more] = [page.position, page.more];
    }
    expect(seen).toEqual(visible.filter((entry) => entry.position > position).map((entry) => entry.id));
    const history: string[] = [];
    for (let before = position, more = true; more;) {
      const read = bench.history({ topics: names, rights, before: bench.place(before), limit: 1 + random(9) });
      await bench.clock.settle();
      const page = read.last!;
      history.push(...idsOf(page));
      [before, more] = [page.position, page.more];
    }
    expect(history.reverse()).toEqual(visible.filter((entry) => entry.position <= position).map(({ id: one }) => one));
  }
});
