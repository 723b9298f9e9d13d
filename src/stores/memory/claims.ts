import { checkClaim } from '../../core/abilities.js';
import type { Clock } from '../../core/clock.js';
import { NotificationsError } from '../../core/errors.js';

/** Claims that end within one step are removed together. A claim may last up to one step longer. */
const STEP_MS = 1_000;

/** The keys that are claimed in this process. They are removed by age, without a timer. */
export class MemoryClaims {
  readonly #clock: Clock;
  readonly #countMax: number;
  readonly #keys = new Set<string>();
  /** The same keys by the step in which their claims end. */
  readonly #ending = new Map<number, string[]>();
  #step = 0;

  constructor(clock: Clock, countMax: number) {
    this.#clock = clock;
    this.#countMax = countMax;
  }

  get count(): number {
    return this.#keys.size;
  }

  /** @throws NotificationsError `store_unavailable` when `countMax` keys are claimed */
  claim(key: string, ttlMs: number): boolean {
    checkClaim(key, ttlMs);
    const nowMs = this.#clock.monotonic();
    this.#forget(nowMs);
    if (this.#keys.has(key)) return false;
    if (this.#keys.size >= this.#countMax) {
      const message = `The memory store holds ${this.#countMax} claims, as many as claimCount allows.`;
      throw new NotificationsError('store_unavailable', message);
    }
    this.#keys.add(key);
    const step = Math.floor((nowMs + ttlMs) / STEP_MS) + 1;
    const keys = this.#ending.get(step);
    if (keys) keys.push(key);
    else this.#ending.set(step, [key]);
    return true;
  }

  /**
   * Removes the keys of past steps, at most once a second. Claims that end within the same second
   * share one step.
   */
  #forget(nowMs: number): void {
    const now = Math.floor(nowMs / STEP_MS);
    if (now === this.#step) return;
    this.#step = now;
    for (const [step, keys] of this.#ending) {
      if (step > now) continue;
      this.#ending.delete(step);
      for (const key of keys) this.#keys.delete(key);
    }
  }
}
