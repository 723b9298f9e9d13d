import type { Unsubscribable } from 'rxjs';
import type { Clock } from './clock.js';
import type { ClientRead, FeedHistoryRequest, FeedRequest } from './feed-request.js';
import { DeclaredPatterns } from './declared-patterns.js';
import { type ErasedTopic, erasedTopicsOf, eraseTopics } from './erasure.js';
import type { NotificationsError } from './errors.js';
import { healthOf, type NotificationsHealth } from './health.js';
import { type HistoryPageQuery, type HistorySource, isUnknown } from './history-page.js';
import { HistoryReads } from './history-reads.js';
import { HistoryWaiter } from './history-waiter.js';
import type { FeedCounts, FeedLoad } from './load.js';
import type { LogEntry } from './notification.js';
import { FeedCounter, type NotificationsTotals } from './observer.js';
import { Observers } from './observers.js';
import { type LogPage, type LogPosition, sharedPosition } from './page.js';
import type { PageConsumer } from './page-consumer.js';
import { Pages } from './pages.js';
import { readsAny } from './patterns.js';
import { Arrivals, type Timeout } from './race.js';
import type { ReadWindow } from './page-query.js';
import { Reader } from './reader.js';
import type { ReaderLimits } from './reader-options.js';
import { isRecord } from './records.js';
import { RecentRevocations } from './recent-revocations.js';
import type { RecordedRetraction } from './retraction.js';
import { type Revocation, revocationDraft, revocationOf, revocationsTopic } from './revocation.js';
import type { Store, Tail, TailBatch } from './store.js';
import { TailLag } from './tail-lag.js';
import { Waiter } from './waiter.js';
import { BEHIND, type Turns, type WaiterContext } from './waiter-context.js';
import { type FeedWaiter, type TopicWaiters, type WaiterLimits, Waiters } from './waiters.js';

/** The limits of a feed. Their defaults and reasons are documented with the module's options. */
export interface FeedLimits extends ReaderLimits, WaiterLimits {}

export interface FeedOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly limits: FeedLimits;
  /** The feed declares these patterns to the store. Requests may then name them like topics. */
  readonly patterns?: readonly string[] | undefined;
  /**
   * They receive the feed's events. The feed adds observers for its own totals and for `lagMs`.
   * `lagMs` needs a store that reports its calls to the same observers: see `observedStore`.
   */
  readonly observers?: Observers | undefined;
}

/**
 * The feed of a node. It follows the store's log and answers polls and streams. It keeps the newest
 * part of the log in memory: its *window*. A *waiter* is one held poll or one open stream.
 *
 * A poll is one turn. First the feed *arms* the waiter: from then on, each new notification wakes
 * it. Then the waiter *reads*. If it finds nothing new, it *waits* until a notification arrives or
 * the timeout ends. A stream takes many turns. `waiter.ts` implements both.
 */
export class Feed implements HistorySource {
  readonly #clock: Clock;
  readonly #reader: Reader;
  readonly #store: Store;
  readonly #waiters: Waiters<FeedWaiter>;
  readonly #revocations = new RecentRevocations();
  readonly #counter = new FeedCounter();
  readonly #context: WaiterContext;
  readonly #patterns: DeclaredPatterns;
  readonly #lag: TailLag;
  #tail: Tail | undefined;

  private constructor(options: FeedOptions, reader: Reader, patterns: DeclaredPatterns) {
    const { store, clock, limits, observers = new Observers(fail) } = options;
    this.#store = store;
    this.#clock = clock;
    this.#reader = reader;
    this.#patterns = patterns;
    this.#waiters = new Waiters(clock, limits);
    this.#lag = new TailLag(clock, () => this.window);
    observers.add(this.#counter);
    observers.add({ stored: ({ end }) => end && this.reached(end) });
    const [waiters, revocations] = [this.#waiters, this.#revocations];
    this.#context = { clock, reader, waiters, revocations, observer: observers };
  }

  /**
   * Reads the head of the store's log and follows the log from there. Rejects if the store rejects.
   */
  static async open(options: FeedOptions): Promise<Feed> {
    const { store, clock, patterns: names = [] } = options;
    const patterns = new DeclaredPatterns({ store, clock, patterns: names });
    await patterns.declare();
    const reader = await Reader.open(options);
    patterns.follow(reader.window.epoch);
    const feed = new Feed(options, reader, patterns);
    feed.#tail = await store.tail(feed.window.head, (batch) => {
      feed.#onAppended(batch);
    });
    return feed;
  }

