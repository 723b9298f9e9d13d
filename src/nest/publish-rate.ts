import type { Clock } from '../core/clock.js';

const MINUTE_MS = 60_000;
/** Callers remembered at once, some 100 bytes each; beyond it the one seen longest ago is forgotten. */
export const CALLERS_MAX = 10_000;

/**
 * How much each caller may publish: a token bucket each, which holds a minute's worth and fills evenly. All there is to know of one is
 * when it will be full again (GCRA, as in ITU-T I.371).
 */
export class PublishRate {
  readonly #clock: Clock;
  /** How long it takes to be allowed one more. */
  readonly #intervalMs: number;
  /** In the order in which they were last seen. */
  readonly #fullAtMs = new Map<string, number>();

  constructor(clock: Clock, perMinuteMax: number) {
    this.#clock = clock;
    this.#intervalMs = MINUTE_MS / perMinuteMax;
  }

  get size(): number {
    return this.#fullAtMs.size;
  }

  /**
   * Takes what a caller publishes out of its bucket: whole, if anything is in it. Answers the milliseconds to wait if there is not,
   * else 0.
   */
  take(caller: string, count: number): number {
    const nowMs = this.#clock.monotonic();
    const fullAtMs = Math.max(this.#fullAtMs.get(caller) ?? 0, nowMs);
    const waitMs = fullAtMs - nowMs - (MINUTE_MS - this.#intervalMs);
    if (waitMs > 0) return Math.ceil(waitMs);
    this.#fullAtMs.delete(caller);
    this.#fullAtMs.set(caller, fullAtMs + count * this.#intervalMs);
    this.#forget(nowMs);
    return 0;
  }

  /** A bucket that is full again says no more than none. */
  #forget(nowMs: number): void {
    for (const [caller, fullAtMs] of this.#fullAtMs) {
      if (fullAtMs > nowMs && this.#fullAtMs.size <= CALLERS_MAX) return;
      this.#fullAtMs.delete(caller);
    }
  }
}
