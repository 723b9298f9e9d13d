import { expect } from '@jest/globals';
import type { Observable, Subscription } from 'rxjs';
import { Feed, type FeedLimits, type FeedRequest } from '../../src/core/feed.js';
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

/** A feed on a real memory store, and a clock to move. */
export class FeedBench {
  private constructor(
    readonly clock: ManualClock,
    readonly store: ScriptedStore,
    readonly feed: Feed,
  ) {}

  static async open(limits: Partial<FeedLimits> = {}, options: MemoryStoreOptions = {}): Promise<FeedBench> {
    const clock = new ManualClock();
    const store = await ScriptedStore.open(options, clock);
    return new FeedBench(clock, store, await Feed.open({ store, clock, limits: { ...LIMITS, ...limits } }));
  }

  /** The place after the newest notification. */
  get head(): LogPosition {
    const { epoch, head } = this.feed.window;
    return { epochId: epoch.id, position: head };
  }

  place(position: number): LogPosition {
    return { ...this.head, position };
  }

  poll(request: Partial<FeedRequest> = {}): Watched {
    return new Watched(this.feed.poll({ ...REQUEST, ...request }));
  }

  follow(request: Partial<FeedRequest> = {}, drained?: Parameters<Feed['follow']>[1]): Watched {
    return new Watched(this.feed.follow({ ...REQUEST, ...request }, drained));
  }

  /** Nothing is left of anybody: no waiter, index entry, timer or task. */
  async expectNothingLeft(): Promise<void> {
    await this.clock.settle();
    expect(this.feed.counts()).toEqual({ waiters: 0, topics: 0, subscribers: 0, addresses: 0 });
    expect(this.clock.pendingTimers).toBe(0);
  }
}

const REQUEST: FeedRequest = { topics: ['orders'], after: 'latest', limit: 100, waitMs: WAIT_MS };

/** What a subscriber has got so far. */
export class Watched {
  readonly pages: LogPage[] = [];
  error: unknown;
  completed = false;
  readonly #subscription: Subscription;

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
