import { beforeEach, describe, expect, test } from '@jest/globals';
import { tap } from 'rxjs';
import type { FeedRequest } from '../../src/core/feed-request.js';
import type { LogPage } from '../../src/core/page.js';
import { WAKE_BUDGET_MS, WAKE_CHUNK } from '../../src/core/waiters.js';
import { draft, drafts } from '../support/drafts.js';
import { FeedBench, WAIT_MS, Watched, poll } from '../support/feed.js';

const MANY = 10_000;

let bench: FeedBench;

beforeEach(async () => {
  bench = await FeedBench.open();
});

function pollMany(request: (index: number) => Partial<FeedRequest>, count = MANY): Watched[] {
  return Array.from({ length: count }, (_, index) => bench.poll(request(index)));
}

/** Polls with answers that are slow to write. */
function pollSlowly(count: number, costMs: number): Watched[] {
  const request = { topics: ['orders'], after: 'latest', limit: 10, waitMs: WAIT_MS } as const;
  const cost = tap<LogPage>(() => {
    bench.clock.spend(costMs);
  });
  return Array.from({ length: count }, () => new Watched(poll(bench.feed, request).pipe(cost)));
}

/** Polls of one topic each, which record when they are read. */
function pollTouching(touch: () => void): Watched[] {
  return Array.from({ length: MANY }, (_, index) => {
    const request: FeedRequest = {
      get topics() {
        touch();
        return [`other.${index}`];
      },
      after: 'latest',
      limit: 10,
      waitMs: WAIT_MS,
    };
    return new Watched(poll(bench.feed, request));
  });
}

function answered(polls: readonly Watched[]): number {
  return polls.filter(({ completed }) => completed).length;
}

describe('a publish', () => {
  test.each([
    [WAKE_BUDGET_MS, WAKE_CHUNK],
    [WAKE_BUDGET_MS / WAKE_CHUNK / 2, 2 * WAKE_CHUNK],
    [0, MANY],
  ])('with a cost of %d ms per waiter answers %i waiters per turn, so that other tasks run', async (costMs, inTurn) => {
    const polls = pollSlowly(MANY, costMs);
    await bench.store.append(drafts(1));
    expect(answered(polls)).toBe(0);
    for (let woken = 0; woken < MANY; woken = Math.min(MANY, woken + inTurn)) {
      expect(answered(polls)).toBe(woken);
      await bench.clock.turn();
    }
    expect(answered(polls)).toBe(MANY);
    await bench.expectNothingLeft();
  });

  test('delays other tasks by little more than its budget', async () => {
    const polls = pollSlowly(1000, 0.5);
    await bench.store.append(drafts(1));
    while (answered(polls) < 1000) {
      const startMs = bench.clock.monotonic();
      await bench.clock.turn();
      expect(bench.clock.monotonic() - startMs).toBeLessThanOrEqual(WAKE_BUDGET_MS + WAKE_CHUNK * 0.5);
    }
  });

  test('during a delivery round reaches every waiter once', async () => {
    const polls = pollSlowly(3 * WAKE_CHUNK, 1);
    await bench.store.append([draft('a')]);
    await bench.clock.turn();
    await bench.store.append([draft('b')]);
    await bench.clock.settle();
    const [first, ...later] = [0, WAKE_CHUNK, 2 * WAKE_CHUNK].map((at) => polls.slice(at, at + WAKE_CHUNK));
    expect(new Set(first?.map(({ ids }) => ids.join('|')))).toEqual(new Set(['a']));
    expect(new Set(later.flat().map(({ ids }) => ids.join('|')))).toEqual(new Set(['a,b']));
    await bench.expectNothingLeft();
  });

  test('reaches waiters that time out before their turn', async () => {
    const polls = pollSlowly(4 * WAKE_CHUNK, 1);
    await bench.clock.advance(WAIT_MS - WAKE_CHUNK);
    await bench.store.append(drafts(1));
    // The first of them take so long that the timers of the others run before their wake-ups.
    await bench.clock.turn();
    expect([answered(polls), bench.clock.monotonic()]).toEqual([WAKE_CHUNK, WAIT_MS]);
    await bench.clock.turn();
    await bench.clock.settle();
    expect(new Set(polls.map(({ ids }) => ids.join('|')))).toEqual(new Set(['n1']));
    await bench.expectNothingLeft();
  });

  test(`of a topic without waiters wakes none of ${MANY} waiters`, async () => {
    let touched = 0;
    const polls = pollTouching(() => touched++);
    touched = 0;
    await bench.store.append(drafts(1));
    expect(bench.clock.pendingImmediates).toBe(0);
    await bench.clock.advance(WAIT_MS / 2);
    expect([touched, answered(polls)]).toEqual([0, 0]);
    expect(bench.feed.counts()).toEqual({ waiters: MANY, topics: MANY, subscribers: 0, addresses: 0 });
  });

  test(`wakes only the waiter of its topic, among ${MANY}`, async () => {
    let touched = 0;
    const polls = pollTouching(() => touched++);
    const own = bench.poll();
    touched = 0;
    await bench.store.append(drafts(1));
    expect(bench.clock.pendingImmediates).toBe(1);
    await bench.clock.turn();
    expect([touched, answered(polls), own.ids]).toEqual([0, 0, [['n1']]]);
    expect(bench.clock.pendingImmediates).toBe(0);
  });

  test('schedules one task, however many waiters and notifications there are', async () => {
    const timers = bench.clock.pendingTimers;
    pollMany(() => ({ topics: ['a', 'b'] }), 100);
    for (const topic of ['a', 'b', 'a']) await bench.store.append([draft(`${topic}${Math.random()}`, { topic })]);
    expect(bench.clock.pendingImmediates).toBe(1);
    expect(bench.clock.pendingTimers).toBe(timers + 100);
  });

  test('reaches all other waiters if one consumer throws', async () => {
    const thrown = new Error('a consumer that throws');
    const stream = bench.follow({}, () => {
      throw thrown;
    });
    const polls = pollMany(() => ({}), 2);
    await bench.store.append(drafts(1));
    await expect(bench.clock.turn()).rejects.toBe(thrown);
    await bench.clock.turn();
    expect(answered(polls)).toBe(2);
    stream.leave();
    await bench.expectNothingLeft();
  });
});

