import { expect } from '@jest/globals';
import { Observable, type Unsubscribable } from 'rxjs';
import { Feed, type FeedLimits } from '../../src/core/feed.js';
import type { FeedHistoryRequest, FeedRequest } from '../../src/core/feed-request.js';
import { PageConsumer } from '../../src/core/page-consumer.js';
import type { Pages } from '../../src/core/pages.js';
import { race } from '../../src/core/race.js';
import type { LogPage, LogPosition } from '../../src/core/page.js';
import type { MemoryStoreOptions } from '../../src/stores/memory/memory-store.js';
import { ManualClock } from '../../src/testing/index.js';
import { ScriptedStore } from './scripted-store.js';

export const LIMITS: FeedLimits = {
  waitersMax: 20_000,
  waitersPerSubscriberMax: 10_000,
  waitersPerAddressMax: 10_000,
  pageBytesMax: 1024 * 1024,
  windowCount: 1000,
  windowBytes: 1024 * 1024,
};

/** How long requests of these tests wait. */
export const WAIT_MS = 1000;

/** A feed on a real memory store, and a clock that a test moves. */
export class FeedBench {
  private constructor(
    readonly clock: ManualClock,
    readonly store: ScriptedStore,
    readonly feed: Feed,
  ) {}

  static async open(
    limits: Partial<FeedLimits> = {},
    options: MemoryStoreOptions = {},
    patterns: readonly string[] = [],
  ): Promise<FeedBench> {
    const clock = new ManualClock();
    const store = await ScriptedStore.open(options, clock);
    return new FeedBench(clock, store, await Feed.open({ store, clock, limits: { ...LIMITS, ...limits }, patterns }));
  }

  /** The position after the newest notification. */
  get head(): LogPosition {
    const { epoch, head } = this.feed.window;
    return { epochId: epoch.id, position: head };
  }

  place(position: number): LogPosition {
    return { ...this.head, position };
  }

  poll(request: Partial<FeedRequest> = {}): Watched {
    return new Watched(poll(this.feed, { ...REQUEST, ...request }));
  }

  follow(request: Partial<FeedRequest> = {}, drained?: Drained): Watched {
    const pages = this.feed.follow({ ...REQUEST, ...request });
    return new Watched(drained ? consumedBy(pages, drained) : pages);
  }

  history(request: Partial<FeedHistoryRequest> = {}): Watched {
    return new Watched(this.feed.history({ topics: ['orders'], before: 'latest', limit: 100, ...request }));
  }

  /** Expects that no waiter, index entry, timer or task remains. */
  async expectNothingLeft(): Promise<void> {
    await this.clock.settle();
    expect(this.feed.counts()).toEqual({ waiters: 0, topics: 0, subscribers: 0, addresses: 0 });
    expect(this.clock.pendingTimers).toBe(0);
  }
}

const REQUEST: FeedRequest = { topics: ['orders'], after: 'latest', limit: 100, waitMs: WAIT_MS };

/** Sends a long poll like the controller does. */
export function poll(feed: Feed, request: FeedRequest): Pages {
  return race(feed.arrivals(request), feed.timeout(request));
}

/** Resolves when the consumer has taken the page; undefined if it has already taken the page. */
export type Drained = (page: LogPage) => Promise<void> | undefined;

/** The pages that a consumer with `drained` receives. */
export function consumedBy(pages: Pages, drained: Drained): Observable<LogPage> {
  return new Observable((subscriber) => {
    class Consumer extends PageConsumer {
      #last: LogPage | undefined;

      next(page: LogPage): void {
        this.#last = page;
        subscriber.next(page);
      }

      error(error: unknown): void {
        subscriber.error(error);
      }

      complete(): void {
        subscriber.complete();
      }

      override drained(): Promise<void> | undefined {
        return this.#last && drained(this.#last);
      }
    }
    return pages.subscribe(new Consumer());
  });
}

/** The pages that a subscriber has received so far. */
export class Watched {
  readonly pages: LogPage[] = [];
  error: unknown;
  completed = false;
  readonly #subscription: Unsubscribable;

  constructor(pages: Observable<LogPage>) {
    this.#subscription = pages.subscribe({
      next: (page) => this.pages.push(page),
      error: (error: unknown) => (this.error = error),
      complete: () => (this.completed = true),
    });
  }

  /** The ids on its pages, page by page. */
  get ids(): string[][] {
    return this.pages.map(idsOf);
  }

  get last(): LogPage | undefined {
    return this.pages.at(-1);
  }

  leave(): void {
    this.#subscription.unsubscribe();
  }
}

export function idsOf({ entries }: LogPage): string[] {
  return entries.map(({ id }) => id);
}
