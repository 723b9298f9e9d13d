/** A snapshot in the log: records up to `upTo` are not necessary any more. */
export interface Covered {
  readonly upTo: number;
  /** When the snapshot was written, in milliseconds since the epoch. */
  readonly timeMs: number;
}

/** The part of a snapshot that controls the removal of old records. */
export interface Compaction {
  /**
   * Records up to this position are removed after the snapshot, or after an earlier one. Undefined:
   * none are.
   */
  readonly removed?: number | undefined;
  /** An older snapshot. When it is old enough, the records that it covers are removed. */
  readonly mark?: Covered | undefined;
}

/** A snapshot from which a state was loaded. */
export interface LoadedSnapshot extends Covered, Compaction {}

/**
 * The age at which a snapshot replaces the records before it. It is longer than a read takes, so a
 * reading node still finds a snapshot that replaces removed records. It is also longer than the
 * delay of a replica and the default sync interval of NATS, two minutes. A removal is later than
 * its snapshot, so a failover that loses the snapshot also loses the removal.
 */
export const REMOVE_AFTER_MS = 3 * 60_000;

/**
 * The compaction of the next snapshot. The mark stays until it is old enough, so frequent snapshots
 * do not delay the removal. Each snapshot states all that was removed, so a client learns from the
 * newest one whether it has missed operations.
 *
 * @param last the newest snapshot that the state includes
 */
export function nextCompaction(last: LoadedSnapshot | undefined, nowMs: number): Compaction {
  if (!last) return {};
  const { upTo, timeMs, mark, removed } = last;
  if (!mark) return { removed, mark: { upTo, timeMs } };
  if (nowMs - mark.timeMs < REMOVE_AFTER_MS) return { removed, mark };
  return { removed: mark.upTo, mark: { upTo, timeMs } };
}
