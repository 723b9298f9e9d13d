import type { LogEntry } from '../core/notification.js';
import type { Epoch, ReadResult } from '../core/store.js';
import type { LoadedSnapshot } from './compaction.js';
import { type InboxRecord, inboxRecordOf } from './inbox-record.js';
import { applyOperation, type InboxState, NEW_INBOX } from './inbox-state.js';

/** The state of an inbox, and the part of the log that it includes. */
export interface FoldedInbox {
  readonly state: InboxState;
  /** The position of the newest record that the state includes; 0 if there is none. */
  readonly upTo: number;
  /** Operations after the snapshot from which the state was loaded. */
  readonly operations: number;
  /** The snapshot from which the state was loaded. Undefined if there is none. */
  readonly snapshot?: LoadedSnapshot | undefined;
}

export const EMPTY_INBOX: FoldedInbox = Object.freeze({ state: NEW_INBOX, upTo: 0, operations: 0 });

/**
 * Adds new records to a folded inbox. The records are in the order of the log. Records that the
 * inbox includes already have no effect, so a repeated delivery is harmless.
 *
 * Undefined if the records contain a snapshot. Then the node loads the state again, because it may
 * have missed operations that the log no longer holds.
 */
export function withRecords(inbox: FoldedInbox, entries: readonly LogEntry[]): FoldedInbox | undefined {
  let { state, upTo, operations } = inbox;
  for (const entry of entries) {
    if (entry.position <= upTo) continue;
    upTo = entry.position;
    const record = inboxRecordOf(entry);
    if (!record) continue;
    if (!('operation' in record)) return undefined;
    state = applyOperation(state, record.operation);
    operations++;
  }
  return { ...inbox, state, upTo, operations };
}

/** Reads the records of one subscriber before a position, newest first. */
export type ReadRecords = (before: number) => Promise<Pick<ReadResult, 'entries' | 'more' | 'epoch'>>;

interface ReadRecord {
  readonly position: number;
  /** Undefined if this version does not know the record. */
  readonly record: InboxRecord | undefined;
}

/**
 * Loads the state of an inbox from the log. It reads backward to the snapshot that includes the
 * most records. It also reads operations appended while that snapshot was written.
 *
 * A snapshot may include fewer records than an older one, if two nodes write at the same time.
 * Another node may have removed the records that only the older snapshot includes. So the newest
 * snapshot is not always the right one.
 *
 * A snapshot that was appended after a failover may include operations that the failover has lost,
 * and lack operations of the new epoch at the same positions. Such a snapshot has no effect.
 */
export async function loadInbox(read: ReadRecords): Promise<FoldedInbox> {
  const newestFirst: ReadRecord[] = [];
  let start: FoldedInbox = EMPTY_INBOX;
  let before = Number.MAX_SAFE_INTEGER;
  for (;;) {
    const { entries, more, epoch } = await read(before);
    for (const entry of entries) {
      if (entry.position <= start.upTo) return continued(start, newestFirst);
      const record = inboxRecordOf(entry);
      newestFirst.push({ position: entry.position, record });
      const found = record && isOfLog(record, entry.position, epoch) ? startAt(record) : undefined;
      if (found && found.upTo > start.upTo) start = found;
    }
    const oldest = entries.at(-1);
    if (!more || !oldest) return continued(start, newestFirst);
    before = oldest.position;
  }
}

/** False if the epoch of the snapshot's state ended before the snapshot was appended. */
function isOfLog(record: InboxRecord, position: number, { id, before }: Epoch): boolean {
  if ('operation' in record || record.epochId === id) return true;
  const past = before?.find((one) => one.id === record.epochId);
  // A very old epoch is not in the list any more.
  return !past || position <= past.upTo;
}

/** The inbox at a snapshot. Undefined for an operation. */
function startAt(record: InboxRecord): FoldedInbox | undefined {
  if ('operation' in record) return undefined;
  const { snapshot: state, upTo, timeMs, mark, removed } = record;
  return { state, upTo, operations: 0, ...(timeMs !== undefined && { snapshot: { upTo, timeMs, mark, removed } }) };
}

/** Adds the operations after a snapshot. Other snapshots add nothing. */
function continued(start: FoldedInbox, newestFirst: readonly ReadRecord[]): FoldedInbox {
  let { state, upTo, operations } = start;
  for (const { position, record } of newestFirst.toReversed()) {
    if (position <= start.upTo) continue;
    upTo = position;
    if (!record || !('operation' in record)) continue;
    state = applyOperation(state, record.operation);
    operations++;
  }
  return { ...start, state, upTo, operations };
}
