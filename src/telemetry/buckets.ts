import { DURATION_BOUNDS_S } from './metrics.js';

/** Adds a duration in seconds to a histogram, `count` times. */
export type RecordDuration = (seconds: number, count?: number) => void;

/**
 * A histogram of durations for Prometheus. A record in the histogram of `prom-client` costs forty
 * times as much, because it searches its time series by labels.
 */
export class Buckets {
  readonly #counts = new Float64Array(DURATION_BOUNDS_S.length + 1);
  #sum = 0;

  readonly record: RecordDuration = (seconds, count = 1) => {
    let index = 0;
    while (index < DURATION_BOUNDS_S.length && seconds > (DURATION_BOUNDS_S[index] ?? 0)) index++;
    this.#counts[index] = (this.#counts[index] ?? 0) + count;
    this.#sum += count * seconds;
  };

  /** Sets all numbers to zero. */
  clear(): void {
    this.#counts.fill(0);
    this.#sum = 0;
  }

  get sum(): number {
    return this.#sum;
  }

  get count(): number {
    return this.#counts.reduce((sum, one) => sum + one, 0);
  }

  /** The number of durations up to each bound, because the buckets of Prometheus are cumulative. */
  get cumulative(): readonly { readonly bound: number; readonly count: number }[] {
    let count = 0;
    return DURATION_BOUNDS_S.map((bound, index) => ({ bound, count: (count += this.#counts[index] ?? 0) }));
  }
}
