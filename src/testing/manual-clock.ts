import { type Clock, systemClock, type Timer, TIMER_MS_MAX } from '../core/clock.js';

/** The time at which a `ManualClock` starts. */
export interface ManualClockOptions {
  /**
   * The first result of `now()`, in milliseconds since the Unix epoch.
   * @default the start of the year 2030 in UTC
   */
  readonly startMs?: number | undefined;
}

/** Code that still sets immediates after this many turns never stops. */
const TURNS_MAX = 20_000;

interface ManualTimer {
  readonly dueMs: number;
  readonly task: () => void;
}

/**
 * A clock that only a test moves, so that tests need no sleeps.
 *
 * `advance`, `settle` and `turn` also wait for promises. The code under test completes its reaction
 * before the next timer runs and before the returned promise resolves. These methods do not wait
 * for input and output.
 *
 * ```ts
 * const clock = new ManualClock();
 * const app = await Test.createTestingModule({
 *   imports: [NotificationsModule.forRoot({ access: 'public', clock })],
 * }).compile();
 * await app.init();
 * const service = app.get(NotificationsService);
 * const page = firstValueFrom(service.poll({ topics: ['orders'], waitMs: 25_000 }));
 * await clock.advance(25_000);
 * await page; // an empty page: the wait is over
 * ```
 */
export class ManualClock implements Clock {
  /** Timers by their due time. Timers of the same time keep the order in which they were set. */
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

  /** The milliseconds by which the clock has advanced. */
  monotonic(): number {
    return this.#elapsedMs;
  }

  /**
   * As in the runtime, a delay below 1 counts as 1.
   * @throws RangeError for a delay that is too long for a runtime's timer
   */
  setTimeout(task: () => void, delayMs: number): Timer {
    if (!(delayMs <= TIMER_MS_MAX)) throw new RangeError(`delayMs is ${delayMs}; it must be at most ${TIMER_MS_MAX}`);
    const timer: ManualTimer = { dueMs: this.#elapsedMs + Math.max(1, delayMs), task };
    const sameTime = this.#timers.get(timer.dueMs);
    if (sameTime) sameTime.add(timer);
    else this.#timers.set(timer.dueMs, new Set([timer]));
    return timer;
  }

  /** Cancels a timer. A timer that has run already is ignored. */
  clearTimeout(timer: Timer): void {
    if (timer !== undefined) this.#remove(timer as ManualTimer);
  }

  setImmediate(task: () => void): void {
    this.#immediates.push(task);
  }

  /**
   * Timers that are set and have not fired. Zero when the code under test has cleared all of them.
   */
  get pendingTimers(): number {
    let count = 0;
    for (const timers of this.#timers.values()) count += timers.size;
    return count;
  }

  /** Tasks that are set for the next turn. */
  get pendingImmediates(): number {
    return this.#immediates.length;
  }

  /**
   * Moves the wall clock and the monotonic clock forward. Each timer that comes due runs at its own
   * time, in order. The clock settles after each timer.
   */
  async advance(durationMs: number): Promise<void> {
    if (!(durationMs >= 0)) throw new RangeError(`durationMs is ${durationMs}; it must be 0 or more`);
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

  /**
   * Moves only the wall clock, forward or back, as an administrator or a time server does. No timer
   * fires because of it.
   */
  jump(durationMs: number): void {
    this.#wallStartMs += durationMs;
  }

  /**
   * Simulates synchronous code that takes time, such as a long computation. Timers that come due
   * run in the next turn.
   */
  spend(durationMs: number): void {
    if (!(durationMs >= 0)) throw new RangeError(`durationMs is ${durationMs}; it must be 0 or more`);
    this.#elapsedMs += durationMs;
  }

  /**
   * Runs one turn of the event loop: promises, then the timers that are due, then the immediates.
   */
  async turn(): Promise<void> {
    await promisesSettled();
    for (let timer = this.#nextTimer(this.#elapsedMs); timer; timer = this.#nextTimer(this.#elapsedMs)) {
      this.#remove(timer);
      timer.task();
      await promisesSettled();
    }
    await this.#runImmediates();
  }

  /**
   * Runs promises and immediates, but no timers, until none is left.
   * @throws Error if the code under test never stops setting immediates
   */
  async settle(): Promise<void> {
    await promisesSettled();
    for (let turns = 0; this.#immediates.length > 0; turns++) {
      if (turns === TURNS_MAX)
        throw new Error(`the code still sets immediates after ${TURNS_MAX} turns of the event loop`);
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

/** The runtime starts its next turn only when no promise callback is left. */
function promisesSettled(): Promise<void> {
  return new Promise((resolve) => {
    systemClock.setImmediate(resolve);
  });
}
