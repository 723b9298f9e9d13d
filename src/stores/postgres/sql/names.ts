/**
 * The name of a schema in SQL. `options.ts` allows only plain lower-case words, so the name needs
 * no escaping. The quotes allow names that are words of SQL.
 */
export function quoted(schema: string): string {
  return `"${schema}"`;
}

/**
 * The channel that wakes nodes. Channels belong to a database, so the name has the schema.
 */
export function channelOf(schema: string): string {
  return `nest_notifications_${schema}`;
}

/**
 * The text "nnlg" as a number. It separates advisory locks of this library from those of the
 * application. The second number of a lock is the table of the log.
 */
export const LOCK_CLASS = 0x6e6e6c67;
/** A second lock of the same log: one node at a time removes old entries. */
export const TRIM_LOCK_CLASS = LOCK_CLASS + 1;
/** A third lock: one node at a time moves publications from the outbox. */
export const MOVE_LOCK_CLASS = LOCK_CLASS + 2;
