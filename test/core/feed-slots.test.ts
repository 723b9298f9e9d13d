import { beforeEach, describe, expect, test } from '@jest/globals';
import { drafts } from '../support/drafts.js';
import { FeedBench, WAIT_MS } from '../support/feed.js';

const ANN = { topics: ['orders'], limit: 10, waitMs: WAIT_MS, subscriber: 'ann', address: '10.0.0.1' } as const;

describe('a poll counts towards the limits', () => {
  let bench: FeedBench;

  beforeEach(async () => {
    bench = await FeedBench.open({ waitersPerSubscriberMax: 1 });
    await bench.store.append(drafts(1));
  });

  const poll = (drained?: () => Promise<void> | undefined) => {
    const seen = { waiters: -1, error: undefined as { code?: string } | undefined };
    bench.feed.poll({ ...ANN, after: 'earliest' }, drained).subscribe({
      next: () => (seen.waiters = bench.feed.counts().waiters),
      error: (error: { code: string }) => (seen.error = error),
    });
    return seen;
  };

  test('until its consumer has taken the page', async () => {
    let take = (): void => undefined;
    poll(() => new Promise<void>((resolve) => (take = resolve)));
    await bench.clock.settle();
    expect(bench.feed.counts()).toEqual({ waiters: 0, topics: 0, subscribers: 0, addresses: 1 });
    expect(poll().error?.code).toBe('subscriber_waiters_too_many');
    take();
    await bench.clock.settle();
    expect(poll().error).toBeUndefined();
    await bench.expectNothingLeft();
  });

  test('no longer where the page was taken at once', async () => {
    poll(() => undefined);
    await bench.clock.settle();
    await bench.expectNothingLeft();
  });

  test('in process until its page is emitted', async () => {
    const seen = poll();
    await bench.clock.settle();
    expect(seen.waiters).toBe(0);
    await bench.expectNothingLeft();
  });

  test('does not hold up a drain with a page that is not taken', async () => {
    poll(() => new Promise<void>(() => undefined));
    await bench.clock.settle();
    await bench.feed.drain();
    expect(bench.feed.counts().addresses).toBe(1);
  });

  test('no longer when writing the page throws', async () => {
    const request = { ...ANN, after: bench.place(0), waitMs: 0 } as const;
    const consumer = {
      next: (): void => {
        throw new Error('cannot be written');
      },
      error: () => undefined,
      complete: () => undefined,
      drained: () => undefined,
    };
    expect(() => bench.feed.hold(request, consumer, 'one')).toThrow('cannot be written');
    await bench.expectNothingLeft();
  });
});
