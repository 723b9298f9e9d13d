/**
 * Clients that a node, or the node that takes over from it, accepts in a second. A poll costs some
 * 0.1 ms and a TLS handshake some 1 ms of a core, so half of the core is left for the work.
 */
export const RECONNECTS_PER_SECOND = 500;

/** The time over which so many clients spread their reconnects, in milliseconds. */
export function spreadMs(clients: number): number {
  return (clients / RECONNECTS_PER_SECOND) * 1000;
}

/** A duration with a jitter of 20 % either way, so that what started together does not end together. */
export function jittered(durationMs: number, random: () => number = Math.random): number {
  return Math.round(durationMs * (0.8 + 0.4 * random()));
}

/** The pause before a client reconnects: jittered, and spread over longer for more clients. */
export function reconnectMs(pauseMs: number, overMs: number, random: () => number = Math.random): number {
  return jittered(pauseMs, random) + Math.round(random() * overMs);
}

/** The bounds of an exponential backoff, in milliseconds. */
export interface BackoffRange {
  readonly minMs: number;
  readonly maxMs: number;
}

/** The pause before a retry. It doubles with each failure, and a jitter takes up to half of it away. */
export function backoffMs(
  failures: number,
  { minMs, maxMs }: BackoffRange,
  random: () => number = Math.random,
): number {
  const fullMs = Math.min(minMs * 2 ** Math.min(failures, 30), maxMs);
  return Math.ceil(fullMs * (0.5 + random() / 2));
}
