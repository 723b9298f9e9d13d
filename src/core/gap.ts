/** The reason why a reader cannot get all notifications after its cursor. */
export interface Gap {
  /**
   * - `expired`: retention has removed notifications after the cursor, or a failover has lost them.
   * - `reset`: the cursor belongs to a log that no longer exists.
   */
  readonly reason: 'expired' | 'reset';
}