  /** The newest position of this node's window, and the epoch that it belongs to. */
  get window(): ReadWindow {
    return this.#reader.window;
  }

  /**
   * The page with the next new notifications after the request's position, or with a gap. A poll
   * waits for this page until `timeout`: see `race`.
   */
  arrivals(request: FeedRequest): Arrivals {
    return new Arrivals((consumer, { waitMs }) => this.#start(request, { count: 'one', waitMs }, consumer));
  }

  /** The time for which a request waits, on the feed's clock. */
  timeout({ waitMs }: FeedRequest): Timeout {
    return { waitMs };
  }

  /**
   * Emits pages until the subscription ends: new notifications, gaps, and an empty page whenever
   * `waitMs` passes without new notifications. Each turn works like a poll. The next turn starts
   * when the consumer has drained the last page, so nothing is queued for a slow reader.
   */
  follow(request: FeedRequest): Pages {
    const { waitMs } = request;
    return new Pages((consumer) => this.#start(request, { count: 'many', waitMs }, consumer));
  }

  /** Emits one page without waiting: the newest notifications up to a position, newest first. */
  history(request: FeedHistoryRequest): Pages {
    return new Pages((consumer) => {
      const waiter = new HistoryWaiter(this.#context, request, consumer);
      waiter.start();
      return waiter;
    });
  }

  /**
   * Begins several reads of the history for one answer to a client. They share one slot.
   * @throws NotificationsError if the request is rejected
   */
  historyReads(request: ClientRead): HistoryReads {
    return new HistoryReads(this.#context, request);
  }

  /**
   * Reads a page of the history for this node itself. It takes no slot, and observers do not
   * receive the page.
   * @throws NotificationsError `draining` if this node cannot say whether the cursor is valid
   */
  async read(query: HistoryPageQuery): Promise<LogPage> {
    const page = await this.#reader.history(query, () => true);
    if (isUnknown(query.before, page.epoch)) throw this.behindError();
    return this.#reader.fresh(page);
  }

  #start(request: FeedRequest, turns: Turns, consumer: PageConsumer): Unsubscribable {
    const waiter = new Waiter(this.#context, request, turns, consumer);
    waiter.start();
    return waiter;
  }

  /**
   * Revokes topics, or all topics, of a subscriber on every node. It ends the subscriber's waiters
   * for these topics. The revocation is a record of the log. After this resolves, the subscriber's
   * earlier waiters receive no later notification of these topics.
   */
  async revoke(revocation: Revocation): Promise<void> {
    // Apply it on this node even if the store cannot be reached.
    this.#apply(revocation);
    await this.#store.append([await revocationDraft(revocation, new Date(this.#clock.now()))]);
    this.#performed('revoke');
  }

  /**
   * Retracts a notification on every node. When it resolves, this node no longer delivers the
   * notification, and the log holds the retraction.
   * @throws NotificationsError `retractions_too_many` or `store_unavailable`
   */
  async retract(retraction: RecordedRetraction): Promise<void> {
    await this.#reader.retract(retraction, new Date(this.#clock.now()));
    this.#performed('retract');
  }

  /** Whether an entry of a page has not expired, and was not retracted or erased since the read. */
  isLive(entry: LogEntry, page: LogPage): Promise<boolean> {
    return this.#reader.isLive(entry, page);
  }

  /** The newest entry in the window with an id. */
  find(id: string): LogEntry | undefined {
    return this.#reader.find(id);
  }

  /** Whether the log holds a retraction of an entry. */
  isRetracted(entry: LogEntry): Promise<boolean> {
    return this.#reader.isRetracted(entry);
  }

  /** The number of a subscriber's waiters that read a topic now. */
  waitersOf(subscriber: string, topic: string): number {
    return this.#waiters.ofSubscribers(subscriber).filter(({ request }) => readsAny(request.topics, [topic])).length;
  }

  /** The number of waiters of these topics and patterns, or of all that have waiters. */
  waitersByTopic(topics?: Iterable<string>): Iterable<TopicWaiters> {
    return this.#waiters.byTopic(topics);
  }

  /**
   * Erases the notifications of topics, in the store and on every node. This node forgets the
   * notifications as soon as the log has the record. If a consumer has received a page already, the
   * page is still delivered.
   */
  async erase(topics: readonly string[]): Promise<readonly ErasedTopic[]> {
    const erased = await eraseTopics(topics, {
      store: this.#store,
      time: new Date(this.#clock.now()),
      onRecorded: (erasure) => this.#reader.forget(erasure),
    });
    this.#performed('erase');
    return erased;
  }

  /**
   * Whether the log holds a revocation of a subscriber after a position. Retention may have removed
   * a revocation. So the caller also checks its access rules when the result is false.
   */
  async hasRevocationAfter(subscriber: string, position: number): Promise<boolean> {
    const topics = [await revocationsTopic(subscriber)];
    const { entries } = await this.#store.read({ topics, after: position, limit: 1, bytesMax: 1 });
    return entries.length > 0;
  }

  /** Whether this node should receive clients. The time limit of the store driver applies. */
  async health(): Promise<NotificationsHealth> {
    return this.#waiters.isDraining ? 'draining' : healthOf(this.#store);
  }

  /** The log of the store reaches this position. For calls that the observers do not receive. */
  reached(end: LogPosition): void {
    this.#lag.shown(end);
  }

  /**
   * The time since a call of the store first showed an entry that this node still has not received.
   * 0 if there is none. If the tail is stuck, the value grows with time.
   */
  get lagMs(): number {
    return this.#lag.ms;
  }

  /**
   * The number of revocations on this node so far. Read it before the access check, and pass it
   * with the request.
   */
  get revocations(): number {
    return this.#revocations.count;
  }

  /** Whether the subscriber lost access since its access check, or may have lost it. */
  isRevoked(request: Pick<ClientRead, 'subscriber' | 'revocations'>): boolean {
    return this.#revocations.affects(request);
  }

  counts(): FeedCounts {
    const { count, topicCount, subscriberCount, addressCount } = this.#waiters;
    return { waiters: count, topics: topicCount, subscribers: subscriberCount, addresses: addressCount };
  }

  /** The load of this node, for metrics. Reading it costs the same for any number of waiters. */
  load(): FeedLoad {
    const { byKind, queuedCount, wakeMs } = this.#waiters;
    const { windowSize, reads } = this.#reader;
    return { waiters: byKind, queued: queuedCount, wakeMs, window: windowSize, reads };
  }

  /** Totals of this node since the feed was opened. */
  totals(): NotificationsTotals {
    return this.#counter.totals;
  }

  /** The error of a request that this node cannot answer before it has received more of the log. */
  behindError(): NotificationsError {
    return this.#waiters.retryError(BEHIND);
  }

  /** The time over which the clients of this node spread their reconnects. */
  spreadMs(): number {
    return this.#waiters.spreadMs();
  }

  /**
   * Rejects new requests from now on and gives every waiter its last page. Resolves when all
   * waiters have ended.
   */
  drain(): Promise<void> {
    return this.#waiters.drain(this.window.head);
  }

  /** Drains and stops following the log. The store stays open, because its owner closes it. */
  async close(): Promise<void> {
    await this.drain();
    this.#patterns.close();
    await this.#tail?.close();
  }

  /** The tail's callback: every entry of the log arrives here once, in order, on every node. */
  #onAppended(batch: TailBatch): void {
    const { epoch, head } = this.window;
    if (this.#reader.extend(batch)) {
      for (const entry of batch.entries) this.#notify(entry);
    } else {
      const shared = sharedPosition(batch.epoch, { epochId: epoch.id, position: head });
      this.#waiters.notifyAll(shared ? shared.position + 1 : 0);
      this.#revocations.addUnknown();
      for (const waiter of this.#waiters.ofSubscribers()) waiter.revocationMissed();
    }
    this.#patterns.follow(batch.epoch);
    this.#context.observer.published(batch.entries);
    // Apply revocations before waiters wake, so that a subscriber receives nothing that follows its
    // revocation.
    for (const entry of batch.entries.filter(isRecord)) {
      const revocation = revocationOf(entry);
      if (revocation) this.#apply(revocation);
      this.#reader.forget({ topics: erasedTopicsOf(entry), epochId: batch.epoch.id, upTo: entry.position });
    }
  }

  #performed(operation: 'revoke' | 'retract' | 'erase'): void {
    this.#context.observer.performed({ capability: 'feed', operation });
  }

  #notify({ topic, position }: LogEntry): void {
    this.#waiters.notify(topic, position);
    for (const pattern of this.#patterns.matching(topic)) this.#waiters.notify(pattern, position);
  }

  #apply({ subscriber, topics }: Revocation): void {
    this.#revocations.add(subscriber);
    for (const waiter of this.#waiters.ofSubscribers(subscriber)) waiter.revoke(topics);
  }
}

/** The observers of a feed without given ones are parts of the feed, so their errors are bugs. */
function fail(error: unknown): never {
  throw error;
}
