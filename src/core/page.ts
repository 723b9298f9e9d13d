import type { Gap } from './gap.js';
import type { LogEntry } from './notification.js';
import type { Epoch } from './store.js';

/** Why a waiter is being ended although its client would go on. `rights`: what its subscriber may read has changed. */
export type Ending = 'draining' | 'lifetime' | 'rights';

/** A position that a client holds: the meaning of its cursor. */
export interface LogPosition {
  readonly epochId: string;
  readonly position: number;
  /**
   * Set when the cursor belongs to no epoch that the node knew: the id of the newest one it knew. If the store has a newer
   * epoch, the cursor may belong to that one, and the node cannot answer yet.
   */
  readonly unknownIn?: string | undefined;
  /** Set when a failover lost entries after the position: the next page has an `expired` gap. */
  readonly afterLoss?: boolean | undefined;
}

/** A position in no log: a read after it answers with a `reset` gap. */
export const NOWHERE: LogPosition = { epochId: '', position: 0 };

/** The highest position up to this one at which both logs hold the same entries; undefined if they share none. */
export function sharedPosition(epoch: Epoch, place: LogPosition): LogPosition | undefined {
  if (place.epochId === epoch.id) return place;
  const past = epoch.before?.find(({ id }) => id === place.epochId);
  if (!past) return undefined;
  const afterLoss = past.lost === true || place.afterLoss === true;
  return { epochId: epoch.id, position: Math.min(place.position, past.upTo), ...(afterLoss && { afterLoss }) };
}

/** The same position in the log of `epoch`; undefined if that log does not hold the same entries up to it. */
export function positionIn(epoch: Epoch, place: LogPosition): LogPosition | undefined {
  const shared = sharedPosition(epoch, place);
  return shared?.position === place.position ? shared : undefined;
}

/** What one read answers, in the core's terms. Waiters that read the same page share one object, so that it is encoded once. */
export interface LogPage {
  readonly epoch: Epoch;
  readonly entries: readonly LogEntry[];
  /** Where the next read continues: everything up to here has been looked at for the asked topics. */
  readonly position: number;
  /** The next read will find something at once. */
  readonly more: boolean;
  readonly gap?: Gap;
  /** The waiter's last page. */
  readonly ending?: Ending;
  /** What the encoder made of this page; it lives as long as the page. A page that is made from another one must not copy it. */
  encoded?: unknown;
}
