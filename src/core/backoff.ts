/**
 * The number of clients that one node accepts per second, for example when it replaces another
 * node. A poll costs about 0.1 ms of a core, and a TLS handshake about 1 ms. So half of the core
 * remains for other work.
 */
export const RECONNECTS_PER_SECOND = 500;

/** The time over which this number of clients spread their reconnects, in milliseconds. */
export function spreadMs(clients: number): number {
  return (clients / RECONNECTS_PER_SECOND) * 1000;
}

/** A duration with a jitter of ±20 %, so that timers that start together do not end together. */
export function jittered(durationMs: number, random: () => number = Math.random): number {
  return Math.round(durationMs * (0.8 + 0.4 * random()));
}

/**
 * The pause before a client reconnects, with jitter. A random time up to `overMs` is added, so that
 * many clients do not reconnect together.
 */
export function reconnectMs(pauseMs: number, overMs: number, random: () => number = Math.random): number {
  return jittered(pauseMs, random) + Math.round(random() * overMs);
}

/** The bounds of an exponential backoff, in milliseconds. */
export interface BackoffRange {
  readonly minMs: number;
  readonly maxMs: number;
}

/** The pause before a retry. It doubles with each failure. A jitter subtracts up to half of it. */
export function backoffMs(
  failures: number,
  { minMs, maxMs }: BackoffRange,
  random: () => number = Math.random,
): number {
  const fullMs = Math.min(minMs * 2 ** Math.min(failures, 30), maxMs);
  return Math.ceil(fullMs * (0.5 + random() / 2));
}