describe('a client that reconnects to existing notifications', () => {
  test('is answered at once if no other waiter is queued', async () => {
    await bench.store.append([draft('a')]);
    expect(bench.poll({ after: bench.place(0) }).ids).toEqual([['a']]);
  });

  test('is answered after the queued waiters, with the notifications that arrived meanwhile', async () => {
    const polls = pollSlowly(2 * WAKE_CHUNK, 1);
    await bench.store.append([draft('a')]);
    await bench.clock.turn();
    const [late, unconcerned] = [bench.poll({ after: bench.place(0) }), bench.poll({ topics: ['other'], waitMs: 0 })];
    const stream = bench.follow({ after: bench.place(0) });
    expect([answered(polls), late.ids, unconcerned.ids, stream.ids]).toEqual([WAKE_CHUNK, [], [[]], []]);
    await bench.store.append([draft('b')]);
    await bench.clock.settle();
    expect(answered(polls)).toBe(2 * WAKE_CHUNK);
    expect([late.ids, stream.ids]).toEqual([[['a', 'b']], [['a', 'b']]]);
    stream.leave();
    await bench.expectNothingLeft();
  });

  test('may unsubscribe, or be ended, before its turn', async () => {
    pollSlowly(2 * WAKE_CHUNK, 1);
    await bench.store.append([draft('a')]);
    await bench.clock.turn();
    const [leaving, staying] = [bench.poll({ after: bench.place(0) }), bench.poll({ after: bench.place(0) })];
    leaving.leave();
    const drained = bench.feed.drain();
    await bench.clock.settle();
    await drained;
    expect([leaving.ids, staying.last?.ending, staying.last?.position]).toEqual([[], 'draining', 0]);
    await bench.expectNothingLeft();
  });
});

