import type { Clock } from '../../core/clock.js';

const MINUTE_MS = 60_000;
/** Callers remembered at once, some 100 bytes each; beyond it the one seen longest ago is forgotten. */
export const CALLERS_MAX = 10_000;

/**
 * Limits how much each caller does in a minute, on this node. Each caller has a token bucket, which holds a minute's worth and fills
 * evenly. The time when it is full again is its whole state (GCRA, as in ITU-T I.371).
 */
export class RateLimiter {
  readonly #clock: Clock;
  /** The time in which a bucket gets one token. */
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

  /** Takes `count` tokens, if the caller's bucket has any, even fewer. Answers 0, or the milliseconds until it has one. */
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

  /** A full bucket needs no entry. */
  #forget(nowMs: number): void {
    for (const [caller, fullAtMs] of this.#fullAtMs) {
      if (fullAtMs > nowMs && this.#fullAtMs.size <= CALLERS_MAX) return;
      this.#fullAtMs.delete(caller);
    }
  }
}
