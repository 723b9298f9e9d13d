import { beforeEach, describe, expect, test } from '@jest/globals';
import { Observable, take, tap } from 'rxjs';
import { NotificationsError } from '../../src/core/errors.js';
import { Feed } from '../../src/core/feed.js';
import type { LogPage } from '../../src/core/page.js';
import { WAKE_CHUNK } from '../../src/core/waiters.js';
import { draft, drafts } from '../support/drafts.js';
import { FeedBench, LIMITS, WAIT_MS, Watched, poll } from '../support/feed.js';

let bench: FeedBench;

/** A window of one notification: a cursor before it is answered from the store. */
beforeEach(async () => {
  bench = await FeedBench.open({ windowCount: 1 });
  await bench.store.append(drafts(4));
});

const never = (): Promise<void> => new Promise(() => undefined);

/**
 * Every phase in which a client may disconnect, with a function that brings the request into it.
 */
const PHASES: [string, () => Watched | Promise<Watched>][] = [
  ['a poll that reads the store', () => whileReading(() => bench.poll({ after: bench.place(0) }))],
  ['a stream that reads the store', () => whileReading(() => bench.follow({ after: bench.place(0) }))],
  ['a poll that waits', () => bench.poll()],
  ['a stream that waits', () => bench.follow({ lifetimeMs: 60_000 })],
  ['a poll about to be woken', () => withNotifications(bench.poll())],
  ['a stream about to be woken', () => withNotifications(bench.follow())],
  ['a poll that times out', () => afterMs(bench.poll(), WAIT_MS)],
  ['a stream between two heartbeats', () => afterMs(bench.follow({ lifetimeMs: 60_000 }), 1.5 * WAIT_MS)],
  ['a stream between pages of its replay', () => bench.follow({ after: bench.place(3), limit: 1, topics: ['orders'] })],
  ['a stream that delivers a page', () => bench.follow({ after: bench.place(3), lifetimeMs: 60_000 }, never)],
  ['a stream whose store fails', () => whileReading(() => bench.follow({ after: bench.place(0) }), new Error('down'))],
];

function whileReading(open: () => Watched, failure?: Error): Watched {
  const answer = bench.store.holdReads();
  bench.store.fail(failure);
  const watched = open();
  bench.store.fail();
  // The answer comes after the client has left.
  bench.clock.setTimeout(answer, 1);
  return watched;
}

async function withNotifications(watched: Watched): Promise<Watched> {
  await bench.store.append([draft('news')]);
  return watched;
}

async function afterMs(watched: Watched, delayMs: number): Promise<Watched> {
  await bench.clock.advance(delayMs);
  return watched;
}

