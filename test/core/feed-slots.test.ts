import { beforeEach, describe, expect, test } from '@jest/globals';
import { drafts } from '../support/drafts.js';
import { PageConsumer } from '../../src/core/page-consumer.js';
import { consumedBy, FeedBench, poll, WAIT_MS } from '../support/feed.js';

const ANN = { topics: ['orders'], limit: 10, waitMs: WAIT_MS, subscriber: 'ann', address: '10.0.0.1' } as const;

describe('a poll counts towards the limits', () => {
  let bench: FeedBench;

  beforeEach(async () => {
    bench = await FeedBench.open({ waitersPerSubscriberMax: 1 });
    await bench.store.append(drafts(1));
  });

  const start = (drained?: () => Promise<void> | undefined) => {
    const seen = { waiters: -1, error: undefined as { code?: string } | undefined };
    const pages = poll(bench.feed, { ...ANN, after: 'earliest' });
    (drained ? consumedBy(pages, drained) : pages).subscribe({
      next: () => (seen.waiters = bench.feed.counts().waiters),
      error: (error: { code: string }) => (seen.error = error),
    });
    return seen;
  };

  test('until its consumer has taken the page', async () => {
    let take = (): void => undefined;
    start(() => new Promise<void>((resolve) => (take = resolve)));
    await bench.clock.settle();
    expect(bench.feed.counts()).toEqual({ waiters: 0, topics: 0, subscribers: 0, addresses: 1 });
    expect(start().error?.code).toBe('subscriber_waiters_too_many');
    take();
    await bench.clock.settle();
    expect(start().error).toBeUndefined();
    await bench.expectNothingLeft();
  });

  test('not after the page was drained at once', async () => {
    start(() => undefined);
    await bench.clock.settle();
    await bench.expectNothingLeft();
  });

  test('in process until its page is emitted', async () => {
    const seen = start();
    await bench.clock.settle();
    expect(seen.waiters).toBe(0);
    await bench.expectNothingLeft();
  });

  test('does not delay a drain if its page is not drained', async () => {
    start(() => new Promise<void>(() => undefined));
    await bench.clock.settle();
    await bench.feed.drain();
    expect(bench.feed.counts().addresses).toBe(1);
  });

  test('until writing its page throws', async () => {
    const request = { ...ANN, after: bench.place(0), waitMs: 0 } as const;
    class Broken extends PageConsumer {
      next(): void {
        throw new Error('cannot be written');
      }

      error(): void {
        throw new Error('is not called');
      }

      complete(): void {
        throw new Error('is not called');
      }

      override drained(): undefined {
        return undefined;
      }
    }
    expect(() => poll(bench.feed, request).subscribe(new Broken())).toThrow('cannot be written');
    await bench.expectNothingLeft();
  });
});
