/** The number of arrivals that the curve and the median use. */
const KEPT = 60;

/**
 * The latencies of the last notifications. It also keeps samples of notifications that the reader
 * caught up on. They do not describe the transport, so they do not count for the median and scale.
 */
export class Latency {
  /** Oldest first. @type {{ ms: number, caughtUp: boolean }[]} */
  samples = [];

  add(ms, caughtUp) {
    this.samples.push({ ms, caughtUp });
    if (this.samples.length > KEPT) this.samples.shift();
  }

  /**
   * Undefined while there is no sample.
   * @returns {{ count: number, p50: number, max: number } | undefined}
   */
  summary() {
    const live = this.samples.filter(({ caughtUp }) => !caughtUp).map(({ ms }) => ms);
    if (live.length === 0) return undefined;
    const sorted = live.toSorted((a, b) => a - b);
    const p50 = sorted[Math.ceil(sorted.length / 2) - 1];
    return { count: live.length, p50, max: sorted.at(-1) };
  }
}

/** The next of 10, 20, 50, 100, … milliseconds, so that the scale seldom changes. */
export function scaleOf(maxMs) {
  const power = 10 ** Math.floor(Math.log10(Math.max(10, maxMs)));
  return [1, 2, 5, 10].map((step) => step * power).find((scale) => scale >= maxMs);
}

/**
 * True if this page runs on the server's machine. Then both times are from the same clock.
 */
export function hasServersClock({ hostname }) {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}
