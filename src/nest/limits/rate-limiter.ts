import { LRUCache } from 'lru-cache';
import type { Clock } from '../../core/clock.js';

const MINUTE_MS = 60_000;
/**
 * The memory for callers, in bytes. It holds about 10,000 callers. When it is full, the limiter
 * drops the caller whose last accepted request is the oldest.
 */
export const CALLERS_BYTES_MAX = 2 * 1024 * 1024;
/** The size of an entry without the caller's name. */
export const CALLER_BYTES = 150;

/**
 * Limits the rate of each caller on this node. Each caller has a token bucket, which holds the
 * tokens of one minute and fills evenly. The only stored state is the time at which the bucket is
 * full (GCRA, as in ITU-T I.371).
 */
export class RateLimiter {
  readonly #clock: Clock;
  /** The time in which a bucket gets one token. */
  readonly #intervalMs: number;
  /**
   * The time at which the bucket of each caller is full. The caller with the oldest accepted
   * request is first.
   */
  readonly #fullAtMs = new LRUCache<string, number>({
    maxSize: CALLERS_BYTES_MAX,
    sizeCalculation: (_, caller) => CALLER_BYTES + caller.length,
  });

  constructor(clock: Clock, perMinuteMax: number) {
    this.#clock = clock;
    this.#intervalMs = MINUTE_MS / perMinuteMax;
  }

  get size(): number {
    return this.#fullAtMs.size;
  }

  /**
   * Takes `count` tokens if the caller's bucket has at least one token. Returns 0, or the
   * milliseconds until the bucket has a token.
   *
   * @param held the tokens that the request has taken before; they count as tokens of the bucket
   */
  take(caller: string, count: number, held = 0): number {
    const nowMs = this.#clock.monotonic();
    const fullAtMs = Math.max(this.#fullAtMs.peek(caller) ?? 0, nowMs);
    const waitMs = fullAtMs - nowMs - (MINUTE_MS - this.#intervalMs * (1 - held));
    if (waitMs > 0) return Math.ceil(waitMs);
    this.#fullAtMs.set(caller, fullAtMs + count * this.#intervalMs);
    return 0;
  }
}
