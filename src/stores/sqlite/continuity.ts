import { positionIn } from '../../core/page.js';
import type { Epoch, PastEpoch } from '../../core/store.js';
import { pastEpochs } from '../shared/epoch.js';

/** The end of the log as this process knows it. A log that lacks this end is another log. */
export interface Seen {
  readonly epochId: string;
  readonly head: number;
  /**
   * The newest entry whose id is known. Ids are random, so another log of the same length has
   * another id at this position.
   */
  readonly entry?: { readonly position: number; readonly id: string } | undefined;
}

/** The parts of a log's state that show whether the log continues. */
export interface Held {
  readonly epoch: Epoch;
  readonly head: number;
  readonly trimmed: number;
  /** Entries above `trimmed` that were removed by `remove`. */
  readonly removed: number;
}

/**
 * - `new`: this opening created the file.
 * - `same`: the last opening was of this file.
 * - `other`: the file has another identity, for example because it is a copy.
 */
export type Origin = 'new' | 'same' | 'other';

type IdAt = (position: number) => string | undefined;

/** True if a log continues the epoch that was seen, and is at least as long. */
export function isContinued({ epoch, head }: Pick<Held, 'epoch' | 'head'>, seen: Seen): boolean {
  return head >= seen.head && positionIn(epoch, { epochId: seen.epochId, position: seen.head }) !== undefined;
}

/** True if the newest entry that was seen is at its position, or was removed from it. */
export function holdsEntry({ trimmed, removed }: Held, { entry }: Seen, idAt: IdAt): boolean {
  if (!entry || entry.position <= trimmed) return true;
  const id = idAt(entry.position);
  return id === entry.id || (id === undefined && removed > 0);
}

/**
 * The past epochs of a log that gets a new epoch when it is opened; undefined if it keeps its
 * epoch.
 *
 * A file that is restored in place has the same identity as before, so it looks like a file that
 * was closed. Therefore each start begins an epoch that continues the old epoch up to the head.
 * After a restore, cursors beyond the copy are not part of that epoch. A normal start causes no
 * gap. If a process opens the file again, it continues the epoch that it has seen.
 */
export function renewal(
  log: Held,
  { seen, origin, idAt }: { readonly seen: Seen | undefined; readonly origin: Origin; readonly idAt: IdAt },
): readonly PastEpoch[] | undefined {
  if (origin === 'new') return undefined;
  if (!seen) return pastEpochs(log.epoch, log.head, origin === 'other');
  if (!isContinued(log, seen)) return pastEpochs(log.epoch, log.head, true);
  // The positions that this process has seen have other entries now. The position at which the two
  // logs begin to differ is unknown.
  if (!holdsEntry(log, seen, idAt)) return [];
  return origin === 'same' ? undefined : pastEpochs(log.epoch, log.head, true);
}

/** True if a log has the epoch `epochId`, or continues it without loss. */
export function isLogOf({ id, before = [] }: Epoch, epochId: string): boolean {
  return id === epochId || before.some((past) => past.id === epochId && !past.lost);
}
