import { beforeEach, describe, expect, test } from '@jest/globals';
import { take } from 'rxjs';
import { draft, drafts } from '../support/drafts.js';
import { FeedBench, WAIT_MS, Watched } from '../support/feed.js';

let bench: FeedBench;

beforeEach(async () => {
  bench = await FeedBench.open();
});

/** A consumer that reports when it has consumed a page. */
function slowConsumer() {
  const taken: (() => void)[] = [];
  const drained = () => new Promise<void>((resolve) => taken.push(resolve));
  return { drained, taken };
}

describe('a stream', () => {
  test('receives a page per turn, each of which continues from the last one', async () => {
    const stream = bench.follow();
    for (const id of ['a', 'b', 'c']) {
      await bench.store.append([draft(id)]);
      await bench.clock.settle();
    }
    expect(stream.ids).toEqual([['a'], ['b'], ['c']]);
    expect(stream.pages.map(({ position }) => position)).toEqual([1, 2, 3]);
    expect(stream.completed).toBe(false);
    stream.leave();
    await bench.expectNothingLeft();
  });

  test('receives existing notifications, and then waits', async () => {
    await bench.store.append(drafts(3));
    const stream = bench.follow({ after: bench.place(1) });
    expect(stream.ids).toEqual([['n2', 'n3']]);
    await bench.store.append([draft('next')]);
    await bench.clock.settle();
    expect(stream.ids).toEqual([['n2', 'n3'], ['next']]);
  });

  test('sends an empty page as a heartbeat after each quiet wait, with the cursor of the head', async () => {
    const stream = bench.follow();
    await bench.clock.advance(WAIT_MS);
    await bench.store.append(drafts(2, 'o', 'other'));
    await bench.clock.advance(2 * WAIT_MS);
    expect(stream.pages.map(({ entries, position }) => [entries.length, position])).toEqual([
      [0, 0],
      [0, 2],
      [0, 2],
    ]);
  });

  test('sends its next heartbeat a full interval after a notification', async () => {
    const stream = bench.follow();
    await bench.clock.advance(WAIT_MS - 1);
    await bench.store.append(drafts(1));
    await bench.clock.advance(WAIT_MS - 1);
    expect(stream.ids).toEqual([['n1']]);
    await bench.clock.advance(1);
    expect(stream.ids).toEqual([['n1'], []]);
  });

  test('receives a gap and continues after it', async () => {
    bench = await FeedBench.open({ windowCount: 1 }, { retainCount: 2 });
    await bench.store.append(drafts(4));
    const stream = bench.follow({ after: bench.place(1) });
    await bench.clock.settle();
    await bench.store.append([draft('next')]);
    await bench.clock.settle();
    expect(stream.ids).toEqual([['n3', 'n4'], ['next']]);
    expect(stream.pages.map(({ gap }) => gap?.reason)).toEqual(['expired', undefined]);
  });

  test('with a wait of 0 yields to other waiters', async () => {
    const others: string[] = [];
    bench.clock.setImmediate(() => others.push('turn'));
    const stream = new Watched(
      bench.feed.follow({ topics: ['orders'], after: 'latest', limit: 1, waitMs: 0 }).pipe(take(100_000)),
    );
    expect(stream.pages.length).toBeLessThan(1000);
    await bench.clock.turn();
    expect(others).toEqual(['turn']);
    expect(stream.error).toBeUndefined();
    stream.leave();
    await bench.expectNothingLeft();
  });
});

describe('a replay', () => {
  test.each(['window', 'store'])('from the %s yields to other tasks between its pages', async (from) => {
    bench = await FeedBench.open(from === 'window' ? {} : { windowCount: 1 });
    await bench.store.append(drafts(7));
    const stream = bench.follow({ after: bench.place(0), limit: 2 });
    const seen: number[] = [];
    for (let turn = 0; turn < 6; turn++) {
      await bench.clock.turn();
      seen.push(stream.pages.length);
    }
    expect(seen).toEqual([2, 3, 4, 4, 4, 4]);
    expect(stream.ids).toEqual([['n1', 'n2'], ['n3', 'n4'], ['n5', 'n6'], ['n7']]);
    expect(stream.pages.map(({ more }) => more)).toEqual([true, true, true, false]);
    stream.leave();
    await bench.expectNothingLeft();
  });

  test('begins at once', async () => {
    await bench.store.append(drafts(3));
    const stream = bench.follow({ after: bench.place(0), limit: 2 });
    expect(stream.ids).toEqual([['n1', 'n2']]);
  });
});

