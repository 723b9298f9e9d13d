import type { LogState } from './log-file.js';
import type { Place } from './merge.js';

export interface RetentionLimits {
  readonly retainCount: number;
  readonly retainMs: number;
  readonly retainBytes: number;
}

/** An entry that may go. */
export interface Aged extends Place {
  readonly timeMs: number;
}

/** Up to where to remove, and the bytes that go with it. */
export interface Removal {
  readonly upTo: number;
  readonly bytes: number;
}

/** Removed in one transaction at most, so that no append waits long behind it; above what one transaction appends. */
export const REMOVE_MAX = 2000;
/** What is over the bounds by less than this is left, so that entries go by the page and not one by one. */
const SLACK_COUNT_MAX = 1000;
const SLACK_BYTES_MAX = 1024 * 1024;
const SLACK_PART = 0.1;

/** Whether there is enough to remove by count or bytes. */
export function isOver({ head, trimmed, bytes }: LogState, { retainCount, retainBytes }: RetentionLimits): boolean {
  return (
    head - trimmed > retainCount + Math.min(SLACK_COUNT_MAX, retainCount * SLACK_PART) ||
    bytes > retainBytes + Math.min(SLACK_BYTES_MAX, retainBytes * SLACK_PART)
  );
}

/** What the bounds let go of the oldest entries. Positions are dense, so counting needs no scan. */
export function removalOf(
  log: LogState,
  limits: RetentionLimits,
  { oldest, nowMs }: { readonly oldest: readonly Aged[]; readonly nowMs: number },
): Removal {
  let { trimmed: upTo, bytes: kept } = log;
  for (const { position, bytes, timeMs } of oldest) {
    const over = log.head - upTo > limits.retainCount || kept > limits.retainBytes;
    if (!over && timeMs + limits.retainMs > nowMs) break;
    upTo = position;
    kept -= bytes;
  }
  return { upTo, bytes: log.bytes - kept };
}
