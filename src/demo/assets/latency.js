/** Arrivals that the curve and the median are made of. */
const KEPT = 60;

/**
 * How long the last notifications were under way. Notifications after an absence of their reader
 * are kept too. They do not describe the transport, so they count neither for the median nor for
 * the scale.
 */
export class Latency {
  /** The oldest first. @type {{ ms: number, caughtUp: boolean }[]} */
  samples = [];

  add(ms, caughtUp) {
    this.samples.push({ ms, caughtUp });
    if (this.samples.length > KEPT) this.samples.shift();
  }

  /**
   * Undefined while there is nothing to say. @returns {{ count: number, p50: number, max: number }
   * | undefined}
   */
  summary() {
    const live = this.samples.filter(({ caughtUp }) => !caughtUp).map(({ ms }) => ms);
    if (live.length === 0) return undefined;
    const sorted = live.toSorted((a, b) => a - b);
    const p50 = sorted[Math.ceil(sorted.length / 2) - 1];
    return { count: live.length, p50, max: sorted.at(-1) };
  }
}

/** The next of 10, 20, 50, 100, … milliseconds, so that the scale changes seldom. */
export function scaleOf(maxMs) {
  const power = 10 ** Math.floor(Math.log10(Math.max(10, maxMs)));
  return [1, 2, 5, 10].map((step) => step * power).find((scale) => scale >= maxMs);
}

/**
 * Whether this page is on the server's machine, where the times that are compared are of one clock.
 */
export function hasServersClock({ hostname }) {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}