describe('a consumer that unsubscribes leaves no resources', () => {
  test.each(PHASES)('%s', async (_, reach) => {
    const watched = await reach();
    const { length } = watched.pages;
    watched.leave();
    expect(bench.feed.counts()).toEqual({ waiters: 0, topics: 0, subscribers: 0, addresses: 0 });
    await bench.clock.advance(10);
    await bench.store.append([draft('after')]);
    await bench.expectNothingLeft();
    expect(watched.pages).toHaveLength(length);
    expect([watched.error, watched.completed && watched.pages.length === 0]).toEqual([undefined, false]);
  });

  test.each(['page', 'heartbeat', 'gap'])('in the handler of a %s', async (kind) => {
    const request = {
      page: { after: bench.place(3) },
      heartbeat: { after: bench.head, waitMs: 1 },
      gap: { after: bench.place(1000) },
    }[kind]!;
    const pages = bench.feed.follow({ topics: ['orders'], limit: 1, waitMs: WAIT_MS, lifetimeMs: 60_000, ...request });
    const watched = new Watched(pages.pipe(take(1)));
    await bench.clock.advance(1);
    expect(watched.pages).toHaveLength(1);
    await bench.expectNothingLeft();
  });

  test.each([4, 0])('before its read begins, with a cursor after %i', async (position) => {
    const request = { topics: ['orders'], after: bench.place(position), limit: 1, waitMs: WAIT_MS, lifetimeMs: 60_000 };
    for (const pages of [poll(bench.feed, request), bench.feed.follow(request)]) {
      const watched = new Watched(
        new Observable((subscriber) => {
          subscriber.unsubscribe();
          pages.subscribe(subscriber);
        }),
      );
      expect(watched.pages).toEqual([]);
    }
    await bench.expectNothingLeft();
  });

  test('all waiters at once, during a delivery round', async () => {
    const watched = Array.from({ length: 1000 }, () => bench.follow());
    await bench.store.append([draft('news')]);
    await bench.clock.turn();
    for (const each of watched) each.leave();
    expect(bench.feed.counts()).toEqual({ waiters: 0, topics: 0, subscribers: 0, addresses: 0 });
    await bench.expectNothingLeft();
  });

  test('a second subscription is another waiter', async () => {
    const pages = poll(bench.feed, { topics: ['orders'], after: 'latest', limit: 1, waitMs: WAIT_MS });
    const [first, second] = [new Watched(pages), new Watched(pages)];
    expect(bench.feed.counts().waiters).toBe(2);
    first.leave();
    expect(bench.feed.counts().waiters).toBe(1);
    await bench.store.append([draft('news')]);
    await bench.clock.settle();
    expect([first.ids, second.ids]).toEqual([[], [['news']]]);
    await bench.expectNothingLeft();
  });
});

describe('a store that fails', () => {
  test.each(['poll', 'follow'] as const)('ends a %s with its error', async (how) => {
    const failure = new NotificationsError('store_unavailable', 'The engine is away.');
    bench.store.fail(failure);
    const watched = bench[how]({ after: bench.place(0), lifetimeMs: 60_000 });
    await bench.clock.settle();
    expect(watched.error).toBe(failure);
    await bench.expectNothingLeft();
  });

  test('does not fail later requests: the next one reads the store again', async () => {
    bench.store.fail(new Error('down'));
    bench.poll({ after: bench.place(0) });
    await bench.clock.settle();
    bench.store.fail();
    const poll = bench.poll({ after: bench.place(0) });
    await bench.clock.settle();
    expect(poll.ids).toEqual([['n1', 'n2', 'n3', 'n4']]);
  });

  test('does not affect requests that the window serves', async () => {
    const waiting = bench.poll();
    bench.store.fail(new Error('down'));
    await bench.store.append([draft('news')]);
    await bench.clock.settle();
    expect(waiting.ids).toEqual([['news']]);
  });

  test('rejects the start of a feed', async () => {
    const failure = new NotificationsError('store_unavailable', 'The engine is away.');
    bench.store.fail(failure);
    await expect(Feed.open({ store: bench.store, clock: bench.clock, limits: LIMITS })).rejects.toBe(failure);
  });
});

describe('waitersMax', () => {
  test('accepts waitersMax requests, and rejects the next until a waiter leaves', async () => {
    bench = await FeedBench.open({ waitersMax: 3 });
    const watched = [bench.poll(), bench.follow(), bench.poll()];
    const refused = bench.poll();
    expect(refused.error).toMatchObject({ code: 'waiters_too_many', message: expect.stringContaining('3') });
    expect(bench.follow().error).toMatchObject({ code: 'waiters_too_many' });
    watched[0]!.leave();
    expect(bench.poll().error).toBeUndefined();
    expect(bench.feed.counts().waiters).toBe(3);
    await bench.store.append(drafts(1));
    await bench.clock.settle();
    expect(watched[1]!.ids).toEqual([['n1']]);
  });
});

