import { Observable, type Subscriber, type Unsubscribable } from 'rxjs';
import type { Clock } from './clock.js';
import { NotificationsError } from './errors.js';
import { type LogPage, type LogPosition, sharedPosition } from './page.js';
import type { Drained, PageConsumer, Turns } from './page-consumer.js';
import { Reader, type ReaderLimits, type ReadWindow } from './reader.js';
import { RecentRevocations } from './recent-revocations.js';
import { type Revocation, revocationDraft, revocationOf, revocationsTopic } from './revocation.js';
import type { Rights } from './rights.js';
import { Slots } from './slots.js';
import { spreadMs } from './spread.js';
import type { Store, Tail, TailBatch } from './store.js';
import { Subscribers } from './subscribers.js';
import { Waiter, type WaiterHost } from './waiter.js';
import { Waiters } from './waiters.js';

/** Bounds of a feed; defaults and reasons stand with the module's options. */
export interface FeedLimits extends ReaderLimits {
  /** Polls held and streams open on this node at once. */
  readonly waitersMax: number;
  /** Of these, on behalf of one subscriber. */
  readonly waitersPerSubscriberMax: number;
  /** Of these, from one address. */
  readonly waitersPerAddressMax: number;
}

export interface FeedOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly limits: FeedLimits;
}

/** What a client asks of the feed. */
export interface FeedRequest {
  /** Without repetitions. */
  readonly topics: readonly string[];
  readonly after: LogPosition | 'earliest' | 'latest';
  /** Notifications per page. */
  readonly limit: number;
  /** How long a turn may be held open when there is nothing to say; 0 answers at once. */
  readonly waitMs: number;
  /** When a stream is ended, whatever happens. */
  readonly lifetimeMs?: number | undefined;
  /** On whose behalf; `revoke` finds the waiter by it. */
  readonly subscriber?: string | undefined;
  /** Where from, for the limit on one address. Undefined: from nowhere in particular. */
  readonly address?: string | undefined;
  /** Bytes of notifications in the next page, if less than `pageBytesMax`. It is asked before each read. */
  readonly bytesMax?: (() => number) | undefined;
  /** Undefined: the topics may be read whatever happens. */
  readonly rights?: Rights | undefined;
  /**
   * The feed's `revocations` before the subscriber's access was checked. If the subscriber was revoked since then, the check may
   * be outdated: the request ends at once and the client sends it again. Undefined: access was not checked.
   */
  readonly revocations?: number | undefined;
}

/** Of a node: `ready`; or why not. */
export type FeedHealth = 'ready' | 'draining' | 'store_unavailable';

/** What is open on this node at this moment; all zero when nobody is connected. */
export interface FeedCounts {
  /** Held polls and open streams. */
  readonly waiters: number;
  /** Entries of the index by topic. */
  readonly topics: number;
  /** Entries of the index by subscriber. */
  readonly subscribers: number;
  /** Addresses with waiters, or with answers that are still being written. */
  readonly addresses: number;
}

/** The counts of a node that serves no reads. */
export const NOTHING_OPEN: FeedCounts = Object.freeze({ waiters: 0, topics: 0, subscribers: 0, addresses: 0 });

/** Whether a store answers. It is asked for the state of its log, which costs it next to nothing. */
export async function healthOf(store: Store): Promise<Exclude<FeedHealth, 'draining'>> {
  return store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 }).then(
    () => 'ready',
    () => 'store_unavailable',
  );
}

/**
 * The heart of a node. It follows the store's log, keeps the newest part in its window, and answers polls and streams.
 *
 * A poll is one turn: *arm* the waiter, so that no arrival can be missed, *read* what is there, and if there is nothing,
 * *wait*: arrival raced against the clock. A stream is many turns. Both stand in `waiter.ts`. Who finds something there while others are
 * about to be told waits behind them.
 */
export class Feed {
  readonly #clock: Clock;
  readonly #limits: FeedLimits;
  readonly #reader: Reader;
  readonly #store: Store;
  readonly #waiters: Waiters<Waiter>;
  readonly #subscribers = new Subscribers<Waiter>();
  readonly #slots = new Slots();
  readonly #host: WaiterHost;
  readonly #revocations = new RecentRevocations();
  #tail: Tail | undefined;
  #drain: { promise: Promise<void>; done: () => void; spreadMs: number } | undefined;

