import type { Clock } from './clock.js';
import { NotificationsError } from './errors.js';
import type { ClientRead } from './feed-request.js';
import { Fifo } from './fifo.js';
import type { ReadKind } from './observer.js';
import { spreadMs } from './backoff.js';

/** The part of a waiter that the indexes use. */
export interface Wakeable {
  readonly request: ClientRead;
  readonly kind: ReadKind;
  /**
   * For each topic of the request, in the same order: the waiter's index in the list of that topic.
   * Only `Waiters` writes it.
   */
  indexes: readonly number[];
  /**
   * The first new position for a queued waiter, otherwise `NOT_QUEUED`. Only `Waiters` writes it.
   */
  firstNew: number;
  /** Called when the queue reaches the waiter. Nothing new for it exists before this position. */
  wake(firstNew: number): void;
}

/** The message of a rejection while this node shuts down. */
export const DRAINING = 'This node is shutting down; retry.';

/** A waiter that a revocation can end. */
export interface FeedWaiter extends Wakeable {
  /** Ends the waiter if its subscriber loses one of its topics. Without `topics` it always ends. */
  revoke(topics?: readonly string[]): void;
  /** This node may have missed a revocation of the subscriber. */
  revocationMissed(): void;
}

/** Higher than every position. */
export const NOT_QUEUED = Infinity;

/**
 * The time for waking waiters before the event loop serves other work. Delivering a page is cheap.
 * The client's next poll costs several times as much. During this other work, new notifications are
 * merged into the pages of the waiters that are still queued. Measured with bursts of 50
 * notifications to 1,000 clients: a budget of 1 ms costs two thirds of the CPU time of a budget of
 * 2 ms.
 */
export const WAKE_BUDGET_MS = 1;
/**
 * Waiters that wake between two checks of the clock. A page costs 20 to 100 µs. So a chunk exceeds
 * the budget by at most 1.6 ms.
 */
export const WAKE_CHUNK = 16;

/** A topic, and the number of its waiters. */
export type TopicWaiters = readonly [topic: string, waiters: number];

/** The limits on held polls and open streams. */
export interface WaiterLimits {
  /** On this node. */
  readonly waitersMax: number;
  /** For one subscriber. */
  readonly waitersPerSubscriberMax: number;
  /** From one address. */
  readonly waitersPerAddressMax: number;
}

/**
 * The waiters of a node: an index by topic, an index by subscriber, the slots that count towards
 * the limits, and the queue of waiters to wake.
 *
 * The index by topic consists of arrays, and each waiter stores its indexes in them. A `Set` with
 * many additions and removals allocates new tables. The old ones stay until a major garbage
 * collection. With sets, these tables cost a third of the CPU per delivery.
 */
export class Waiters<W extends Wakeable> {
  readonly #clock: Clock;
  readonly #limits: WaiterLimits;
  readonly #byTopic = new Map<string, W[]>();
  readonly #bySubscriber = new Map<string, Set<W>>();
  /**
   * Slots by subscriber and by address. A waiter holds its slot until its last answer has been
   * flushed, because an unread answer takes memory like a waiter.
   */
  readonly #subscriberSlots = new Map<string, number>();
  readonly #addressSlots = new Map<string, number>();
  #slots = 0;
  /** For topics whose waiters are not queued yet: the position of the first new notification. */
  readonly #newByTopic = new Map<string, number>();
  readonly #queue = new Fifo<W>();
  readonly #byKind: Record<ReadKind, number> = { poll: 0, stream: 0, history: 0 };
  #wakeMs = 0;
  #isScheduled = false;
  #drain: { promise: Promise<void>; done: () => void; spreadMs: number } | undefined;

