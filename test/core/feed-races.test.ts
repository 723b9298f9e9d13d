import { beforeEach, describe, expect, test } from '@jest/globals';
import { draft, drafts } from '../support/drafts.js';
import { FeedBench, WAIT_MS } from '../support/feed.js';

let bench: FeedBench;

/** A window of one notification: a cursor before it is answered from the store. */
beforeEach(async () => {
  bench = await FeedBench.open({ windowCount: 1 });
  await bench.store.append(drafts(4, 'o', 'other'));
});

describe('no wake-up is lost', () => {
  test('when an entry is appended between registration and the end of the read', async () => {
    const answer = bench.store.holdReads();
    const poll = bench.poll({ after: bench.place(0) });
    await bench.clock.settle();
    await bench.store.append(drafts(1));
    await bench.clock.settle();
    expect(poll.pages).toEqual([]);
    answer();
    await bench.clock.settle();
    expect(poll.ids).toEqual([['n1']]);
    await bench.expectNothingLeft();
  });

  test('when a waiter joins a read that began before the append', async () => {
    const { length } = bench.store.reads;
    const answer = bench.store.holdReads();
    const first = bench.poll({ after: bench.place(0) });
    await bench.store.append(drafts(1));
    await bench.clock.settle();
    const joined = bench.poll({ after: bench.place(0) });
    expect(bench.store.reads).toHaveLength(length + 1);
    answer();
    await bench.clock.settle();
    expect([first.ids, joined.ids]).toEqual([[['n1']], [['n1']]]);
    await bench.expectNothingLeft();
  });

  test('if the entries that were appended during the read have left the window', async () => {
    const answer = bench.store.holdReads();
    const poll = bench.poll({ after: bench.place(0) });
    await bench.store.append(drafts(2));
    await bench.store.append(drafts(3, 'p', 'other'));
    answer();
    await bench.clock.settle();
    expect(poll.ids).toEqual([['n1', 'n2']]);
  });

  test('if the store returns entries that its tail has not delivered yet', async () => {
    const handOver = bench.store.holdTail();
    await bench.store.append(drafts(1));
    const poll = bench.poll({ after: bench.place(0) });
    await bench.clock.settle();
    expect(poll.last).toMatchObject({ position: 5 });
    const next = bench.poll({ after: bench.place(5) });
    await bench.store.append([draft('next')]);
    await bench.clock.settle();
    handOver();
    await bench.clock.settle();
    expect([poll.ids, next.ids]).toEqual([[['n1']], [['next']]]);
    await bench.expectNothingLeft();
  });

  test('if a page is delivered while the next notification arrives', async () => {
    const stream = bench.follow({}, () => {
      if (stream.pages.length === 1) void bench.store.append([draft('meanwhile')]);
      return undefined;
    });
    await bench.store.append(drafts(1));
    await bench.clock.settle();
    expect(stream.ids).toEqual([['n1'], ['meanwhile']]);
    stream.leave();
  });

  test('when the time is up in the same tick', async () => {
    const poll = bench.poll();
    bench.clock.setTimeout(() => void bench.store.append(drafts(1)), WAIT_MS);
    await bench.clock.advance(WAIT_MS);
    const [page] = poll.pages;
    const next = bench.poll({ after: bench.place(page?.position ?? NaN) });
    await bench.clock.settle();
    expect([...poll.ids, ...next.ids]).toEqual([[], ['n1']]);
    await bench.expectNothingLeft();
  });
});

