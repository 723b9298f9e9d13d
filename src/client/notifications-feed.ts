import type { Notification } from '../core/notification.js';
import type { Retraction } from '../core/retraction.js';
import type { FeedState } from './connection-state.js';
import { Consumers, type Observer } from './consumers.js';
import { type Environment, runtime } from './environment.js';
import { FeedError } from './errors.js';
import type { End } from './feed-iterator.js';
import { FeedReader } from './feed-reader.js';
import { type HistoryOptions, type HistoryPage, readHistory } from './history.js';
import type { FeedOptions } from './options.js';

/** RxJS accepts an object with this method: `from(feed)` is an Observable. */
export interface Subscribable<N> {
  /** Delivers the next notifications to an observer, or to a function. */
  subscribe(observer: Observer<N> | ((notification: N) => void)): { unsubscribe(): void };
}

/**
 * Delivers each notification of its topics once and in order, even after a lost connection.
 *
 * `subscribe` and `for await` add a consumer. The feed reads while it has a consumer. Without a
 * consumer it keeps its position. Several consumers share the feed.
 */
export class NotificationsFeed<N extends object = Notification> implements Subscribable<N>, AsyncIterable<N> {
  readonly #options: FeedOptions;
  readonly #environment: Environment;
  readonly #consumers: Consumers<N>;
  readonly #reader: FeedReader;
  readonly #listeners = new Set<(state: FeedState) => void>();
  /** Abort controllers of the history requests in progress. */
  readonly #reads = new Set<AbortController>();
  #isRunning = false;
  #saving: Promise<void> = Promise.resolve();

  constructor(options: FeedOptions, environment: Environment = runtime) {
    this.#options = options;
    this.#environment = environment;
    this.#consumers = new Consumers(options.ack === 'manual', (cursor) => {
      this.#save(cursor);
    });
    this.#reader = new FeedReader(options, environment, {
      whenNeeded: () => this.#consumers.whenNeeded(),
      deliver: (delivery) => this.#consumers.deliver(delivery),
      stateChanged: () => {
        for (const listener of this.#listeners) listener(this.state);
      },
      failed: (error) => this.#end({ error }),
    });
    if (options.signal?.aborted) this.close();
    options.signal?.addEventListener('abort', this.#onAbort);
  }

  /** The current state. */
  get state(): FeedState {
    return this.#reader.state;
  }

  /** The position after the last received notification; undefined before the first answer. */
  get cursor(): string | undefined {
    return this.#reader.position.cursor;
  }

  /** Calls the listener when the state changes. Returns the function that removes the listener. */
  onState(listener: (state: FeedState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Calls the listener when a notification was retracted. The application should then remove it
   * from its display. The listener may be called for a notification that was never delivered, and
   * twice for the same one. After this call, a `for await` loop does not receive the notification.
   * Returns the function that removes the listener.
   */
  onRetracted(listener: (retraction: Retraction) => void): () => void {
    return this.#consumers.onRetracted(listener);
  }

  /** Delivers the next notifications to an observer, or to a function. */
  subscribe(observer: Observer<N> | ((notification: N) => void)): { unsubscribe(): void } {
    const unsubscribe = this.#consumers.addObserver(typeof observer === 'function' ? { next: observer } : observer);
    this.#start();
    return { unsubscribe };
  }

  /** For `for await (const notification of feed)`. The feed waits for a slow loop. */
  [Symbol.asyncIterator](): AsyncIterableIterator<N> {
    const iterator = this.#consumers.addIterator();
    this.#start();
    return iterator;
  }

  /**
   * Reads a page of the history: the newest notifications up to a position, newest first. It is one
   * request, and needs no consumer.
   *
   * If the feed has no position yet, its newest page also sets the position: the feed then begins
   * right after this page. So an application that shows the page and then subscribes misses nothing
   * and receives nothing twice. A feed has a position if it has had a consumer, or if it has a
   * `cursor` or a `store`.
   *
   * @throws FeedError: if its `code` is `network`, `busy`, `server` or `malformed`, a later call
   * may succeed. The error never ends the feed.
   */
  async history(options: HistoryOptions = {}): Promise<HistoryPage<N>> {
    if (this.#reader.isClosed) throw new FeedError('the feed is closed', { code: 'closed' });
    const controller = new AbortController();
    this.#reads.add(controller);
    try {
      const page = await readHistory(this.#environment, this.#options, { ...options, signal: controller.signal });
      if ((options.before ?? 'latest') === 'latest' && !this.#hasPosition) this.#reader.position.cursor ??= page.follow;
      // The caller chooses the type of the notifications, as with `connect`.
      return page as HistoryPage<N>;
    } finally {
      this.#reads.delete(controller);
    }
  }

  get #hasPosition(): boolean {
    const { store, cursor = 'latest' } = this.#options;
    return this.#isRunning || store !== undefined || cursor !== 'latest';
  }

  /** With `ack: 'manual'`: marks the notification as handled. */
  ack(notification: N): void {
    this.#consumers.acknowledge(notification);
  }

  /** Ends the feed: it aborts its request, clears its timers, and completes loops and observers. */
  close(): void {
    this.#end('complete');
  }

  readonly #onAbort = (): void => this.close();

  #start(): void {
    if (this.#isRunning || this.#reader.isClosed) return;
    this.#isRunning = true;
    void this.#reader.start(this.#loadCursor());
  }

  async #loadCursor(): Promise<string | undefined> {
    const { store, cursor } = this.#options;
    return (await store?.load()) ?? (cursor === 'latest' ? undefined : cursor);
  }

  #end(end: End): void {
    this.#reader.close();
    for (const controller of this.#reads) controller.abort();
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#consumers.end(end);
  }

  /**
   * Saves cursors one at a time. If a save fails, the store keeps an older cursor, and nothing is
   * lost.
   */
  #save(cursor: string): void {
    const { store } = this.#options;
    if (store) this.#saving = this.#saving.then(() => store.save(cursor)).catch(() => undefined);
  }
}