  constructor(clock: Clock, limits: WaiterLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get count(): number {
    const { poll, stream, history } = this.#byKind;
    return poll + stream + history;
  }

  /** The waiters of each kind. */
  get byKind(): Readonly<Record<ReadKind, number>> {
    return { ...this.#byKind };
  }

  /** The waiters that are queued for a delivery. Some of them may have left. */
  get queuedCount(): number {
    return this.#queue.length;
  }

  /** The time that this node has spent on deliveries so far, in milliseconds. */
  get wakeMs(): number {
    return this.#wakeMs;
  }

  get topicCount(): number {
    return this.#byTopic.size;
  }

  get subscriberCount(): number {
    return this.#bySubscriber.size;
  }

  get addressCount(): number {
    return this.#addressSlots.size;
  }

  get isDraining(): boolean {
    return this.#drain !== undefined;
  }

  /**
   * The time over which the clients of this node spread their reconnects. A draining node counts
   * all its former clients.
   */
  spreadMs(): number {
    return this.#drain?.spreadMs ?? spreadMs(this.count);
  }

  /** The error for a request that another node can serve, but not this one. */
  retryError(message: string): NotificationsError {
    return new NotificationsError('draining', message, { spreadMs: this.spreadMs() });
  }

  /** The reason why a request cannot be served now, if there is one. */
  rejection({ subscriber, address }: ClientRead): NotificationsError | undefined {
    const { waitersMax, waitersPerSubscriberMax, waitersPerAddressMax } = this.#limits;
    if (this.#drain) return this.retryError(DRAINING);
    if (subscriber !== undefined && (this.#subscriberSlots.get(subscriber) ?? 0) >= waitersPerSubscriberMax) {
      const message = `${waitersPerSubscriberMax} polls and streams are open for this subscriber (waitersPerSubscriberMax).`;
      return new NotificationsError('subscriber_waiters_too_many', message);
    }
    if (address !== undefined && (this.#addressSlots.get(address) ?? 0) >= waitersPerAddressMax) {
      const message = `${waitersPerAddressMax} polls and streams are open from this address (waitersPerAddressMax).`;
      return new NotificationsError('address_waiters_too_many', message);
    }
    if (this.#slots < waitersMax) return undefined;
    const message = `This node already holds ${waitersMax} polls and streams (waitersMax).`;
    return new NotificationsError('waiters_too_many', message, { spreadMs: this.spreadMs() });
  }

  /**
   * Arms a waiter: from now on, a new notification on one of its topics wakes it. It must not be
   * armed already.
   */
  arm(waiter: W): void {
    const { topics, subscriber, address } = waiter.request;
    this.#slots++;
    if (subscriber !== undefined) increment(this.#subscriberSlots, subscriber);
    if (address !== undefined) increment(this.#addressSlots, address);
    this.#byKind[waiter.kind]++;
    waiter.indexes = topics.map((topic) => {
      const waiters = this.#byTopic.get(topic);
      if (waiters) return waiters.push(waiter) - 1;
      this.#byTopic.set(topic, [waiter]);
      return 0;
    });
    if (subscriber === undefined) return;
    const waiters = this.#bySubscriber.get(subscriber);
    if (waiters) waiters.add(waiter);
    else this.#bySubscriber.set(subscriber, new Set([waiter]));
  }

  /** Removes an armed waiter from both indexes. The waiter keeps its slot. */
  disarm(waiter: W): void {
    const { indexes } = waiter;
    const { topics, subscriber } = waiter.request;
    this.#byKind[waiter.kind]--;
    waiter.firstNew = NOT_QUEUED;
    for (let at = 0; at < indexes.length; at++) this.#removeFrom(topics[at] ?? '', indexes[at] ?? 0);
    waiter.indexes = [];
    if (subscriber !== undefined) {
      const waiters = this.#bySubscriber.get(subscriber);
      waiters?.delete(waiter);
      if (waiters?.size === 0) this.#bySubscriber.delete(subscriber);
    }
    if (this.count === 0) this.#drain?.done();
  }

  /** The waiter no longer counts towards the limits. */
  releaseSlot({ request: { subscriber, address } }: W): void {
    this.#slots--;
    if (subscriber !== undefined) decrement(this.#subscriberSlots, subscriber);
    if (address !== undefined) decrement(this.#addressSlots, address);
  }

  /**
   * The waiters of a subscriber, or of all subscribers. Returns a copy, because a waiter may leave
   * while the caller iterates.
   */
  ofSubscribers(subscriber?: string): readonly W[] {
    if (subscriber !== undefined) return [...(this.#bySubscriber.get(subscriber) ?? [])];
    return [...this.#bySubscriber.values()].flatMap((waiters) => [...waiters]);
  }

  /** The number of waiters of these topics, or of all topics with waiters. */
  *byTopic(topics: Iterable<string> = this.#byTopic.keys()): Iterable<TopicWaiters> {
    for (const topic of topics) yield [topic, this.#byTopic.get(topic)?.length ?? 0];
  }

  /**
   * Reports a new notification of a topic at a position. The cost does not depend on the number of
   * waiters, because their lookup happens on the next turn of the event loop. So notifications that
   * arrive together are delivered in one page.
   */
  notify(topic: string, position: number): void {
    if (!this.#byTopic.has(topic)) return;
    this.#newByTopic.set(topic, Math.min(position, this.#newByTopic.get(topic) ?? position));
    this.#schedule();
  }

  /** Reports new notifications that may be of any topic, at or after a position. */
  notifyAll(position: number): void {
    for (const topic of this.#byTopic.keys()) this.notify(topic, position);
  }

  /** True while waiters are queued. */
  get isBusy(): boolean {
    return this.#queue.length > 0;
  }

  /**
   * Queues a waiter behind all others. Its new notifications begin at this position.
   */
  queue(waiter: W, position: number): void {
    this.#enqueue(waiter, position);
    this.#schedule();
  }

  /** Whether the waiter is queued, or will be on the next turn of the event loop. */
  isQueued(waiter: W): boolean {
    return waiter.firstNew !== NOT_QUEUED || waiter.request.topics.some((topic) => this.#newByTopic.has(topic));
  }

  /**
   * Rejects new requests from now on and wakes all waiters. Resolves when all waiters have left.
   */
  drain(head: number): Promise<void> {
    if (!this.#drain) {
      let done = (): void => undefined;
      const promise = new Promise<void>((resolve) => (done = resolve));
      this.#drain = { promise, done, spreadMs: this.spreadMs() };
      this.notifyAll(head + 1);
      if (this.count === 0) done();
    }
    return this.#drain.promise;
  }

  /**
   * Removes a waiter from the list of a topic. The last waiter of the list takes the index that
   * becomes free.
   */
  #removeFrom(topic: string, index: number): void {
    const waiters = this.#byTopic.get(topic) ?? [];
    const last = waiters.pop();
    if (last && index < waiters.length) {
      waiters[index] = last;
      last.indexes = last.indexes.map((was, at) => (last.request.topics[at] === topic ? index : was));
    }
    if (waiters.length > 0) return;
    this.#byTopic.delete(topic);
    // A waiter that is armed later must not be woken for earlier notifications.
    this.#newByTopic.delete(topic);
  }

  #enqueue(waiter: W, position: number): void {
    if (waiter.firstNew === NOT_QUEUED) this.#queue.push(waiter);
    waiter.firstNew = Math.min(position, waiter.firstNew);
  }

  #enqueueNew(): void {
    for (const [topic, position] of this.#newByTopic) {
      for (const waiter of this.#byTopic.get(topic) ?? []) this.#enqueue(waiter, position);
    }
    this.#newByTopic.clear();
  }

  readonly #wakeSome = (): void => {
    const startedAtMs = this.#clock.monotonic();
    this.#isScheduled = false;
    this.#enqueueNew();
    const endsAtMs = this.#clock.monotonic() + WAKE_BUDGET_MS;
    let woken = 0;
    try {
      while (this.#queue.length > 0) {
        if (woken > 0 && woken % WAKE_CHUNK === 0 && this.#clock.monotonic() >= endsAtMs) break;
        const waiter = this.#queue.shift();
        // A waiter that has left is still in the queue, but it is not marked as queued.
        if (!waiter || waiter.firstNew === NOT_QUEUED) continue;
        woken++;
        const { firstNew } = waiter;
        waiter.firstNew = NOT_QUEUED;
        waiter.wake(firstNew);
      }
    } finally {
      this.#wakeMs += this.#clock.monotonic() - startedAtMs;
      this.#schedule();
    }
  };

  #schedule(): void {
    if (this.#isScheduled || this.#newByTopic.size + this.#queue.length === 0) return;
    this.#isScheduled = true;
    this.#clock.setImmediate(this.#wakeSome);
  }
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Removes the key when its count is zero, so the map keeps nothing for former clients. */
function decrement(counts: Map<string, number>, key: string): void {
  const count = (counts.get(key) ?? 1) - 1;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