describe('draining', () => {
  test('answers waiters at their position, and resolves when none is left', async () => {
    const poll = bench.poll({ after: bench.place(4) });
    const stream = bench.follow({ lifetimeMs: 60_000 });
    const drained = bench.feed.drain();
    let done = false;
    void drained.then(() => (done = true));
    await Promise.resolve();
    expect(done).toBe(false);
    await bench.clock.turn();
    for (const watched of [poll, stream]) {
      expect(watched.last).toMatchObject({ entries: [], position: 4, more: false, ending: 'draining' });
      expect(watched.completed).toBe(true);
    }
    await drained;
    expect(done).toBe(true);
    await bench.expectNothingLeft();
  });

  test('keeps the position of a waiter that has not received the newest notifications', async () => {
    const poll = bench.poll();
    await bench.store.append([draft('news')]);
    void bench.feed.drain();
    await bench.clock.settle();
    expect(poll.last).toMatchObject({ entries: [], position: 4, ending: 'draining' });
  });

  test('rejects new requests', async () => {
    await bench.feed.drain();
    for (const watched of [bench.poll({ waitMs: 0 }), bench.follow()]) {
      expect(watched.error).toBeInstanceOf(NotificationsError);
      expect(watched.error).toMatchObject({ code: 'draining' });
    }
    await bench.expectNothingLeft();
  });

  test('does not wait for pending reads: a waiter without a position is rejected', async () => {
    const answer = bench.store.holdReads();
    const placed = bench.poll({ after: bench.place(0) });
    const placeless = bench.follow({ after: 'earliest' });
    const drained = bench.feed.drain();
    await bench.clock.settle();
    expect(placed.pages).toMatchObject([{ entries: [], position: 0, ending: 'draining' }]);
    expect(placeless.error).toMatchObject({ code: 'draining' });
    await drained;
    await bench.expectNothingLeft();
    answer();
    await bench.clock.settle();
    expect([placed, placeless].map(({ pages }) => pages.length)).toEqual([1, 0]);
  });

  test('ends streams that are delivering a page', async () => {
    const stream = bench.follow({ after: bench.place(3) }, never);
    await Promise.all([bench.feed.drain(), bench.clock.settle()]);
    expect(stream.ids).toEqual([['n4'], []]);
    expect(stream.last).toMatchObject({ position: 4, ending: 'draining' });
    await bench.expectNothingLeft();
  });

  test('ends streams in the middle of a replay', async () => {
    bench = await FeedBench.open();
    await bench.store.append(drafts(9));
    const stream = bench.follow({ after: bench.place(0), limit: 2 });
    await Promise.all([bench.feed.drain(), bench.clock.settle()]);
    expect(stream.completed).toBe(true);
    expect(stream.last).toMatchObject({ entries: [], ending: 'draining' });
    expect(stream.last?.position).toBe(2 * (stream.pages.length - 1));
    await bench.expectNothingLeft();
  });

  test('is started once, however often it is called', async () => {
    bench.poll();
    const [first, second] = [bench.feed.drain(), bench.feed.drain()];
    await bench.clock.settle();
    await Promise.all([first, second, bench.feed.drain()]);
    await bench.expectNothingLeft();
  });

  test('answers 10,000 waiters in several turns of the event loop', async () => {
    const request = { topics: ['orders'], after: 'latest', limit: 1, waitMs: WAIT_MS } as const;
    const slow = tap<LogPage>(() => {
      bench.clock.spend(0.5);
    });
    const polls = Array.from({ length: 10_000 }, () => new Watched(poll(bench.feed, request).pipe(slow)));
    const drained = bench.feed.drain();
    await bench.clock.turn();
    expect(polls.filter(({ completed }) => completed)).toHaveLength(WAKE_CHUNK);
    await Promise.all([drained, bench.clock.settle()]);
    expect(polls.every(({ last }) => last?.ending === 'draining')).toBe(true);
    await bench.expectNothingLeft();
  });

  test('close drains, and stops following the log, which stays open', async () => {
    const poll = bench.poll();
    const closed = bench.feed.close();
    await Promise.all([closed, bench.clock.settle()]);
    expect(poll.last?.ending).toBe('draining');
    expect(bench.store.following).toBe(false);
    await expect(bench.store.append([draft('later')])).resolves.toBeDefined();
    expect(bench.feed.window.head).toBe(4);
  });
});
