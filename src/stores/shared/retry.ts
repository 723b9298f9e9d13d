import { backoffMs, type BackoffRange } from '../../core/backoff.js';

/**
 * The first retry follows within 100 ms, so a node soon reaches an engine that has restarted.
 * During a long outage it tries once per second.
 */
export const RETRY: BackoffRange = { minMs: 50, maxMs: 1_000 };

/** The pause before a driver retries. It grows with each failure, and differs between nodes. */
export function retryMs(failures: number): number {
  return backoffMs(failures, RETRY);
}
