import type { Retraction } from '../core/retraction.js';
import type { Batch } from './consumers.js';
import { isOf } from './delivery.js';

/** How a feed ended: with an error, or because it was closed. */
export type End = { readonly error: unknown } | 'complete';

export interface QueuedNotification<N> {
  readonly notification: N;
  readonly batch: Batch;
}

interface IteratorEvents<N> {
  /** The loop has taken a notification. */
  taken(queued: QueuedNotification<N>): void;
  /** The loop has ended before the feed. */
  returned(untaken: readonly QueuedNotification<N>[]): void;
}

/** One `for await` loop over a feed. */
export class FeedIterator<N> implements AsyncIterableIterator<N> {
  readonly #queue: QueuedNotification<N>[] = [];
  readonly #events: IteratorEvents<N>;
  readonly #pendingNext: (() => void)[] = [];
  #end: End | undefined;

  constructor(events: IteratorEvents<N>) {
    this.#events = events;
  }

  /** The number of notifications that the loop has not taken. */
  get queued(): number {
    return this.#queue.length;
  }

  push(queued: QueuedNotification<N>): void {
    this.#queue.push(queued);
    this.#wake();
  }

  /** Removes a retracted notification from the queue, and returns it. */
  retract(retraction: Retraction): readonly QueuedNotification<N>[] {
    const retracted = this.#queue.filter(({ notification }) => isOf(retraction, notification));
    for (const queued of retracted) this.#queue.splice(this.#queue.indexOf(queued), 1);
    return retracted;
  }

  end(end: End): void {
    this.#end = end;
    this.#wake();
  }

  async next(): Promise<IteratorResult<N>> {
    for (;;) {
      const queued = this.#queue.shift();
      if (queued) {
        this.#events.taken(queued);
        return { done: false, value: queued.notification };
      }
      const end = this.#end;
      if (end) {
        this.#end = 'complete';
        if (end === 'complete') return { done: true, value: undefined };
        throw end.error;
      }
      await new Promise<void>((resolve) => this.#pendingNext.push(resolve));
    }
  }

  async return(): Promise<IteratorResult<N>> {
    const untaken = this.#queue.splice(0);
    this.end('complete');
    this.#events.returned(untaken);
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #wake(): void {
    for (const resolve of this.#pendingNext.splice(0)) resolve();
  }
}