describe('a slow consumer', () => {
  test('receives its next page after it has drained the last one, with all new notifications', async () => {
    const { drained, taken } = slowConsumer();
    const stream = bench.follow({}, drained);
    await bench.store.append([draft('a')]);
    await bench.clock.settle();
    for (const id of ['b', 'c', 'd']) {
      await bench.store.append([draft(id)]);
      await bench.clock.advance(WAIT_MS);
    }
    expect(stream.ids).toEqual([['a']]);
    expect(bench.clock.pendingTimers + bench.clock.pendingImmediates).toBe(0);
    taken.shift()?.();
    await bench.clock.settle();
    expect(stream.ids).toEqual([['a'], ['b', 'c', 'd']]);
    expect(taken).toHaveLength(1);
    stream.leave();
    await bench.expectNothingLeft();
  });

  test('is called for every page, also for empty ones', async () => {
    const asked: number[] = [];
    const stream = bench.follow({}, ({ entries }) => {
      asked.push(entries.length);
      return undefined;
    });
    await bench.clock.advance(WAIT_MS);
    await bench.store.append(drafts(2));
    await bench.clock.settle();
    expect(asked).toEqual([0, 2]);
    stream.leave();
  });

  test('receives the error of a broken connection, and releases its resources', async () => {
    const stream = bench.follow({ lifetimeMs: 60_000 }, () => Promise.reject(new Error('connection reset')));
    await bench.store.append(drafts(1));
    await bench.clock.settle();
    expect(stream.ids).toEqual([['n1']]);
    expect(stream.error).toEqual(new Error('connection reset'));
    await bench.expectNothingLeft();
  });
});

describe('a lifetime', () => {
  test('ends a stream with a last page that keeps its position', async () => {
    const stream = bench.follow({ lifetimeMs: 2500 });
    await bench.store.append(drafts(1));
    await bench.store.append(drafts(1, 'o', 'other'));
    await bench.clock.advance(2499);
    expect(stream.completed).toBe(false);
    await bench.clock.advance(1);
    expect(stream.ids).toEqual([['n1'], [], [], []]);
    expect(stream.pages.map(({ ending }) => ending)).toEqual([undefined, undefined, undefined, 'lifetime']);
    expect(stream.last?.position).toBe(2);
    expect(stream.completed).toBe(true);
    await bench.expectNothingLeft();
  });

  test('ends a stream whose consumer does not take its pages', async () => {
    const { drained, taken } = slowConsumer();
    const stream = bench.follow({ lifetimeMs: 2500 }, drained);
    await bench.store.append(drafts(1));
    await bench.clock.settle();
    await bench.store.append([draft('missed')]);
    await bench.clock.advance(2500);
    expect(stream.ids).toEqual([['n1'], []]);
    expect(stream.last).toMatchObject({ position: 1, ending: 'lifetime' });
    expect(stream.completed).toBe(true);
    taken.shift()?.();
    await bench.expectNothingLeft();
    expect(stream.pages).toHaveLength(2);
  });

  test('ends a stream between the pages of its replay', async () => {
    const { drained } = slowConsumer();
    await bench.store.append(drafts(4));
    const stream = bench.follow({ after: bench.place(0), limit: 2, lifetimeMs: 100 }, drained);
    await bench.clock.advance(100);
    expect(stream.last).toMatchObject({ entries: [], position: 2, ending: 'lifetime' });
    await bench.expectNothingLeft();
  });

  test('ends a stream whose read never resolves', async () => {
    bench = await FeedBench.open({ windowCount: 1 });
    await bench.store.append(drafts(4));
    const answer = bench.store.holdReads();
    const stream = bench.follow({ after: bench.place(0), lifetimeMs: 100 });
    await bench.clock.advance(100);
    expect(stream.pages).toMatchObject([{ entries: [], position: 0, ending: 'lifetime' }]);
    await bench.expectNothingLeft();
    answer();
    await bench.clock.settle();
    expect(stream.pages).toHaveLength(1);
  });

  test('ends a held poll, too', async () => {
    const poll = bench.poll({ lifetimeMs: 100 });
    await bench.clock.advance(100);
    expect(poll.last).toMatchObject({ ending: 'lifetime', position: 0 });
    await bench.expectNothingLeft();
  });
});
