/** The entries to remove. */
export interface RemoveQuery {
  readonly topic: string;
  /**
   * Removes entries up to this position. A value above the head means the head; the highest is
   * `Number.MAX_SAFE_INTEGER`.
   *
   * A store may keep the entries of a topic from one call, or from calls at the same time, in one
   * piece that it removes as a whole. So the position must not lie within such a piece. A record of
   * the library, on a topic that begins with `$`, divides pieces. So its position is always valid.
   */
  readonly upTo: number;
  /**
   * The epoch that `upTo` belongs to. If the log has another epoch now, only positions that both
   * share are removed. Otherwise a removal that arrives after a failover could remove new entries.
   */
  readonly epochId: string;
  /**
   * A position that the log must still hold, such as that of a copy of the removed entries. If a
   * failover has lost it, nothing more is removed: the entries may be the only ones. Default: none.
   */
  readonly needs?: number | undefined;
}

/** The result of a removal. */
export interface Removed {
  /** The number of entries that this call removed. */
  readonly count: number;
  /**
   * The topic has no entry up to this position. It is the head if the query's `upTo` is above the
   * head.
   */
  readonly upTo: number;
}
