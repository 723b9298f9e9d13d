import type { Retraction } from '../core/retraction.js';
import { callSafely } from './call-safely.js';
import type { Delivery } from './delivery.js';
import { type End, FeedIterator, type QueuedNotification } from './feed-iterator.js';

/** The feed waits while an iterator has more notifications in its queue than this. */
const QUEUED_MAX = 1_000;

/** A delivery that consumers have not finished. */
export interface Batch {
  readonly cursor: string;
  /** The number of notifications that are not yet taken or acknowledged. */
  pending: number;
}

/** Receives the notifications of a feed as they arrive. */
export interface Observer<N> {
  /** Receives each notification. */
  next?(notification: N): void;
  /** Called at the end of a feed that failed. */
  error?(error: unknown): void;
  /** Called at the end of a feed that was closed. */
  complete?(): void;
}

/**
 * The observers and iterators of a feed. Each receives every notification, in order.
 *
 * A cursor is complete when all notifications before it have been taken or, with acknowledgements,
 * acknowledged.
 */
export class Consumers<N extends object> {
  readonly #observers = new Set<Observer<N>>();
  readonly #iterators = new Set<FeedIterator<N>>();
  readonly #batches: Batch[] = [];
  /** Notifications that the last consumer did not take. The next consumer receives them. */
  readonly #untaken: QueuedNotification<N>[] = [];
  readonly #unacknowledged = new Map<N, Batch>();
  readonly #onRetracted = new Set<(retraction: Retraction) => void>();
  readonly #needsAck: boolean;
  readonly #onComplete: (cursor: string) => void;
  #onChange: (() => void)[] = [];
  #end: End | undefined;

  constructor(needsAck: boolean, onComplete: (cursor: string) => void) {
    this.#needsAck = needsAck;
    this.#onComplete = onComplete;
  }

  /** Undefined while there is a consumer. Otherwise resolves at the next change. */
  whenNeeded(): Promise<void> | undefined {
    return this.#isEmpty && !this.#end ? this.#whenChanged() : undefined;
  }

  /** Returns the function that removes the observer. */
  addObserver(observer: Observer<N>): () => void {
    if (this.#end) notifyEnd(observer, this.#end);
    else this.#observers.add(observer);
    for (const { notification, batch } of this.#untaken.splice(0)) {
      callSafely(() => observer.next?.(notification));
      this.#complete(batch);
    }
    this.#changed();
    return () => {
      this.#observers.delete(observer);
      this.#changed();
    };
  }

  /** Returns the function that removes the listener. */
  onRetracted(listener: (retraction: Retraction) => void): () => void {
    this.#onRetracted.add(listener);
    return () => this.#onRetracted.delete(listener);
  }

  addIterator(): AsyncIterableIterator<N> {
    const iterator = new FeedIterator<N>({
      taken: ({ batch }) => {
        this.#complete(batch);
        this.#changed();
      },
      returned: (untaken) => {
        this.#iterators.delete(iterator);
        if (this.#isEmpty && !this.#end) this.#untaken.push(...untaken);
        else for (const { batch } of untaken) this.#complete(batch);
        this.#changed();
      },
    });
    for (const queued of this.#untaken.splice(0)) iterator.push(queued);
    if (this.#end) iterator.end(this.#end);
    else this.#iterators.add(iterator);
    this.#changed();
    return iterator;
  }

  /** Resolves when no iterator has too many notifications in its queue. */
  async deliver({ notifications, cursor, retracted = [] }: Delivery): Promise<void> {
    for (const retraction of retracted) this.#retract(retraction);
    // `pending` starts at 1, so the batch cannot complete before the loop ends.
    const batch: Batch = { cursor, pending: 1 };
    this.#batches.push(batch);
    for (const notification of notifications as readonly N[]) {
      if (this.#needsAck) {
        batch.pending++;
        this.#unacknowledged.set(notification, batch);
      }
      for (const iterator of this.#iterators) {
        batch.pending++;
        iterator.push({ notification, batch });
      }
      for (const observer of this.#observers) callSafely(() => observer.next?.(notification));
    }
    this.#complete(batch);
    while ([...this.#iterators].some(({ queued }) => queued >= QUEUED_MAX)) await this.#whenChanged();
  }

  acknowledge(notification: N): void {
    const batch = this.#unacknowledged.get(notification);
    if (!batch) return;
    this.#unacknowledged.delete(notification);
    this.#complete(batch);
  }

  end(end: End): void {
    if (this.#end) return;
    this.#end = end;
    for (const iterator of this.#iterators) iterator.end(end);
    for (const observer of this.#observers) notifyEnd(observer, end);
    this.#iterators.clear();
    this.#observers.clear();
    this.#changed();
  }

  get #isEmpty(): boolean {
    return this.#observers.size + this.#iterators.size === 0;
  }

  /** Resolves when a consumer is added, is removed or takes a notification. */
  #whenChanged(): Promise<void> {
    return new Promise((resolve) => this.#onChange.push(resolve));
  }

  /** A loop that is slow must not receive a notification after its retraction. */
  #retract(retraction: Retraction): void {
    for (const { notification, batch } of [...this.#iterators].flatMap((iterator) => iterator.retract(retraction))) {
      this.acknowledge(notification);
      this.#complete(batch);
    }
    for (const listener of this.#onRetracted) callSafely(() => listener(retraction));
  }

  /** Counts one notification of a batch as done. */
  #complete(batch: Batch): void {
    batch.pending--;
    let cursor: string | undefined;
    for (; this.#batches[0]?.pending === 0; this.#batches.shift()) cursor = this.#batches[0].cursor;
    if (cursor !== undefined) this.#onComplete(cursor);
  }

  #changed(): void {
    for (const resolve of this.#onChange.splice(0)) resolve();
  }
}

function notifyEnd<N>(observer: Observer<N>, end: End): void {
  callSafely(() => {
    if (end === 'complete') observer.complete?.();
    else if (observer.error) observer.error(end.error);
    else throw end.error;
  });
}
