import type { Clock } from './clock.js';
import { Fifo } from './fifo.js';

/** Somebody to be told that a topic has news. */
export interface Wakeable {
  readonly topics: readonly string[];
  /** Where it stands in the lists of its topics, in their order. For `Waiters` alone. */
  places: readonly number[];
  /** The first news that it is about to be woken for; `NO_NEWS` if there is none. For `Waiters` alone. */
  firstNews: number;
  /** There is news, and none of it stands before this position. */
  wake(firstNews: number): void;
}

/** Behind every position. */
export const NO_NEWS = Infinity;

/**
 * How long waiters are woken in one go, before the event loop serves others: those who were answered, and ask again at once, take several
 * times as long. What is published meanwhile is heard sooner, too, and goes out together with what has not been told yet: of 50 published
 * one after the other each costs 1,000 clients two thirds of what it does with 2 ms.
 */
export const WAKE_BUDGET_MS = 1;
/** Waiters woken between two looks at the clock: at some 20 to 100 µs for an answer, that is 1.6 ms at most beyond it. */
export const WAKE_CHUNK = 16;

/**
 * Who waits for what: an index by topic, and the queue of those who are about to be woken.
 *
 * The index is made of arrays, in which waiters know their places: a `Set` or `Map` through which thousands come and go leaves a chain of outgrown
 * tables behind that keeps them, and all they hold, alive until the next major collection (a third of the CPU per delivery).
 */
export class Waiters<W extends Wakeable> {
  readonly #clock: Clock;
  readonly #byTopic = new Map<string, W[]>();
  /** Topics with news whose waiters have not been looked up, each with the position of its first. */
  readonly #news = new Map<string, number>();
  readonly #queue = new Fifo<W>();
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
    waiter.places = waiter.topics.map((topic) => {
      const waiters = this.#byTopic.get(topic);
      if (waiters) return waiters.push(waiter) - 1;
      this.#byTopic.set(topic, [waiter]);
      return 0;
    });
  }

  /** The waiter must be in it. */
  remove(waiter: W): void {
    this.#count--;
    waiter.firstNews = NO_NEWS;
    const { topics, places } = waiter;
    for (let index = 0; index < places.length; index++) this.#removeFrom(topics[index] ?? '', places[index] ?? 0);
    waiter.places = [];
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

  /** Whether somebody is about to be woken. */
  get isBusy(): boolean {
    return this.#queue.length > 0;
  }

  /** Wakes a waiter behind all others, for news that was there before it came: the first of it stands at this position. */
  queue(waiter: W, position: number): void {
    this.#enqueue(waiter, position);
    this.#schedule();
  }

  /** There may be news of any topic, none before this position. */
  notifyAll(position: number): void {
    for (const topic of this.#byTopic.keys()) this.notify(topic, position);
  }

  /** Whether the waiter is about to be woken. */
  hasNews(waiter: W): boolean {
    return waiter.firstNews !== NO_NEWS || waiter.topics.some((topic) => this.#news.has(topic));
  }

  /** The last one takes the place that becomes free. */
  #removeFrom(topic: string, place: number): void {
    const waiters = this.#byTopic.get(topic) ?? [];
    const last = waiters.pop();
    if (last && place < waiters.length) {
      waiters[place] = last;
      last.places = last.places.map((was, index) => (last.topics[index] === topic ? place : was));
    }
    if (waiters.length > 0) return;
    this.#byTopic.delete(topic);
    // Nobody is left to be told; who comes for the topic after this must not be told of what was before.
    this.#news.delete(topic);
  }

  #queueNews(): void {
    for (const [topic, position] of this.#news) {
      for (const waiter of this.#byTopic.get(topic) ?? []) this.#enqueue(waiter, position);
    }
    this.#news.clear();
  }

  #enqueue(waiter: W, position: number): void {
    if (waiter.firstNews === NO_NEWS) this.#queue.push(waiter);
    waiter.firstNews = Math.min(position, waiter.firstNews);
  }

  readonly #wakeSome = (): void => {
    this.#scheduled = false;
    this.#queueNews();
    const endsAtMs = this.#clock.monotonic() + WAKE_BUDGET_MS;
    let woken = 0;
    try {
      while (this.#queue.length > 0) {
        if (woken > 0 && woken % WAKE_CHUNK === 0 && this.#clock.monotonic() >= endsAtMs) break;
        const waiter = this.#queue.shift();
        // Whoever has left meanwhile still stands in the queue, without news.
        if (!waiter || waiter.firstNews === NO_NEWS) continue;
        woken++;
        const { firstNews } = waiter;
        waiter.firstNews = NO_NEWS;
        waiter.wake(firstNews);
      }
    } finally {
      this.#schedule();
    }
  };

  #schedule(): void {
    if (this.#scheduled || this.#news.size + this.#queue.length === 0) return;
    this.#scheduled = true;
    this.#clock.setImmediate(this.#wakeSome);
  }
}
