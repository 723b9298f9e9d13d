import type { Clock } from './clock.js';

/** Somebody to be told that a topic has news. */
export interface Wakeable {
  readonly topics: readonly string[];
  wake(): void;
}

/**
 * Waiters woken in one go before the event loop gets its turn: at some 20 to 100 µs for an answer this keeps other
 * requests waiting for 25 ms at most.
 */
export const WAKE_CHUNK = 256;

/** Who waits for what: an index by topic, and the queue of those who are about to be woken. */
export class Waiters<W extends Wakeable> {
  readonly #clock: Clock;
  readonly #all = new Set<W>();
  readonly #byTopic = new Map<string, Set<W>>();
  readonly #news = new Set<string>();
  readonly #queue = new Set<W>();
  #scheduled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#all.size;
  }

  get topicCount(): number {
    return this.#byTopic.size;
  }

  add(waiter: W): void {
    this.#all.add(waiter);
    for (const topic of waiter.topics) {
      const waiters = this.#byTopic.get(topic);
      if (waiters) waiters.add(waiter);
      else this.#byTopic.set(topic, new Set([waiter]));
    }
  }

  remove(waiter: W): void {
    this.#all.delete(waiter);
    this.#queue.delete(waiter);
    for (const topic of waiter.topics) {
      const waiters = this.#byTopic.get(topic);
      waiters?.delete(waiter);
      if (waiters?.size === 0) this.#byTopic.delete(topic);
    }
  }

  /**
   * A topic has news. This costs the same for any number of waiters: they are looked up on the event loop's next turn, so
   * that what arrives together goes out in one page.
   */
  notify(topic: string): void {
    if (!this.#byTopic.has(topic)) return;
    this.#news.add(topic);
    this.#schedule();
  }

  notifyAll(): void {
    for (const topic of this.#byTopic.keys()) this.notify(topic);
  }

  readonly #wakeSome = (): void => {
    this.#scheduled = false;
    for (const topic of this.#news) {
      for (const waiter of this.#byTopic.get(topic) ?? []) this.#queue.add(waiter);
    }
    this.#news.clear();
    let left = WAKE_CHUNK;
    try {
      for (const waiter of this.#queue) {
        if (left-- === 0) break;
        this.#queue.delete(waiter);
        waiter.wake();
      }
    } finally {
      this.#schedule();
    }
  };

  #schedule(): void {
    if (this.#scheduled || this.#news.size + this.#queue.size === 0) return;
    this.#scheduled = true;
    this.#clock.setImmediate(this.#wakeSome);
  }
}
