import { beforeEach, describe, expect, test } from '@jest/globals';
import { NOWHERE } from '../../src/core/page.js';
import { draft, drafts } from '../support/drafts.js';
import { FeedBench, idsOf, WAIT_MS, poll } from '../support/feed.js';

let bench: FeedBench;

beforeEach(async () => {
  bench = await FeedBench.open();
});

describe('a poll with notifications after its cursor', () => {
  test('is answered at once, and its resources are released', async () => {
    await bench.store.append(drafts(3));
    const poll = bench.poll({ after: bench.place(1) });
    expect(poll.ids).toEqual([['n2', 'n3']]);
    expect(poll.last).toMatchObject({ position: 3, more: false, epoch: bench.feed.window.epoch });
    expect(poll.last).not.toHaveProperty('gap');
    expect(poll.completed).toBe(true);
    await bench.expectNothingLeft();
  });

  test('gets its topics only, in the order of the log', async () => {
    await bench.store.append(['b', 'a', 'c', 'a', 'b'].map((topic, at) => draft(`${topic}${at}`, { topic })));
    expect(bench.poll({ topics: ['a', 'b'], after: bench.place(0) }).ids).toEqual([['b0', 'a1', 'a3', 'b4']]);
    expect(bench.poll({ topics: ['c'], after: bench.place(0) }).ids).toEqual([['c2']]);
  });

  test('is cut at its limit, and continues from there', async () => {
    await bench.store.append(drafts(5));
    const first = bench.poll({ after: bench.place(0), limit: 2 }).last;
    expect(first).toMatchObject({ position: 2, more: true });
    expect(bench.poll({ after: bench.place(2), limit: 2 }).last).toMatchObject({ position: 4, more: true });
    const last = bench.poll({ after: bench.place(4), limit: 2 });
    expect(last.ids).toEqual([['n5']]);
    expect(last.last).toMatchObject({ position: 5, more: false });
  });

  test('has `more` false if its limit equals the number of notifications', async () => {
    await bench.store.append([...drafts(2), draft('other', { topic: 'other' })]);
    expect(bench.poll({ after: bench.place(0), limit: 2 }).last).toMatchObject({ position: 3, more: false });
  });

  test.each([
    ['window', 1000],
    ['store', 1],
  ])('is cut at the bytes of a page, but never below one notification, from the %s', async (_, windowCount) => {
    const bytes = draft('n1').json.length;
    bench = await FeedBench.open({ pageBytesMax: 2 * bytes, windowCount });
    await bench.store.append([...drafts(3), draft('big', { data: 'x'.repeat(3 * bytes) }), draft('last')]);
    const polls = [0, 2, 3].map((position) => bench.poll({ after: bench.place(position) }));
    await bench.clock.settle();
    expect(polls.map(({ ids }) => ids[0])).toEqual([['n1', 'n2'], ['n3'], ['big']]);
    expect(polls.map(({ last }) => [last?.position, last?.more])).toEqual([
      [2, true],
      [3, true],
      [4, true],
    ]);
  });
});

