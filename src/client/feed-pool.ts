import { Feed } from './feed.js';
import type { ConnectOptions, FeedState } from './options.js';

/** The feed of a key, as components see it. */
export interface FeedSnapshot {
  readonly notifications: readonly object[];
  readonly state: FeedState;
  readonly error: unknown;
  readonly feed: Feed<object> | undefined;
}

/** One component that uses a feed. */
export interface FeedUser {
  /** Its latest options. */
  readonly options: () => ConnectOptions;
  readonly changed: () => void;
}

/** Before a component is mounted, and while it is disabled. */
export const IDLE: FeedSnapshot = {
  notifications: [],
  state: { phase: 'connecting', reason: undefined, transport: 'sse' },
  error: undefined,
  feed: undefined,
};

/** The feeds of the components of one page: components with the same key share a feed, as long as one of them is there. */
export class FeedPool {
  readonly #feeds = new Map<string, SharedFeed>();

  snapshot(key: string): FeedSnapshot {
    return this.#feeds.get(key)?.snapshot ?? IDLE;
  }

  /** Opens the feed for the first user of a key, with that user's options. Returns the function by which the user leaves. */
  join(key: string, keep: number, user: FeedUser): () => void {
    const shared = this.#feeds.get(key) ?? new SharedFeed(keep, user);
    this.#feeds.set(key, shared);
    shared.users.add(user);
    return () => {
      shared.users.delete(user);
      // React unmounts and mounts in one go: in StrictMode, and when one page replaces another. The feed outlives that.
      queueMicrotask(() => {
        if (shared.users.size > 0 || this.#feeds.get(key) !== shared) return;
        this.#feeds.delete(key);
        shared.close();
      });
    };
  }

  clear(key: string): void {
    this.#feeds.get(key)?.clear();
  }
}

class SharedFeed {
  snapshot: FeedSnapshot;
  readonly users = new Set<FeedUser>();
  readonly #feed: Feed<object>;

  constructor(keep: number, first: FeedUser) {
    const options = first.options();
    this.#feed = new Feed({
      ...options,
      // The options that components have now: a token or a callback may have changed since the feed was opened.
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
