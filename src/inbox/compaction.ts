/** A snapshot in the log: records up to `upTo` are not necessary any more. */
export interface Covered {
  readonly upTo: number;
  /** When the snapshot was written, in milliseconds since the epoch. */
  readonly timeMs: number;
}

/** The part of a snapshot that controls the removal of old records. */
export interface Compaction {
  /** Records up to this position are removed after the snapshot. Undefined: none are. */
  readonly removed?: number | undefined;
  /** An older snapshot. When it is old enough, the records that it covers are removed. */
  readonly mark?: Covered | undefined;
}

/** A snapshot from which a state was loaded. */
export interface LoadedSnapshot extends Covered {
  readonly mark?: Covered | undefined;
}

/**
 * The age at which a snapshot replaces the records before it. It is longer than a read takes, so a
 * reading node still finds a snapshot that replaces removed records. It is also longer than the
 * delay of a replica and the default sync interval of NATS, two minutes. A removal is later than
 * its snapshot, so a failover that loses the snapshot also loses the removal.
 */
export const REMOVE_AFTER_MS = 3 * 60_000;

/**
 * The compaction of the next snapshot. The mark stays until it is old enough, so frequent snapshots
 * do not delay the removal.
 *
 * @param last the newest snapshot that the state includes
 */
export function nextCompaction(last: LoadedSnapshot | undefined, nowMs: number): Compaction {
  if (!last) return {};
  const { upTo, timeMs, mark } = last;
  if (!mark) return { mark: { upTo, timeMs } };
  if (nowMs - mark.timeMs < REMOVE_AFTER_MS) return { mark };
  return { removed: mark.upTo, mark: { upTo, timeMs } };
}
