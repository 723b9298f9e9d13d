import { callSafely } from '../call-safely.js';
import { fieldsOf } from '../delivery.js';
import type { Environment } from '../environment.js';
import { FeedReader } from '../feed-reader.js';
import { HeldEvents } from './held-events.js';
import { hasItemsOf, type KnownItems, listed, withChange, withEvent } from './item-list.js';
import { closedError } from './operation-queue.js';
import { readOnePage, readPages } from './pages.js';
import { untilAnswered } from './retry.js';
import type { InboxFilter, InboxOptions, InboxSnapshot } from './types.js';
import { eventFrom, pollDeliveryFrom } from './wire.js';
import type { Change, InboxPage } from './wire-types.js';

/** The server looks for the ids of an operation only in this number of newest items. */
export const ITEMS_MAX = 1_000;
/** Items appear and expire on the server's clock, which may differ a little from the device's. */
const CLOCK_GRACE_MS = 1_000;
/** The pause before the next load, if the device's clock is ahead of the server's. */
const CLOCK_RETRY_MS = 30_000;
/** A longer timer would overflow. */
const TIMER_MS_MAX = 24 * 3_600_000;

/** The items and counts that the server has sent, without pending operations. */
export interface ServerList<N extends object> extends Omit<InboxPage<N>, 'items'> {
  readonly items: KnownItems<N>;
}

/** The events of a list. */
export interface LiveListEvents {
  /** The list or its status has changed. */
  changed(): void;
  /** A request for a page is about to be sent. */
  pageRequested(): void;
  /** The requested page has replaced the list. */
  loaded(): void;
  /** The live feed has delivered changes. The list has them already. */
  received(changes: readonly Change[]): void;
  /** The server has refused a request. */
  refused(error: unknown): void;
}

/**
 * Loads the list of an inbox. Between `start` and `stop`, it follows the live feed from the list's
 * position.
 */
export class LiveList<N extends object> {
  readonly #options: InboxOptions;
  readonly #environment: Environment;
  readonly #events: LiveListEvents;
  #filter: InboxFilter;
  #list: ServerList<N> | undefined;
  #status: InboxSnapshot['status'] = 'idle';
  #reader: FeedReader | undefined;
  /** Aborts the load in progress. */
  #loading: AbortController | undefined;
  #loaded: Promise<void> | undefined;
  #older: Promise<void> | undefined;
  /** Undefined while no older page is requested. */
  #held: HeldEvents<N> | undefined;
  readonly #closing = new AbortController();
  #timer: unknown;
  #isRunning = false;

  constructor(options: InboxOptions, environment: Environment, events: LiveListEvents) {
    this.#options = options;
    this.#environment = environment;
    this.#events = events;
    this.#filter = options;
  }

  /** Undefined before the first page. */
  get list(): ServerList<N> | undefined {
    return this.#list;
  }

  get status(): InboxSnapshot['status'] {
    return this.#status;
  }

  get filter(): InboxFilter {
    return this.#filter;
  }

  /** Whether the live feed, or the load in progress, will deliver the changes of this device. */
  get isFollowing(): boolean {
    return this.#reader !== undefined || this.#loading !== undefined;
  }