  private constructor({ store, clock, limits }: FeedOptions, reader: Reader) {
    this.#store = store;
    this.#clock = clock;
    this.#limits = limits;
    this.#reader = reader;
    this.#waiters = new Waiters(clock);
    this.#host = this.#hostOfWaiters();
  }

  /** Learns where the store's log stands and follows it from there. Rejects if the store does. */
  static async open(options: FeedOptions): Promise<Feed> {
    const feed = new Feed(options, await Reader.open(options.store, options.limits));
    feed.#tail = await options.store.tail(feed.window.head, (batch) => {
      feed.#onAppended(batch);
    });
    return feed;
  }

  /** The newest position of this node's window, and the log it belongs to. */
  get window(): ReadWindow {
    return this.#reader.window;
  }

  /**
   * One page: at once if there are new notifications after the position, a gap or `waitMs: 0`; otherwise when one arrives or the wait ends.
   *
   * @param drained says when the page was taken; until then the poll counts towards the limits
   */
  poll(request: FeedRequest, drained?: Drained): Observable<LogPage> {
    return this.#pages(request, 'one', drained);
  }

  /**
   * A page for every turn until the subscriber leaves: new notifications, gaps, and an empty page whenever `waitMs` passes without any.
   * The next turn starts when `drained` says that the last page was taken, so nothing ever queues for a slow reader.
   */
  follow(request: FeedRequest, drained?: Drained): Observable<LogPage> {
    return this.#pages(request, 'many', drained);
  }

  #pages(request: FeedRequest, turns: Turns, drained: Drained | undefined): Observable<LogPage> {
    return new Observable((subscriber) =>
      this.hold(request, drained ? consumerOf(subscriber, drained) : subscriber, turns),
    );
  }

  /**
   * What `poll` and `follow` do when they are subscribed to. A held request takes less memory without an Observable around it.
   *
   * @throws NotificationsError when the request is rejected
   */
  hold(request: FeedRequest, consumer: PageConsumer, turns: Turns): Unsubscribable {
    const refusal = this.#refusal(request);
    if (refusal) throw refusal;
    const waiter = new Waiter(this.#host, request, consumer, turns);
    waiter.start();
    return waiter;
  }

  /**
   * Takes topics, or all, away from a subscriber on every node, whose waiters for them end where they stand: through the log, so that
   * nothing which is appended after this has resolved is told to them anywhere.
   */
  async revoke(revocation: Revocation): Promise<void> {
    // Here also if the store is out of reach.
    this.#apply(revocation);
    await this.#store.append([await revocationDraft(revocation, new Date(this.#clock.now()))]);
  }

  /**
   * Whether the log holds a revocation of a subscriber after a position. Retention may have removed one, so false alone does not
   * grant access: the caller asks its access rules as well.
   */
  async hasRevocationAfter(subscriber: string, position: number): Promise<boolean> {
    const topics = [await revocationsTopic(subscriber)];
    const { entries } = await this.#store.read({ topics, after: position, limit: 1, bytesMax: 1 });
    return entries.length > 0;
  }

  /**
   * Whether clients should be sent here. It asks the store for the state of its log, which costs it next to nothing and takes no longer
   * than the driver's time limit.
   */
  async health(): Promise<FeedHealth> {
    return this.#drain ? 'draining' : healthOf(this.#store);
  }

  /** The number of revocations on this node so far. Read it before access is checked, and pass it with the request. */
  get revocations(): number {
    return this.#revocations.count;
  }

  /** Whether a subscriber was revoked since `revocations` had the given value, or may have been. */
  isRevoked(subscriber: string | undefined, since: number): boolean {
    return subscriber !== undefined && this.#revocations.affects(subscriber, since);
  }

  counts(): FeedCounts {
    const { count: waiters, topicCount: topics } = this.#waiters;
    return { waiters, topics, subscribers: this.#subscribers.size, addresses: this.#slots.addresses };
  }

  /** Over how long the clients of this node are to be spread when they come back. While it drains: all that it had. */
  spreadMs(): number {
    return this.#drain?.spreadMs ?? spreadMs(this.#waiters.count);
  }

  /** Refuses newcomers from now on, and gives every waiter its last page; resolves when none is left. */
  drain(): Promise<void> {
    if (!this.#drain) {
      let done = (): void => undefined;
      const promise = new Promise<void>((resolve) => (done = resolve));
      this.#drain = { promise, done, spreadMs: this.spreadMs() };
      this.#waiters.notifyAll(this.window.head + 1);
      if (this.#waiters.count === 0) done();
    }
    return this.#drain.promise;
  }

  /** Drains, and stops following the log. The store stays open; it belongs to who made it. */
  async close(): Promise<void> {
    await this.drain();
    await this.#tail?.close();
  }

  #refusal({ subscriber, address }: FeedRequest): NotificationsError | undefined {
    const { waitersMax, waitersPerSubscriberMax, waitersPerAddressMax } = this.#limits;
    if (this.#drain) {
      return new NotificationsError('draining', 'This node is shutting down; retry.', { spreadMs: this.spreadMs() });
    }
    if (subscriber !== undefined && this.#slots.ofSubscriber(subscriber) >= waitersPerSubscriberMax) {
      const message = `${waitersPerSubscriberMax} polls and streams are open for this subscriber (waitersPerSubscriberMax).`;
      return new NotificationsError('subscriber_waiters_too_many', message);
    }
    if (address !== undefined && this.#slots.ofAddress(address) >= waitersPerAddressMax) {
      const message = `${waitersPerAddressMax} polls and streams are open from this address (waitersPerAddressMax).`;
      return new NotificationsError('address_waiters_too_many', message);
    }
    if (this.#slots.count < waitersMax) return undefined;
    const message = `This node already holds ${waitersMax} polls and streams (waitersMax).`;
    return new NotificationsError('waiters_too_many', message, { spreadMs: this.spreadMs() });
  }

  #hostOfWaiters(): WaiterHost {
    return {
      clock: this.#clock,
      reader: this.#reader,
      draining: () => this.#drain !== undefined,
      isRevoked: ({ subscriber, revocations }) => revocations !== undefined && this.isRevoked(subscriber, revocations),
      spreadMs: () => this.spreadMs(),
      arm: (waiter) => {
        this.#slots.take(waiter);
        this.#waiters.add(waiter);
        this.#subscribers.add(waiter);
      },
      isBusy: () => this.#waiters.isBusy,
      queue: (waiter, firstNews) => {
        this.#waiters.queue(waiter, firstNews);
      },
      hasNews: (waiter) => this.#waiters.hasNews(waiter),
      disarm: (waiter) => {
        this.#waiters.remove(waiter);
        this.#subscribers.remove(waiter);
        if (this.#waiters.count === 0) this.#drain?.done();
      },
      releaseSlot: (waiter) => {
        this.#slots.release(waiter);
      },
    };
  }

  #onAppended(batch: TailBatch): void {
    const { epoch, head } = this.window;
    if (this.#reader.extend(batch)) {
      for (const { topic, position } of batch.entries) this.#waiters.notify(topic, position);
    } else {
      const shared = sharedPosition(batch.epoch, { epochId: epoch.id, position: head });
      this.#waiters.notifyAll(shared ? shared.position + 1 : 0);
      this.#revocations.addUnknown();
      for (const waiter of this.#subscribers.all()) waiter.revocationMissed();
    }
    // Before anybody is woken, so that what follows a revocation in the log is not told to whom it concerns.
    for (const entry of batch.entries) {
      const revocation = revocationOf(entry);
      if (revocation) this.#apply(revocation);
    }
  }

  #apply({ subscriber, topics }: Revocation): void {
    this.#revocations.add(subscriber);
    for (const waiter of this.#subscribers.of(subscriber)) waiter.revoke(topics);
  }
}

function consumerOf(subscriber: Subscriber<LogPage>, drained: Drained): PageConsumer {
  return {
    next: (page) => {
      subscriber.next(page);
    },
    error: (error) => {
      subscriber.error(error);
    },
    complete: () => {
      subscriber.complete();
    },
    drained,
  };
}
