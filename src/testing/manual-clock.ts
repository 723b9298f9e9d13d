import { type Clock, systemClock, type Timer } from '../core/clock.js';

export interface ManualClockOptions {
  /** What `now()` says at first, in milliseconds since the Unix epoch. Default: the start of the year 2030 in UTC. */
  readonly startMs?: number | undefined;
}

/** What a runtime's timer can take; it fires a longer one at once. */
const DELAY_MS_MAX = 2 ** 31 - 1;

/** Code that has not come to rest after this many turns never will. */
const TURNS_MAX = 20_000;

interface ManualTimer {
  readonly dueMs: number;
  readonly task: () => void;
}

/**
 * A clock that stands still until it is told to move, so that tests need no sleeps.
 *
 * `advance`, `settle` and `turn` wait for promises: what the code under test does in reaction to a timer or an immediate
 * has happened before the next one runs, and before the returned promise resolves. Input and output they do not wait for.
 *
 * ```ts
 * const clock = new ManualClock();
 * const feed = await Feed.open({ store, clock, limits });
 * feed.poll({ topics, after: 'latest', limit: 10, waitMs: 25_000 }).subscribe(onPage);
 * await clock.advance(25_000); // the poll has been answered
 * ```
 */
export class ManualClock implements Clock {
  /** By the time they are due; those of the same time in the order in which they were set. */
  readonly #timers = new Map<number, Set<ManualTimer>>();
  readonly #immediates: (() => void)[] = [];
  #elapsedMs = 0;
  #wallStartMs: number;

  constructor({ startMs = Date.UTC(2030, 0) }: ManualClockOptions = {}) {
    this.#wallStartMs = startMs;
  }

  now(): number {
    return this.#wallStartMs + this.#elapsedMs;
  }

  /** Milliseconds that the clock has been advanced by. */
  monotonic(): number {
    return this.#elapsedMs;
  }

  /** As in the runtime, a delay below 1 is 1. @throws RangeError for one that a runtime's timer cannot take */
  setTimeout(task: () => void, delayMs: number): Timer {
    if (!(delayMs <= DELAY_MS_MAX)) throw new RangeError(`a timer cannot be set to ${delayMs} ms`);
    const timer: ManualTimer = { dueMs: this.#elapsedMs + Math.max(1, delayMs), task };
    const sameTime = this.#timers.get(timer.dueMs);
    if (sameTime) sameTime.add(timer);
    else this.#timers.set(timer.dueMs, new Set([timer]));
    return timer;
  }

  clearTimeout(timer: Timer): void {
    if (timer !== undefined) this.#remove(timer as ManualTimer);
  }

  setImmediate(task: () => void): void {
    this.#immediates.push(task);
  }

  /** Timers that run. Zero when nothing is left behind. */
  get pendingTimers(): number {
    let count = 0;
    for (const timers of this.#timers.values()) count += timers.size;
    return count;
  }

  /** Tasks that wait for the next turn. */
  get pendingImmediates(): number {
    return this.#immediates.length;
  }

  /** Moves both times forward. Timers that come due run in their order, each at its time, and all settles after each. */
  async advance(durationMs: number): Promise<void> {
    if (!(durationMs >= 0)) throw new RangeError(`a clock cannot be advanced by ${durationMs} ms`);
    const endMs = this.#elapsedMs + durationMs;
    await this.settle();
    for (let timer = this.#nextTimer(endMs); timer; timer = this.#nextTimer(endMs)) {
      this.#elapsedMs = Math.max(this.#elapsedMs, timer.dueMs);
      this.#remove(timer);
      timer.task();
      await this.settle();
    }
    this.#elapsedMs = Math.max(this.#elapsedMs, endMs);
  }

  /** Moves the wall clock alone, forward or back, as an administrator or a time server does. No timer notices. */
  jump(durationMs: number): void {
    this.#wallStartMs += durationMs;
  }

  /** Time passes while synchronous code runs, a long computation say. Timers that come due by it run in the next turn. */
  spend(durationMs: number): void {
    if (!(durationMs >= 0)) throw new RangeError(`${durationMs} ms cannot be spent`);
    this.#elapsedMs += durationMs;
  }

  /** One turn of the event loop: promises, then the timers that are due by now, then the immediates that are set by now. */
  async turn(): Promise<void> {
    await promisesSettled();
    for (let timer = this.#nextTimer(this.#elapsedMs); timer; timer = this.#nextTimer(this.#elapsedMs)) {
      this.#remove(timer);
      timer.task();
      await promisesSettled();
    }
    await this.#runImmediates();
  }

  /** Takes turns, but runs no timers, until nothing is left to do at this time. */
  async settle(): Promise<void> {
    await promisesSettled();
    for (let turns = 0; this.#immediates.length > 0; turns++) {
      if (turns === TURNS_MAX) throw new Error(`still not at rest after ${TURNS_MAX} turns of the event loop`);
      await this.#runImmediates();
    }
  }

  async #runImmediates(): Promise<void> {
    for (let left = this.#immediates.length; left > 0; left--) {
      this.#immediates.shift()?.();
      await promisesSettled();
    }
  }

  #nextTimer(endMs: number): ManualTimer | undefined {
    const dueMs = Math.min(...this.#timers.keys());
    const [timer] = dueMs <= endMs ? (this.#timers.get(dueMs) ?? []) : [];
    return timer;
  }

  #remove(timer: ManualTimer): void {
    const sameTime = this.#timers.get(timer.dueMs);
    sameTime?.delete(timer);
    if (sameTime?.size === 0) this.#timers.delete(timer.dueMs);
  }
}

/** The runtime takes its next turn only when no promise has anything left to do. */
function promisesSettled(): Promise<void> {
  return new Promise((resolve) => {
    systemClock.setImmediate(resolve);
  });
}
