import type { FeedState } from './connection-state.js';
import { isOf } from './delivery.js';
import { NotificationsFeed } from './notifications-feed.js';
import type { ConnectOptions } from './options.js';

/** The content of a feed at one moment, for components to render. */
export interface FeedSnapshot {
  readonly notifications: readonly object[];
  readonly state: FeedState;
  readonly error: unknown;
  readonly feed: NotificationsFeed<object> | undefined;
}

/** One component that uses a feed. */
export interface FeedUser {
  /** Returns the options of the component's last render. */
  readonly options: () => ConnectOptions;
  /** Called when the snapshot has changed. */
  readonly changed: () => void;
}

/** The snapshot of a component before it is mounted, and while it is disabled. */
export const IDLE: FeedSnapshot = {
  notifications: [],
  state: { phase: 'connecting', reason: undefined, transport: 'sse' },
  error: undefined,
  feed: undefined,
};

/** The feeds of the components of one page. Components with the same key share a feed. */
export class FeedPool {
  readonly #feeds = new Map<string, PooledFeed>();

  snapshot(key: string): FeedSnapshot {
    return this.#feeds.get(key)?.snapshot ?? IDLE;
  }

  /**
   * Adds a user. The first user of a key opens the feed with its own options; the feed closes after
   * its last user has left. Returns the function that removes the user.
   */
  join(key: string, keep: number, user: FeedUser): () => void {
    const pooled = this.#feeds.get(key) ?? new PooledFeed(keep, user);
    this.#feeds.set(key, pooled);
    pooled.users.add(user);
    return () => {
      pooled.users.delete(user);
      // In StrictMode, and when one page replaces another, React unmounts and mounts synchronously.
      // The microtask keeps the feed open in between.
      queueMicrotask(() => {
        if (pooled.users.size > 0 || this.#feeds.get(key) !== pooled) return;
        this.#feeds.delete(key);
        pooled.close();
      });
    };
  }

  clear(key: string): void {
    this.#feeds.get(key)?.clear();
  }
}

class PooledFeed {
  snapshot: FeedSnapshot;
  readonly users = new Set<FeedUser>();
  readonly #feed: NotificationsFeed<object>;

  constructor(keep: number, first: FeedUser) {
    const options = first.options();
    this.#feed = new NotificationsFeed({
      ...options,
      // A component may pass another function on each render, so the feed calls the latest
      // function.
      ...(options.auth && { auth: (context) => [...this.users].at(-1)?.options().auth?.(context) }),
      onGap: async (gap) => {
        const callbacks = new Set([...this.users].map((user) => user.options().onGap));
        await Promise.all([...callbacks].map(async (onGap) => onGap?.(gap)));
      },
    });
    this.snapshot = { ...IDLE, state: this.#feed.state, feed: this.#feed };
    this.#feed.onState((state) => {
      this.#set({ state });
    });
    this.#feed.onRetracted((retraction) => {
      const kept = this.snapshot.notifications.filter((one) => !isOf(retraction, one));
      if (kept.length < this.snapshot.notifications.length) this.#set({ notifications: kept });
    });
    this.#feed.subscribe({
      next: (notification) => {
        this.#set({ notifications: [...this.snapshot.notifications, notification].slice(-keep) });
      },
      error: (error) => {
        this.#set({ error });
      },
    });
  }

  clear(): void {
    this.#set({ notifications: [] });
  }

  close(): void {
    this.#feed.close();
  }

  #set(change: Partial<FeedSnapshot>): void {
    this.snapshot = { ...this.snapshot, ...change };
    for (const { changed } of this.users) changed();
  }
}
