import type { Gap } from './gap.js';
import type { LogEntry } from './notification.js';
import type { Epoch } from './store.js';

/**
 * The reason why this node ends a waiter. `rights`: the topics that its subscriber may read have
 * changed.
 */
export type Ending = 'draining' | 'lifetime' | 'rights';

/** A position that a client holds: the meaning of its cursor. */
export interface LogPosition {
  readonly epochId: string;
  readonly position: number;
  /**
   * The id of the node's newest epoch, set when the log of that epoch does not contain the cursor.
   * If the store has a newer epoch, that log may contain it, and the node cannot answer yet.
   */
  readonly unknownIn?: string | undefined;
  /** Set when a failover lost entries after the position: the next page has an `expired` gap. */
  readonly afterLoss?: boolean | undefined;
  /**
   * The same position in the earlier epoch that the client's cursor belongs to. A restored snapshot
   * may continue that epoch and not the later ones.
   */
  readonly origin?: LogPosition | undefined;
}

/** A position that belongs to no log. A read after it returns a `reset` gap. */
export const NOWHERE: LogPosition = { epochId: '', position: 0 };

/**
 * The log of `epoch` may continue the log of `held`. Returns the last position that both logs
 * share, at most the position of `held`. Undefined if `epoch` does not continue that log.
 */
export function sharedPosition(epoch: Epoch, held: LogPosition): LogPosition | undefined {
  if (held.epochId === epoch.id) return held;
  const past = epoch.before?.find(({ id }) => id === held.epochId);
  if (!past) return held.origin && sharedPosition(epoch, held.origin);
  const afterLoss = past.lost === true || held.afterLoss === true;
  const position = Math.min(held.position, past.upTo);
  const origin = position === held.position ? (held.origin ?? held) : undefined;
  return { epochId: epoch.id, position, ...(afterLoss && { afterLoss }), ...(origin && { origin }) };
}

/**
 * The same position in the log of `epoch`. Undefined unless the two logs are equal up to this
 * position.
 */
export function positionIn(epoch: Epoch, held: LogPosition): LogPosition | undefined {
  const shared = sharedPosition(epoch, held);
  return shared?.position === held.position ? shared : undefined;
}

/**
 * The highest position, at most `upTo`, that the logs of `epoch` and `epochId` share; 0 if none.
 */
export function sharedUpTo(epoch: Epoch, { epochId, upTo }: { epochId: string; upTo: number }): number {
  return sharedPosition(epoch, { epochId, position: upTo })?.position ?? 0;
}

/** The part of the log that a page of the history covers: from its `position` up to `upTo`. */
export interface HistoryRange {
  /** A client that follows the feed from here receives everything newer than the page. */
  readonly upTo: number;
  /**
   * The history ends with this page, but retention has removed older entries of the log. The
   * removed ones may belong to other topics.
   */
  readonly trimmed: boolean;
}

/**
 * The result of one read, before it is encoded for HTTP. Waiters that read the same page share one
 * object, so it is encoded once.
 */
export interface LogPage {
  readonly epoch: Epoch;
  readonly entries: readonly LogEntry[];
  /**
   * The next read continues here. For the requested topics, nothing up to here is missing. A page
   * of the history is read in the opposite direction: nothing after this position is missing.
   */
  readonly position: number;
  /** The next read finds further notifications at once. */
  readonly more: boolean;
  readonly gap?: Gap;
  /** Set on a page of the history: its entries are newest first. */
  readonly history?: HistoryRange;
  /**
   * The time at which the first notification of the page expires. Undefined: no notification
   * expires.
   */
  readonly staleAtMs?: number | undefined;
  /** Set on the waiter's last page: the reason for the end. */
  readonly ending?: Ending;
  /**
   * The encoder's result for this page. It lives as long as the page. A page that is made from
   * another page must not copy this field.
   */
  encoded?: unknown;
  /**
   * The notifications among the entries, counted at the first delivery. Like `encoded`, do not copy
   * this field to another page.
   */
  notificationCount?: number | undefined;
}

/** The position of the last entry of a list; 0 if the list is empty. */
export function lastPosition(entries: readonly LogEntry[]): number {
  return entries.at(-1)?.position ?? 0;
}

/** A page without notifications and without a gap. It only moves the position. */
export function isEmpty({ entries, gap }: LogPage): boolean {
  return entries.length === 0 && gap === undefined;
}
