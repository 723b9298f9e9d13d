import type { Clock } from './clock.js';

/** Somebody to be told that a topic has news. */
export interface Wakeable {
  readonly topics: readonly string[];
  /** There is news, and none of it stands before this position. */
  wake(firstNews: number): void;
}

/** How long waiters are woken in one go, before the event loop serves others. */
export const WAKE_BUDGET_MS = 25;
/** Waiters woken between two looks at the clock: at some 20 to 100 µs for an answer, that is 6 ms at most. */
export const WAKE_CHUNK = 64;

/** Who waits for what: an index by topic, and the queue of those who are about to be woken. */
export class Waiters<W extends Wakeable> {
  readonly #clock: Clock;
  readonly #byTopic = new Map<string, Set<W>>();
  /** Topics with news whose waiters have not been looked up, each with the position of its first. */
  readonly #news = new Map<string, number>();
  readonly #queue = new Map<W, number>();
  #count = 0;
  #scheduled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#count;
  }

  get topicCount(): number {
    return this.#byTopic.size;
  }

  /** The waiter must not be in it. */
  add(waiter: W): void {
    this.#count++;
    for (const topic of waiter.topics) {
      const waiters = this.#byTopic.get(topic);
      if (waiters) waiters.add(waiter);
      else this.#byTopic.set(topic, new Set([waiter]));
    }
  }

  /** The waiter must be in it. */
  remove(waiter: W): void {
    this.#count--;
    this.#queue.delete(waiter);
    this.drop(waiter, waiter.topics);
  }

  /** The waiter, which must be in it, is no longer to be told of some of its topics. */
  drop(waiter: W, topics: readonly string[]): void {
    for (const topic of topics) this.#removeFrom(topic, waiter);
  }

  /**
   * A topic has news at a position. This costs the same for any number of waiters: they are looked up on the event loop's
   * next turn, so that what arrives together goes out in one page.
   */
  notify(topic: string, position: number): void {
    if (!this.#byTopic.has(topic)) return;
    this.#news.set(topic, Math.min(position, this.#news.get(topic) ?? position));
    this.#schedule();
  }

  /** There may be news of any topic, none before this position. */
  notifyAll(position: number): void {
    for (const topic of this.#byTopic.keys()) this.notify(topic, position);
  }

  /** Whether the waiter is about to be woken. */
  hasNews(waiter: W): boolean {
    return this.#queue.has(waiter) || waiter.topics.some((topic) => this.#news.has(topic));
  }

  #removeFrom(topic: string, waiter: W): void {
    const waiters = this.#byTopic.get(topic);
    waiters?.delete(waiter);
    if (waiters?.size !== 0) return;
    this.#byTopic.delete(topic);
    // Nobody is left to be told; who comes for the topic after this must not be told of what was before.
    this.#news.delete(topic);
  }

  readonly #wakeSome = (): void => {
    this.#scheduled = false;
    for (const [topic, position] of this.#news) {
      for (const waiter of this.#byTopic.get(topic) ?? []) {
        this.#queue.set(waiter, Math.min(position, this.#queue.get(waiter) ?? position));
      }
    }
    this.#news.clear();
    const endsAtMs = this.#clock.monotonic() + WAKE_BUDGET_MS;
    let woken = 0;
    try {
      for (const [waiter, firstNews] of this.#queue) {
        if (woken > 0 && woken % WAKE_CHUNK === 0 && this.#clock.monotonic() >= endsAtMs) break;
        woken++;
        this.#queue.delete(waiter);
        waiter.wake(firstNews);
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
