import { firstValueFrom } from 'rxjs';
import { systemClock } from '../../../src/core/clock.js';
import { NotificationsError } from '../../../src/core/errors.js';
import { Feed } from '../../../src/core/feed.js';
import type { Draft } from '../../../src/core/notification.js';
import type { LogPage, LogPosition } from '../../../src/core/page.js';
import type { Appended, Store } from '../../../src/core/store.js';
import { redisStore, type RedisStoreOptions } from '../../../src/stores/redis/index.js';
import type { RedisEngine } from '../engines/redis.js';
import { newDraft } from '../drafts.js';
import { poll } from '../feed.js';
import { pause } from '../time/pause.js';

/** The pause before a rejected call is repeated. */
const RETRY_MS = 5;
const LIMITS = {
  pageBytesMax: 2 ** 20,
  windowCount: 10_000,
  windowBytes: 2 ** 24,
  waitersMax: 10_000,
  waitersPerSubscriberMax: 10_000,
  waitersPerAddressMax: 10_000,
};

/** One node: a store, its feed, and what it reports. */
export class TestNode {
  readonly warnings: string[] = [];
  readonly errors: string[] = [];
  store!: Store;
  feed!: Feed;

  static async open(engine: RedisEngine, options: Partial<RedisStoreOptions> = {}): Promise<TestNode> {
    const node = new TestNode();
    const logger = {
      warn: (message: string) => {
        node.warnings.push(message);
      },
      error: (message: string) => {
        node.errors.push(message);
      },
    };
    const factory = redisStore({ connection: engine.url, recheckMs: 200, ...options });
    node.store = await factory({ clock: systemClock, logger });
    node.feed = await Feed.open({ store: node.store, clock: systemClock, limits: LIMITS });
    return node;
  }

  async close(): Promise<void> {
    await this.feed.close();
    await this.store.close();
  }
}

/** An append that was acknowledged. */
export interface Acknowledged extends Appended {
  readonly epochId: string;
  readonly topic: string;
}

/** Publishes in sequence until stopped; retries a rejected publish with the same id. */
export class Publisher {
  readonly acknowledged: Acknowledged[] = [];
  readonly rejections: unknown[] = [];
  readonly #done: Promise<void>;
  #stopping = false;

  constructor(store: Store, topics: readonly string[]) {
    this.#done = this.#publish(store, topics);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
  }

  async #publish(store: Store, topics: readonly string[]): Promise<void> {
    for (let count = 0; !this.#stopping; count++) {
      const next = newDraft(topics[count % topics.length]);
      while (!(await this.#append(store, next))) await pause(RETRY_MS);
    }
  }

  async #append(store: Store, next: Draft): Promise<boolean> {
    try {
      const { epoch, appended } = await store.append([next]);
      for (const one of appended) this.acknowledged.push({ ...one, epochId: epoch.id, topic: next.topic });
      return true;
    } catch (error) {
      if (!(error instanceof NotificationsError) || error.code !== 'store_unavailable') throw error;
      this.rejections.push(error);
      return false;
    }
  }
}

/** Polls with its last cursor in a loop, as a client does. */
export class PollingClient {
  readonly pages: LogPage[] = [];
  readonly #done: Promise<void>;
  #stopping = false;
  after: LogPosition | 'earliest' | 'latest';

  constructor(
    readonly feed: () => Feed,
    readonly topics: readonly string[],
    after: LogPosition | 'earliest' | 'latest' = 'earliest',
  ) {
    this.after = after;
    this.#done = this.#poll();
  }

  get ids(): string[] {
    return this.pages.flatMap(({ entries }) => entries.map(({ id }) => id));
  }

  get gaps(): string[] {
    return this.pages.flatMap(({ gap }) => (gap ? [gap.reason] : []));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
  }

  async #poll(): Promise<void> {
    while (!this.#stopping) {
      try {
        const page = await pageAfter(this.feed(), this.after, { topics: this.topics, waitMs: 300 });
        this.pages.push(page);
        this.after = { epochId: page.epoch.id, position: page.position };
      } catch (error) {
        if (!(error instanceof NotificationsError)) throw error;
        await pause(RETRY_MS);
      }
    }
  }
}

export function pageAfter(
  feed: Feed,
  after: LogPosition | 'earliest' | 'latest',
  { topics = ['orders'], waitMs = 0 }: { topics?: readonly string[]; waitMs?: number } = {},
): Promise<LogPage> {
  return firstValueFrom(poll(feed, { topics, after, limit: 100, waitMs }));
}
