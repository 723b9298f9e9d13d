import { type LogSize, resized, retainedSize } from '../../core/records.js';
import type { LogState } from './log-file.js';
import type { Place } from './merge.js';

export interface RetentionLimits {
  readonly retainCount: number;
  readonly retainMs: number;
  readonly retainBytes: number;
}

/** An entry that retention may remove. */
export interface Aged extends Place {
  readonly topic: string;
  readonly timeMs: number;
}

/** The last position to remove, and the size of the log after that. */
export interface Removal {
  readonly upTo: number;
  readonly size: LogSize;
}

/** The most entries that one transaction removes, so that appends do not wait long for it. */
export const REMOVE_MAX = 2000;
/** A smaller excess of count or bytes is not removed, so that entries are removed in batches. */
const SLACK_COUNT_MAX = 1000;
const SLACK_BYTES_MAX = 1024 * 1024;
const SLACK_PART = 0.1;

/**
 * The size of the log. Every position has an entry, kept or removed, so the count needs no scan.
 */
export function sizeOf({ head, trimmed, removed, bytes, records, recordBytes }: LogState): LogSize {
  return { count: head - trimmed - removed, bytes, records, recordBytes };
}

/** The state of the log with another size. */
export function withSize(log: LogState, { count, bytes, records, recordBytes }: LogSize): LogState {
  return { ...log, bytes, records, recordBytes, removed: log.head - log.trimmed - count };
}

/** True if the count or the bytes exceed their bound by enough to remove entries. */
export function isOver(log: LogState, { retainCount, retainBytes }: RetentionLimits): boolean {
  const { count, bytes } = retainedSize(sizeOf(log));
  return (
    count > retainCount + Math.min(SLACK_COUNT_MAX, retainCount * SLACK_PART) ||
    bytes > retainBytes + Math.min(SLACK_BYTES_MAX, retainBytes * SLACK_PART)
  );
}

/** Finds the oldest entries that exceed a bound. */
export function removalOf(
  log: LogState,
  limits: RetentionLimits,
  { oldest, nowMs }: { readonly oldest: readonly Aged[]; readonly nowMs: number },
): Removal {
  let [upTo, size] = [log.trimmed, sizeOf(log)];
  for (const entry of oldest) {
    const { count, bytes } = retainedSize(size);
    const over = count > limits.retainCount || bytes > limits.retainBytes;
    if (!over && entry.timeMs + limits.retainMs > nowMs) break;
    upTo = entry.position;
    size = resized(size, entry, -1);
  }
  return { upTo, size };
}
