import type { RecordDuration } from '../../telemetry/buckets.js';

/**
 * The first bucket ends here. Calls of a store can be faster than a millisecond; deliveries are
 * measured in whole milliseconds.
 */
const FIRST_BOUND_S = 0.000_05;
/** Each bucket is larger than the one before by this factor, so a quantile is exact to 10 %. */
const GROWTH = 1.2;
/** The last bucket begins at about 20 seconds. Calls of a store fail earlier. */
const BUCKETS = 72;

/**
 * A histogram with buckets that are fine enough for quantiles. The buckets of the metrics are not:
 * the first one ends at one millisecond.
 */
export class Durations {
  readonly #counts = new Float64Array(BUCKETS);

  readonly record: RecordDuration = (seconds, count = 1) => {
    const index = seconds <= FIRST_BOUND_S ? 0 : Math.ceil(Math.log(seconds / FIRST_BOUND_S) / Math.log(GROWTH));
    const bucket = Math.min(index, BUCKETS - 1);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count;
  };

  /** The counts of the buckets now. */
  get counts(): Float64Array {
    return this.#counts.slice();
  }
}

/** The number of durations in some buckets. */
export function countOf(counts: Float64Array): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The durations that were recorded after `earlier`. */
export function difference(later: Float64Array, earlier: Float64Array): Float64Array {
  return later.map((count, index) => count - (earlier[index] ?? 0));
}

/** A quantile in milliseconds, such as 0.99. `null` if there is no duration. */
export function quantileMs(counts: Float64Array, quantile: number): number | null {
  const rank = Math.ceil(countOf(counts) * quantile);
  if (rank === 0) return null;
  let seen = 0;
  const index = counts.findIndex((count) => (seen += count) >= rank);
  // The geometric middle of the bucket.
  const seconds = FIRST_BOUND_S * GROWTH ** (index - 0.5);
  return Number((seconds * 1000).toPrecision(3));
}
