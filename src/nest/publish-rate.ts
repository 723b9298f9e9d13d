import type { Clock } from '../core/clock.js';

const MINUTE_MS = 60_000;
/** Callers remembered at once, some 100 bytes each; beyond it the one seen longest ago is forgotten. */
export const CALLERS_MAX = 10_000;

interface Bucket {
  /** May be below zero: a call that is let in is let in whole. */
  tokens: number;
  atMs: number;
}

/** How much each caller may publish: token buckets, which hold a minute's worth and fill evenly. */
export class PublishRate {
  readonly #clock: Clock;
  readonly #perMinuteMax: number;
  /** In the order in which they were last seen. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock, perMinuteMax: number) {
    this.#clock = clock;
    this.#perMinuteMax = perMinuteMax;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Takes what a caller publishes out of its bucket. Answers the milliseconds to wait if it is empty, else 0. */
  take(caller: string, count: number): number {
    const nowMs = this.#clock.monotonic();
    const tokens = this.#tokens(caller, nowMs);
    if (tokens < 1) return Math.ceil(((1 - tokens) * MINUTE_MS) / this.#perMinuteMax);
    this.#buckets.delete(caller);
    this.#buckets.set(caller, { tokens: tokens - count, atMs: nowMs });
    this.#forget(nowMs);
    return 0;
  }

  #tokens(caller: string, nowMs: number): number {
    const bucket = this.#buckets.get(caller);
    if (!bucket) return this.#perMinuteMax;
    const filled = ((nowMs - bucket.atMs) * this.#perMinuteMax) / MINUTE_MS;
    return Math.min(this.#perMinuteMax, bucket.tokens + filled);
  }

  /** A bucket that is full again says no more than none. */
  #forget(nowMs: number): void {
    for (const [caller] of this.#buckets) {
      const full = this.#tokens(caller, nowMs) >= this.#perMinuteMax;
      if (!full && this.#buckets.size <= CALLERS_MAX) return;
      this.#buckets.delete(caller);
    }
  }
}