describe('a poll without notifications', () => {
  test('waits, and is answered by the next notification of its topics', async () => {
    const poll = bench.poll();
    await bench.store.append([draft('other', { topic: 'other' })]);
    await bench.clock.advance(WAIT_MS / 2);
    expect(poll.pages).toEqual([]);
    expect(bench.feed.counts()).toEqual({ waiters: 1, topics: 1, subscribers: 0, addresses: 0 });
    await bench.store.append(drafts(1));
    await bench.clock.settle();
    expect(poll.ids).toEqual([['n1']]);
    expect(poll.last).toMatchObject({ position: 2, more: false });
    await bench.expectNothingLeft();
  });

  test('is answered with an empty page when it times out, with its cursor at the head', async () => {
    const poll = bench.poll();
    await bench.store.append(drafts(5, 'o', 'other'));
    await bench.clock.advance(WAIT_MS - 1);
    expect(poll.pages).toEqual([]);
    await bench.clock.advance(1);
    expect(poll.last).toMatchObject({ entries: [], position: 5, more: false });
    expect(poll.completed).toBe(true);
    await bench.expectNothingLeft();
  });

  test('releases its waiter before its answer arrives', async () => {
    const counted: unknown[] = [];
    const pages = poll(bench.feed, { topics: ['orders'], after: 'latest', limit: 1, waitMs: WAIT_MS });
    pages.subscribe(() => counted.push(bench.feed.counts(), bench.clock.pendingTimers));
    await bench.store.append(drafts(1));
    await bench.clock.settle();
    expect(counted).toEqual([{ waiters: 0, topics: 0, subscribers: 0, addresses: 0 }, 0]);
  });

  test('is answered without the store, also after many notifications of other topics', async () => {
    bench = await FeedBench.open({ windowCount: 3 });
    const { length } = bench.store.reads;
    const poll = bench.poll();
    for (const each of drafts(9, 'o', 'other')) await bench.store.append([each]);
    await bench.clock.advance(WAIT_MS);
    expect(poll.last).toMatchObject({ entries: [], position: 9 });
    expect(bench.store.reads).toHaveLength(length);
  });

  test.each([
    ['windowCount', (count: number) => ({ windowCount: count })],
    ['windowBytes', (count: number, bytes: number) => ({ windowBytes: count * bytes })],
  ])('is answered without the store only for positions in the window: %s', async (_, limits) => {
    const bytes = Buffer.byteLength(drafts(1)[0]!.json);
    for (const [size, reads] of [
      [3, 0],
      [2.99, 1],
    ] as const) {
      bench = await FeedBench.open(limits(size, bytes));
      const { length } = bench.store.reads;
      await bench.store.append(drafts(3));
      const poll = bench.poll({ after: bench.place(0) });
      await bench.clock.settle();
      expect(poll.ids).toEqual([['n1', 'n2', 'n3']]);
      expect(bench.store.reads).toHaveLength(length + reads);
    }
  });

  test.each(['poll', 'follow'] as const)(
    'keeps its position while retention removes notifications: %s',
    async (how) => {
      bench = await FeedBench.open({ windowCount: 3 }, { retainCount: 3 });
      const watched = bench[how]();
      for (const each of drafts(9, 'o', 'other')) await bench.store.append([each]);
      await bench.clock.advance(WAIT_MS);
      expect(watched.last).toMatchObject({ entries: [], position: 9 });
      expect(watched.last).not.toHaveProperty('gap');
    },
  );

  test('is answered at once with a wait of 0', async () => {
    await bench.store.append(drafts(2));
    const poll = bench.poll({ waitMs: 0 });
    expect(poll.last).toMatchObject({ entries: [], position: 2, more: false });
    await bench.expectNothingLeft();
  });

  test('gets everything that arrives in one tick on one page', async () => {
    const poll = bench.poll({ topics: ['a', 'b'] });
    await bench.store.append([draft('1', { topic: 'a' })]);
    await bench.store.append([draft('2', { topic: 'b' }), draft('3', { topic: 'c' })]);
    await bench.store.append([draft('4', { topic: 'a' })]);
    await bench.clock.settle();
    expect(poll.ids).toEqual([['1', '2', '4']]);
  });

  test('receives at most its limit after a burst', async () => {
    const poll = bench.poll({ limit: 2 });
    await bench.store.append(drafts(5));
    await bench.clock.settle();
    expect(poll.ids).toEqual([['n1', 'n2']]);
    expect(poll.last).toMatchObject({ position: 2, more: true });
  });

  test.each([-3_600_000, 3_600_000])(
    'waits for its full duration when the wall clock jumps by %i ms',
    async (jumpMs) => {
      const poll = bench.poll();
      bench.clock.jump(jumpMs);
      await bench.clock.advance(WAIT_MS - 1);
      expect(poll.pages).toEqual([]);
      await bench.clock.advance(1);
      expect(poll.pages).toHaveLength(1);
    },
  );

  test('counts the time that a slow store takes', async () => {
    bench = await FeedBench.open({ windowCount: 1 });
    await bench.store.append(drafts(3));
    const answer = bench.store.holdReads();
    const poll = bench.poll({ topics: ['other'], after: bench.place(1) });
    await bench.clock.advance(WAIT_MS + 500);
    expect(poll.pages).toEqual([]);
    answer();
    await bench.clock.settle();
    expect(poll.last).toMatchObject({ entries: [], position: 3 });
    await bench.expectNothingLeft();
  });
});

