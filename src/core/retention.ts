/**
 * The limits of a log. When it reaches one of them, the store removes the oldest notifications. All
 * stores of this package have options with these names.
 */
export interface Retention {
  /** Notifications. */
  readonly retainCount: number;
  /** Milliseconds for which a notification is kept. */
  readonly retainMs: number;
  /** Bytes of JSON. */
  readonly retainBytes: number;
}
