import type { LogEntry } from '../core/notification.js';
import { inboxRecordOf } from './inbox-record.js';
import { applyOperation, type InboxState, NEW_INBOX } from './inbox-state.js';

/** The state of an inbox, and the part of the log that it includes. */
export interface FoldedInbox {
  readonly state: InboxState;
  /** The position of the newest record that the state includes; 0 if there is none. */
  readonly upTo: number;
  /** Operations after the newest snapshot in the log. */
  readonly operations: number;
}

export const EMPTY_INBOX: FoldedInbox = Object.freeze({ state: NEW_INBOX, upTo: 0, operations: 0 });

/**
 * Whether new records contain a snapshot. Then the node reloads the state, because it may have
 * missed operations that the log no longer holds.
 */
export function hasSnapshot({ upTo }: FoldedInbox, entries: readonly LogEntry[]): boolean {
  return entries.some((entry) => entry.position > upTo && isSnapshot(entry));
}

/**
 * Adds operations to a folded inbox. The records are in the order of the log. Records that the
 * inbox includes already have no effect, so a repeated delivery is harmless. Snapshots are skipped.
 */
export function foldRecords(inbox: FoldedInbox, entries: readonly LogEntry[]): FoldedInbox {
  let { state, upTo, operations } = inbox;
  for (const entry of entries) {
    if (entry.position <= upTo) continue;
    upTo = entry.position;
    const record = inboxRecordOf(entry);
    if (!record || !('operation' in record)) continue;
    state = applyOperation(state, record.operation);
    operations++;
  }
  return { state, upTo, operations };
}

/** Reads the records of one subscriber before a position, newest first. */
export type ReadRecords = (
  before: number,
) => Promise<{ readonly entries: readonly LogEntry[]; readonly more: boolean }>;

/**
 * Loads the state of an inbox from the log. It reads backward to the newest snapshot, and further
 * to operations appended while that snapshot was written.
 */
export async function loadInbox(read: ReadRecords): Promise<FoldedInbox> {
  const newestFirst: LogEntry[] = [];
  let start: FoldedInbox = EMPTY_INBOX;
  let before = Number.MAX_SAFE_INTEGER;
  for (;;) {
    const { entries, more } = await read(before);
    for (const entry of entries) {
      if (entry.position <= start.upTo) return foldRecords(start, newestFirst.toReversed());
      newestFirst.push(entry);
      start = start === EMPTY_INBOX ? snapshotOf(entry) : start;
    }
    const oldest = entries.at(-1);
    if (!more || !oldest) return foldRecords(start, newestFirst.toReversed());
    before = oldest.position;
  }
}

function isSnapshot(entry: LogEntry): boolean {
  return snapshotOf(entry) !== EMPTY_INBOX;
}

function snapshotOf(entry: LogEntry): FoldedInbox {
  const record = inboxRecordOf(entry);
  if (!record || 'operation' in record) return EMPTY_INBOX;
  return { state: record.snapshot, upTo: record.upTo, operations: 0 };
}
