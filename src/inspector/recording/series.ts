import type { FeedRates, FeedSeries } from '../inspector-report.js';

/**
 * The length of an interval. The page refreshes every two seconds, and shorter intervals would show
 * noise.
 */
export const INTERVAL_MS = 5_000;
/** The number of intervals: five minutes. */
export const INTERVALS_MAX = 60;

const NO_RATES: FeedRates = {
  ...{ published: 0, delivered: 0, bytes: 0, refusals: 0, gaps: 0, cuts: 0, waiters: 0 },
  ...{ deliveryP50Ms: null, deliveryP99Ms: null, appendP50Ms: null, appendP99Ms: null },
  ...{ readP50Ms: null, readP99Ms: null, storeErrors: 0, windowHitRate: null, wakeLoad: 0, tailLagMs: 0 },
};

type SeriesName = keyof FeedRates;

/** The values of the last intervals. */
export class Series {
  readonly #rates: FeedRates[] = [];
  #endsAtMs: number;

  constructor(startedAtMs: number) {
    this.#endsAtMs = startedAtMs;
  }

  add(rates: FeedRates, endsAtMs: number): void {
    this.#rates.push(rates);
    this.#endsAtMs = endsAtMs;
    if (this.#rates.length > INTERVALS_MAX) this.#rates.shift();
  }

  /** The values of the newest complete interval. */
  get now(): FeedRates {
    return this.#rates.at(-1) ?? NO_RATES;
  }

  get all(): FeedSeries {
    const names = Object.keys(NO_RATES) as SeriesName[];
    const lists = Object.fromEntries(names.map((name) => [name, this.#rates.map((rates) => rates[name])]));
    const frame = { intervalMs: INTERVAL_MS, endsAt: new Date(this.#endsAtMs).toISOString() };
    return { ...frame, ...lists } as unknown as FeedSeries;
  }
}
