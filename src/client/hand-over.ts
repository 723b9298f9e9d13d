import type { Delivery } from './delivery.js';

/** Notifications that an iterator may have before it, before the feed waits for it. */
const AHEAD_MAX = 1_000;

/** What has been handed over of one delivery. */
interface Batch {
  readonly cursor: string;
  /** Hand-overs, or acknowledgements, that are still to come. */
  left: number;
}

/** Somebody that notifications are handed to as they come. */
export interface Observer<N> {
  next?(notification: N): void;
  error?(error: unknown): void;
  complete?(): void;
}

interface Queued<N> {
  readonly notification: N;
  readonly batch: Batch;
}

/**
 * Hands notifications to everybody who wants them, in order, and knows up to where that is done: a cursor is `done` when all before it has been
 * handed over or, with acknowledgements, acknowledged.
 */
export class HandOver<N extends object> {
  readonly #observers = new Set<Observer<N>>();
  readonly #iterators = new Set<FeedIterator<N>>();
  readonly #batches: Batch[] = [];
  /** What the last one who left had not taken yet: the next one's. */
  readonly #left: Queued<N>[] = [];
  readonly #unacknowledged = new Map<N, Batch>();
  readonly #isAcknowledged: boolean;
  readonly #onDone: (cursor: string) => void;
  #changed: (() => void)[] = [];
  #end: { readonly error: unknown } | 'complete' | undefined;

  constructor(isAcknowledged: boolean, onDone: (cursor: string) => void) {
    this.#isAcknowledged = isAcknowledged;
    this.#onDone = onDone;
  }

  /** Whether there is anybody. */
  get isWanted(): boolean {
    return this.#observers.size + this.#iterators.size > 0;
  }

  /** Resolves when somebody comes, leaves or takes. */
  whenChanged(): Promise<void> {
    return new Promise((resolve) => this.#changed.push(resolve));
  }

  observe(observer: Observer<N>): () => void {
    if (this.#end) this.#tell(observer, this.#end);
    else this.#observers.add(observer);
    for (const { notification, batch } of this.#left.splice(0)) {
      guarded(() => observer.next?.(notification));
      this.#take(batch);
    }
    this.#change();
    return () => {
      this.#observers.delete(observer);
      this.#change();
    };
  }

  iterate(): AsyncIterableIterator<N> {
    const iterator = new FeedIterator<N>({
      taken: ({ batch }) => {
        this.#take(batch);
        this.#change();
      },
      leaves: (rest) => {
        this.#iterators.delete(iterator);
        if (this.isWanted || this.#end) for (const { batch } of rest) this.#take(batch);
        else this.#left.push(...rest);
        this.#change();
      },
    });
    for (const queued of this.#left.splice(0)) iterator.push(queued);
    if (this.#end) iterator.end(this.#end);
    else this.#iterators.add(iterator);
    this.#change();
    return iterator;
  }

  /** Resolves when nobody has too much before it. */
  async deliver({ notifications, cursor }: Delivery): Promise<void> {
    const batch: Batch = { cursor, left: 1 };
    this.#batches.push(batch);
    for (const notification of notifications as readonly N[]) {
      if (this.#isAcknowledged) {
        batch.left++;
        this.#unacknowledged.set(notification, batch);
      }
      for (const iterator of this.#iterators) {
        batch.left++;
        iterator.push({ notification, batch });
      }
      for (const observer of this.#observers) guarded(() => observer.next?.(notification));
    }
    this.#take(batch);
    while ([...this.#iterators].some(({ ahead }) => ahead >= AHEAD_MAX)) await this.whenChanged();
  }

  acknowledge(notification: N): void {
    const batch = this.#unacknowledged.get(notification);
    if (!batch) return;
    this.#unacknowledged.delete(notification);
    this.#take(batch);
  }

  end(end: { readonly error: unknown } | 'complete'): void {
    if (this.#end) return;
    this.#end = end;
    for (const iterator of this.#iterators) iterator.end(end);
    for (const observer of this.#observers) this.#tell(observer, end);
    this.#iterators.clear();
    this.#observers.clear();
    this.#change();
  }

  #take(batch: Batch): void {
    batch.left--;
    let done: string | undefined;
    for (; this.#batches[0]?.left === 0; this.#batches.shift()) done = this.#batches[0].cursor;
    if (done !== undefined) this.#onDone(done);
  }

  #tell(observer: Observer<N>, end: { readonly error: unknown } | 'complete'): void {
    if (end === 'complete') guarded(() => observer.complete?.());
    else if (observer.error) guarded(() => observer.error?.(end.error));
    else
      guarded(() => {
        throw end.error;
      });
  }

  #change(): void {
    for (const changed of this.#changed.splice(0)) changed();
  }
}

/** Fails as an event listener does: for everybody to see, and without stopping the feed. */
function guarded(task: () => void): void {
  try {
    task();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

interface IteratorEvents<N> {
  taken(queued: Queued<N>): void;
  /** With what it has not taken. */
  leaves(rest: readonly Queued<N>[]): void;
}

/** One `for await` over a feed. */
class FeedIterator<N> implements AsyncIterableIterator<N> {
  readonly #queue: Queued<N>[] = [];
  readonly #on: IteratorEvents<N>;
  readonly #waiting: (() => void)[] = [];
  #end: { readonly error: unknown } | 'complete' | undefined;

  constructor(on: IteratorEvents<N>) {
    this.#on = on;
  }

  get ahead(): number {
    return this.#queue.length;
  }

  push(queued: Queued<N>): void {
    this.#queue.push(queued);
    this.#wake();
  }

  end(end: { readonly error: unknown } | 'complete'): void {
    this.#end = end;
    this.#wake();
  }

  async next(): Promise<IteratorResult<N>> {
    for (;;) {
      const queued = this.#queue.shift();
      if (queued) {
        this.#on.taken(queued);
        return { done: false, value: queued.notification };
      }
      const end = this.#end;
      if (end) {
        this.#end = 'complete';
        if (end === 'complete') return { done: true, value: undefined };
        throw end.error;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async return(): Promise<IteratorResult<N>> {
    const rest = this.#queue.splice(0);
    this.end('complete');
    this.#on.leaves(rest);
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
