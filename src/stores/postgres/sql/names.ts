/**
 * Names in the database. Schemas are checked to be plain lower-case words (see `options.ts`), so they need no escaping;
 * the quotes keep those that are words of SQL.
 */
export function quoted(schema: string): string {
  return `"${schema}"`;
}

/** Where appends wake the nodes. Channels belong to the whole database, so the schema is in the name. */
export function channelOf(schema: string): string {
  return `nest_notifications_${schema}`;
}

/** "nnlg": keeps the locks of this library apart from an application's own advisory locks. The other half names the log. */
export const LOCK_CLASS = 0x6e6e6c67;
/** A second lock of the same log: one node at a time removes what is old. */
export const TRIM_LOCK_CLASS = LOCK_CLASS + 1;
/** A third one: one node at a time moves publications from the outbox. */
export const MOVE_LOCK_CLASS = LOCK_CLASS + 2;