describe('waiters that get the same page', () => {
  test('get the same object from any cursor before it', async () => {
    await bench.store.append([...drafts(4, 'o', 'other'), ...drafts(2)]);
    const pages = [0, 2, 4].map((position) => bench.poll({ after: bench.place(position) }).last);
    const woken = [bench.poll(), bench.poll()];
    expect(new Set(pages).size).toBe(1);
    await bench.store.append([draft('next')]);
    await bench.clock.settle();
    expect(new Set(woken.map(({ last }) => last)).size).toBe(1);
  });

  test('share a page of one notification with waiters for other topics that match it', async () => {
    const polls = pollMany((index) => ({ topics: ['orders', `user.${index}`] }), 100);
    await bench.store.append(drafts(1));
    await bench.clock.settle();
    expect(new Set(polls.map(({ last }) => last)).size).toBe(1);
  });

  test('get it also when it is empty', async () => {
    const polls = pollMany((index) => ({ topics: [`user.${index}`], limit: 1 + (index % 3) }), 100);
    await bench.clock.advance(WAIT_MS);
    expect(new Set(polls.map(({ last }) => last)).size).toBe(1);
  });

  test('get different pages if limit, topics or cursor change the result', async () => {
    await bench.store.append([draft('1'), draft('2', { topic: 'other' }), draft('3')]);
    const requests = [
      { after: bench.place(0) },
      { after: bench.place(0), limit: 1 },
      { after: bench.place(0), topics: ['orders', 'other'] },
      { after: bench.place(1) },
      { after: bench.place(1), topics: ['other'] },
    ];
    const polls = requests.map((request) => bench.poll(request));
    expect(polls.map(({ ids }) => ids[0])).toEqual([['1', '3'], ['1'], ['1', '2', '3'], ['3'], ['2']]);
    expect(polls.map(({ last }) => [last?.position, last?.more])).toEqual([
      [3, false],
      [1, true],
      [3, false],
      [3, false],
      [3, false],
    ]);
  });

  test('get a new one after the next append', async () => {
    const before = bench.poll({ waitMs: 0 }).last;
    await bench.store.append(drafts(1, 'o', 'other'));
    const after = bench.poll({ waitMs: 0 }).last;
    expect([before?.position, after?.position]).toEqual([0, 1]);
  });

  test('are served without sharing if there are very many different requests', async () => {
    await bench.store.append(drafts(2));
    const polls = pollMany((index) => ({ topics: ['orders', `user.${index}`], after: bench.place(0) }), 3000);
    expect(new Set(polls.map(({ ids }) => ids.join('|')))).toEqual(new Set(['n1,n2']));
  });
});

describe('the store', () => {
  test('is not read for entries in the window', async () => {
    const { length } = bench.store.reads;
    await bench.store.append(drafts(5));
    pollMany((index) => ({ after: bench.place(index % 6), waitMs: 0 }), 60);
    expect(bench.store.reads).toHaveLength(length);
  });

  test('is read for entries that have left the window, by count or bytes', async () => {
    const bytes = draft('n1').json.length;
    for (const limits of [{ windowCount: 3 }, { windowBytes: 3 * bytes }]) {
      bench = await FeedBench.open(limits);
      await bench.store.append(drafts(5));
      const { length } = bench.store.reads;
      bench.poll({ after: bench.place(2) });
      expect(bench.store.reads).toHaveLength(length);
      const poll = bench.poll({ after: bench.place(1) });
      expect(bench.store.reads).toHaveLength(length + 1);
      await bench.clock.settle();
      expect(poll.ids).toEqual([['n2', 'n3', 'n4', 'n5']]);
    }
  });

  test('is read once for all equal requests at a time', async () => {
    bench = await FeedBench.open({ windowCount: 1 });
    await bench.store.append(drafts(5));
    const { length } = bench.store.reads;
    const polls = pollMany(() => ({ after: bench.place(1) }), 100);
    await bench.clock.settle();
    expect(bench.store.reads).toHaveLength(length + 1);
    expect(new Set(polls.map(({ last }) => last)).size).toBe(1);
  });

  test('is read once for many clients that reconnect with one old cursor, until the next append', async () => {
    bench = await FeedBench.open({ windowCount: 1 });
    await bench.store.append(drafts(5));
    const { length } = bench.store.reads;
    const herd = new Set<unknown>();
    for (let count = 0; count < 100; count++) {
      const poll = bench.poll({ after: bench.place(1) });
      await bench.clock.settle();
      herd.add(poll.last);
    }
    expect([herd.size, bench.store.reads.length]).toEqual([1, length + 1]);
    await bench.store.append(drafts(1, 'later'));
    const poll = bench.poll({ after: bench.place(1) });
    await bench.clock.settle();
    expect(poll.ids[0]).toHaveLength(5);
    expect(bench.store.reads).toHaveLength(length + 2);
  });

  test('is read without a consumer only after clients have disconnected', async () => {
    bench = await FeedBench.open({ windowCount: 1 });
    await bench.store.append(drafts(5));
    const answer = bench.store.holdReads();
    const [leaving, staying] = [bench.poll({ after: bench.place(1) }), bench.poll({ after: bench.place(1) })];
    leaving.leave();
    answer();
    await bench.clock.settle();
    expect([leaving.ids, staying.ids]).toEqual([[], [['n2', 'n3', 'n4', 'n5']]]);
    await bench.expectNothingLeft();
  });
});
