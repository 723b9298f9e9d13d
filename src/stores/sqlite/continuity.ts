import { positionIn } from '../../core/page.js';
import type { Epoch, PastEpoch } from '../../core/store.js';
import { pastEpochs } from '../shared/epoch.js';

/** The end of the log as this process knows it. A log without it is another one. */
export interface Seen {
  readonly epochId: string;
  readonly head: number;
  /**
   * The newest entry whose id is known. Ids are random, so another log of the same length has
   * another one.
   */
  readonly entry?: { readonly position: number; readonly id: string } | undefined;
}

/** A log, as far as continuity depends on it. */
export interface Held {
  readonly epoch: Epoch;
  readonly head: number;
  readonly trimmed: number;
}

/**
 * Whether the file was made by this opening, is the one that was open last, or has another
 * identity, as a copy has.
 */
export type Origin = 'new' | 'same' | 'other';

type IdAt = (position: number) => string | undefined;

/** Whether a log is as long as the one that was seen, and continues its epoch. */
export function isContinued({ epoch, head }: Pick<Held, 'epoch' | 'head'>, seen: Seen): boolean {
  return head >= seen.head && positionIn(epoch, { epochId: seen.epochId, position: seen.head }) !== undefined;
}

/** Whether the newest entry that was seen is still at its position, or retention has removed it. */
export function holdsEntry({ trimmed }: Held, { entry }: Seen, idAt: IdAt): boolean {
  return !entry || entry.position <= trimmed || idAt(entry.position) === entry.id;
}

/**
 * The past epochs of a log that gets a new epoch when it is opened; undefined if it keeps its
 * epoch.
 *
 * A file that is restored in place looks like one that was closed: the copy has the same
 * identity. So each start begins an epoch that continues the old one up to the head. A start
 * after a restore then excludes all cursors beyond the copy, and a normal start costs no gap. A
 * process that opens the file again continues what it has seen.
 */
export function renewal(
  log: Held,
  { seen, origin, idAt }: { readonly seen: Seen | undefined; readonly origin: Origin; readonly idAt: IdAt },
): readonly PastEpoch[] | undefined {
  if (origin === 'new') return undefined;
  if (!seen) return pastEpochs(log.epoch, log.head, origin === 'other');
  if (!isContinued(log, seen)) return pastEpochs(log.epoch, log.head, true);
  // The positions that this process has seen have other entries now. The two logs part at an
  // unknown position.
  if (!holdsEntry(log, seen, idAt)) return [];
  return origin === 'same' ? undefined : pastEpochs(log.epoch, log.head, true);
}

/** Whether a log is that of an epoch, or continues it without loss. */
export function isLogOf({ id, before = [] }: Epoch, epochId: string): boolean {
  return id === epochId || before.some((past) => past.id === epochId && !past.lost);
}