describe('the log is wiped', () => {
  test('while requests wait: they receive the gap at once', async () => {
    const polls = [bench.poll(), bench.poll({ topics: ['a', 'b'] })];
    const stream = bench.follow();
    await bench.store.wipe();
    await bench.clock.settle();
    for (const poll of [...polls, stream]) {
      expect(poll.last).toMatchObject({ entries: [], position: 0, gap: { reason: 'reset' } });
      expect(poll.last?.epoch).toEqual(bench.feed.window.epoch);
    }
    await bench.store.append(drafts(1));
    await bench.clock.settle();
    expect(stream.ids).toEqual([[], ['n1']]);
    stream.leave();
    await bench.expectNothingLeft();
  });

  test('during a read: the waiter continues in the new log', async () => {
    const answer = bench.store.holdReads();
    const poll = bench.poll({ topics: ['quiet'], after: bench.place(0) });
    await bench.store.wipe();
    await bench.clock.settle();
    answer();
    await bench.clock.settle();
    expect(poll.last).toMatchObject({ entries: [], position: 0, gap: { reason: 'reset' } });
    await bench.expectNothingLeft();
  });

  test('and a read shows it before the tail', async () => {
    const handOver = bench.store.holdTail();
    await bench.store.wipe();
    const poll = bench.poll({ after: bench.place(0) });
    await bench.clock.settle();
    expect(poll.last).toMatchObject({ position: 0, gap: { reason: 'reset' } });
    const { id: epochId } = poll.last!.epoch;
    const next = bench.poll({ after: { epochId, position: 0 } });
    await bench.store.append(drafts(1));
    handOver();
    await bench.clock.settle();
    expect(next.ids).toEqual([['n1']]);
    expect(next.last).not.toHaveProperty('gap');
    await bench.expectNothingLeft();
  });

  test('and a poll in the new log times out before the tail delivers', async () => {
    const handOver = bench.store.holdTail();
    await bench.store.wipe();
    const first = bench.poll({ after: bench.place(0) });
    await bench.clock.settle();
    const { id: epochId } = first.last!.epoch;
    const poll = bench.poll({ after: { epochId, position: 0 } });
    await bench.clock.advance(WAIT_MS);
    expect(poll.last).toMatchObject({ epoch: { id: epochId }, entries: [], position: 0 });
    expect(poll.last).not.toHaveProperty('gap');
    handOver();
    await bench.expectNothingLeft();
  });

  test('afterwards, cursors of the old log get a gap', async () => {
    const before = bench.place(4);
    await bench.store.wipe();
    await bench.store.append(drafts(6));
    const poll = bench.poll({ after: before });
    await bench.clock.settle();
    expect(poll.ids).toEqual([['n1', 'n2', 'n3', 'n4', 'n5', 'n6']]);
    expect(poll.last?.gap).toEqual({ reason: 'reset' });
  });
});

describe('a node that lost its connection to the engine', () => {
  test('reads entries from the store that its tail could not deliver', async () => {
    const stream = bench.follow();
    await bench.store.appendUnnoticed(drafts(3));
    await bench.clock.settle();
    expect(stream.ids).toEqual([['n1', 'n2', 'n3']]);
    expect(stream.last).not.toHaveProperty('gap');
    stream.leave();
  });

  test('reports the gap to its waiters if those entries are removed', async () => {
    bench = await FeedBench.open({}, { retainCount: 2 });
    const stream = bench.follow();
    await bench.store.appendUnnoticed(drafts(3));
    await bench.clock.settle();
    expect(stream.ids).toEqual([['n2', 'n3']]);
    expect(stream.last?.gap).toEqual({ reason: 'expired' });
    stream.leave();
  });

  test('holds a poll no longer than its wait after a lost connection', async () => {
    const poll = bench.poll();
    await bench.clock.advance(WAIT_MS - 1);
    await bench.store.appendUnnoticed(drafts(3, 'p', 'other'));
    await bench.clock.settle();
    expect(poll.pages).toEqual([]);
    await bench.clock.advance(1);
    expect(poll.last).toMatchObject({ entries: [], position: 7 });
  });

  test('accepts a repeated batch once', async () => {
    const poll = bench.poll();
    const { epoch } = bench.feed.window;
    const entry = { ...draft('n1'), position: 5, bytes: 1 };
    bench.store.handOver({ epoch, after: 4, entries: [entry], head: 5 });
    bench.store.handOver({ epoch, after: 3, entries: [entry], head: 5 });
    await bench.clock.settle();
    expect(poll.ids).toEqual([['n1']]);
    expect(bench.feed.window.head).toBe(5);
  });

  test('moves its head over positions without entries', async () => {
    const { epoch } = bench.feed.window;
    bench.store.handOver({ epoch, after: 4, entries: [], head: 50 });
    expect(bench.poll({ waitMs: 0 }).last).toMatchObject({ entries: [], position: 50 });
    expect(bench.poll({ after: bench.place(4), waitMs: 0 }).last).toMatchObject({ entries: [], position: 50 });
  });
});