  start(): void {
    if (this.#isRunning || this.#closing.signal.aborted) return;
    this.#isRunning = true;
    if (this.#list) {
      this.#follow(this.#list.follow);
      return;
    }
    this.#setStatus('loading');
    void this.load(0);
  }

  /** Ends the connection. The list remains. */
  stop(): void {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#loading?.abort();
    this.#loading = undefined;
    this.#unfollow();
    this.#setStatus('idle');
  }

  close(): void {
    this.#closing.abort();
    this.stop();
    this.#loading?.abort();
    this.#status = 'closed';
  }

  /** Applies a change that the live feed will not deliver. */
  apply(change: Change): void {
    if (this.#list) this.#list = { ...this.#list, items: withChange(this.#list.items, change) };
  }

  /** Loads the list again, with at least its current number of items. */
  reload(): Promise<void> {
    return this.load(this.#length);
  }

  setFilter(filter: InboxFilter): Promise<void> {
    this.#filter = filter;
    this.#list = this.#list && { ...this.#list, items: [], more: false };
    if (this.#isRunning) this.#setStatus('loading');
    return this.load(0);
  }

  /**
   * Loads the newest items, at least `itemsMin` if the server has them, and follows the live feed
   * from their position.
   */
  load(itemsMin: number): Promise<void> {
    if (this.#closing.signal.aborted) return handled(Promise.reject(closedError()));
    const loading = new AbortController();
    this.#loading?.abort();
    this.#loading = loading;
    return handled((this.#loaded = this.#load(loading, itemsMin)));
  }

  loadOlder(): Promise<void> {
    this.#older ??= this.#loadOlder().finally(() => {
      this.#older = undefined;
      this.#held = undefined;
    });
    return handled(this.#older);
  }

  async #load(loading: AbortController, itemsMin: number): Promise<void> {
    const { signal } = loading;
    try {
      const page = await untilAnswered(this.#environment, signal, {
        send: () => {
          this.#events.pageRequested();
          return readPages<N>(this.#environment, { ...this.#options, ...this.#filter, signal }, itemsMin);
        },
        onRetry: () => {
          if (this.#isRunning) this.#setStatus('offline');
        },
      });
      // Another load has replaced this one, or the list has stopped.
      if (!page) return await (this.#loading && this.#loaded);
      this.#loading = undefined;
      this.#list = page;
      this.#events.loaded();
      if (this.#isRunning) this.#follow(page.follow);
      else this.#events.changed();
    } catch (error) {
      if (!signal.aborted) this.#events.refused(error);
      throw error;
    }
  }

  async #loadOlder(): Promise<void> {
    const filter = this.#filter;
    const { signal } = this.#closing;
    if (signal.aborted) throw closedError();
    // The load in progress will replace the list and its cursor.
    if (this.#loading) await this.#loaded;
    const list = this.#list;
    if (!list?.more || list.items.length >= ITEMS_MAX) return;
    const held = (this.#held = new HeldEvents<N>());
    const page = await readOnePage<N>(this.#environment, { ...this.#options, ...filter, signal }, list.cursor);
    if (this.#filter !== filter) return;
    // The list was loaded again meanwhile, so the page does not continue it.
    if (this.#list?.cursor !== list.cursor) return this.#loadOlder();
    // Some changes were dropped and the page may lack them. So the list is loaded again, with the
    // older page.
    if (held.isOver) return this.load(this.#length + 1);
    const { cursor, more } = page;
    this.#list = { ...this.#list, items: held.withOlder(this.#list.items, page.items), cursor, more };
    this.#events.changed();
  }

  /** The number of items in the current list. */
  get #length(): number {
    return listed(this.#list?.items ?? [], this.#filter).length;
  }

  /** Reads the live feed from a position. */
  #follow(cursor: string): void {
    this.#unfollow();
    const { url, limit, auth, headers, credentials, transport, wait, share } = this.#options;
    const options = { url, limit, auth, headers, credentials, transport, wait, share };
    const reader = (this.#reader = new FeedReader(
      {
        ...options,
        format: { name: 'inbox', deliveryFrom: pollDeliveryFrom },
        // The delivery after the gap would contain old items, so the list is loaded again.
        onGap: () => {
          this.#unfollow();
          void this.reload();
        },
      },
      this.#environment,
      {
        deliver: ({ notifications, cursor: follow }) => {
          // An event may lead to the end of this reader.
          for (const event of notifications) {
            if (this.#reader === reader) callSafely(() => this.#onEvent(event, follow));
          }
        },
        stateChanged: () => this.#onState(),
        failed: (error) => this.#events.refused(error),
      },
    ));
    void reader.start(cursor);
    this.#scheduleReload();
    this.#setStatus('live');
    this.#onState();
  }

  #unfollow(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.close();
    this.#environment.clearTimeout(this.#timer);
  }

  #onState(): void {
    const { phase, reason } = this.#reader?.state ?? {};
    if (phase === 'live' || reason === 'hidden') this.#setStatus('live');
    // A server ends each stream after some time. That is not a failure.
    else if (phase === 'offline' || (phase === 'waiting' && reason !== 'busy')) this.#setStatus('offline');
  }

  #onEvent(value: object, follow: string): void {
    const event = eventFrom<N>(value);
    const list = this.#list;
    if (!list) return;
    if (!event) {
      void this.reload();
      return;
    }
    const isComplete = hasItemsOf(list.items, event, this.#filter.status ?? 'inbox');
    const items = withEvent(list.items, event);
    this.#held?.add(event);
    this.#list = { ...list, items, counts: event.counts ?? list.counts, follow };
    this.#events.received(event.changes);
    this.#events.changed();
    this.#scheduleReload();
    if (items.length > ITEMS_MAX) void this.load(0);
    else if (!isComplete) void this.reload();
  }

  /** No event announces that a snoozed item appears again, or that an item has expired. */
  #scheduleReload(): void {
    const { clearTimeout, setTimeout } = this.#environment;
    clearTimeout(this.#timer);
    const { items = [], counts } = this.#list ?? {};
    const times = [counts?.snoozeEndsAt, ...items.map(({ notification }) => fieldsOf(notification).expiresAt)];
    const nextMs = Math.min(
      ...times
        .filter((time) => typeof time === 'string')
        .map(Date.parse)
        .filter(Number.isFinite),
    );
    if (nextMs === Infinity) return;
    const leftMs = nextMs - Date.now() + CLOCK_GRACE_MS;
    const delayMs = leftMs > 0 ? Math.min(leftMs, TIMER_MS_MAX) : CLOCK_RETRY_MS;
    this.#timer = setTimeout(() => void this.reload(), delayMs);
  }

  #setStatus(status: InboxSnapshot['status']): void {
    this.#status = status;
    this.#events.changed();
  }
}

/** The same promise. If a caller ignores it, its rejection is not reported as unhandled. */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