describe('the start of a poll', () => {
  test('latest: with the notifications that follow it', async () => {
    await bench.store.append(drafts(2));
    const poll = bench.poll({ after: 'latest' });
    await bench.store.append([draft('next')]);
    await bench.clock.settle();
    expect(poll.ids).toEqual([['next']]);
  });

  test('earliest: with the oldest notification kept, and no gap', async () => {
    bench = await FeedBench.open({}, { retainCount: 3 });
    await bench.store.append(drafts(5));
    const poll = bench.poll({ after: 'earliest' });
    await bench.clock.settle();
    expect(poll.ids).toEqual([['n3', 'n4', 'n5']]);
    expect(poll.last).not.toHaveProperty('gap');
  });

  test('earliest: waits in an empty log', async () => {
    const poll = bench.poll({ after: 'earliest' });
    await bench.clock.settle();
    expect(poll.pages).toEqual([]);
    await bench.store.append(drafts(1));
    await bench.clock.settle();
    expect(poll.ids).toEqual([['n1']]);
  });
});

describe('a gap', () => {
  test.each([
    [1, true],
    [2, false],
    [3, false],
  ])('after %i of 5 notifications, of which 2 are removed, is reported: %p', async (position, expired) => {
    bench = await FeedBench.open({ windowCount: 1 }, { retainCount: 3 });
    await bench.store.append(drafts(5));
    const poll = bench.poll({ after: bench.place(position) });
    await bench.clock.settle();
    expect(poll.ids).toEqual([['n3', 'n4', 'n5'].slice(Math.max(0, position - 2))]);
    expect(poll.last?.gap).toEqual(expired ? { reason: 'expired' } : undefined);
    await bench.expectNothingLeft();
  });

  test('reports `expired` at once, also without a notification', async () => {
    bench = await FeedBench.open({ windowCount: 1 }, { retainMs: 1000 });
    await bench.store.append(drafts(3));
    await bench.clock.advance(1000);
    const poll = bench.poll({ after: bench.place(1) });
    await bench.clock.settle();
    expect(poll.last).toMatchObject({ entries: [], position: 3, gap: { reason: 'expired' } });
  });

  test.each([
    ['a deleted log', () => ({ epochId: 'another', position: 2 })],
    ['nowhere', () => NOWHERE],
    ['beyond the head', () => bench.place(1000)],
  ])('reset: the cursor is of %s, the page starts from the oldest notification', async (_, after) => {
    await bench.store.append(drafts(3));
    const poll = bench.poll({ after: after(), limit: 2 });
    await bench.clock.settle();
    expect(poll.ids).toEqual([['n1', 'n2']]);
    expect(poll.last).toMatchObject({ position: 2, more: true, gap: { reason: 'reset' } });
    expect(poll.last?.epoch).toEqual(bench.feed.window.epoch);
    await bench.expectNothingLeft();
  });

  test('reset in an empty log is reported at once', async () => {
    const poll = bench.poll({ after: NOWHERE });
    await bench.clock.settle();
    expect(poll.last).toMatchObject({ entries: [], position: 0, gap: { reason: 'reset' } });
  });

  test('is not repeated by the next poll', async () => {
    await bench.store.append(drafts(3));
    const poll = bench.poll({ after: NOWHERE, limit: 1 });
    await bench.clock.settle();
    const next = bench.poll({ after: bench.place(poll.last?.position ?? NaN) });
    expect(next.last).not.toHaveProperty('gap');
    expect(next.last && idsOf(next.last)).toEqual(['n2', 'n3']);
  });
});
