import type { LogEntry } from '../../core/notification.js';
import type { AppendResult, Epoch, ReadResult } from '../../core/store.js';
import type { DraftArrays } from '../shared/append-queue.js';
import type { ClaimResult } from '../shared/claims.js';
import type { Row } from './database.js';
import { LogChanged } from './errors.js';

/** What one append gave back. */
export interface AppendRow {
  readonly epoch: Epoch;
  readonly before: number;
  readonly head: number;
  readonly positions: readonly number[];
  readonly duplicates: readonly boolean[];
}

/** What a read gave back: the log's row beside every entry. */
export interface ReadRows extends ReadResult {
  /** A transaction of the application has left something to be moved into the log. */
  readonly outbox: boolean;
}

/** Big integers come as texts, or as what the application has told the library to make of them. */
function number(value: unknown): number {
  return Number(value);
}

function epochOf(row: Row): Epoch {
  return { id: row.epoch_id as string, secret: row.epoch_secret as string };
}

export function appendRow(rows: readonly Row[]): AppendRow {
  const [row] = rows;
  if (!row) throw new LogChanged();
  return {
    epoch: epochOf(row),
    before: number(row.before),
    head: number(row.head),
    positions: ((row.positions ?? []) as unknown[]).map(number),
    duplicates: (row.duplicates ?? []) as boolean[],
  };
}

/** Each array's part of what was appended together. */
export function resultsOf(arrays: DraftArrays, { epoch, positions, duplicates }: AppendRow): AppendResult[] {
  let next = 0;
  return arrays.map((drafts) => ({
    epoch,
    appended: drafts.map(({ id }) => {
      const index = next++;
      return { id, position: positions[index] ?? 0, duplicate: duplicates[index] === true };
    }),
  }));
}

/** The result of a claim; its number is -1 when there are too many claims. */
export function claimRow(rows: readonly Row[]): ClaimResult {
  const [row] = rows;
  if (!row) throw new LogChanged();
  return {
    epochId: row.epoch_id as string,
    number: row.claim_number === null ? undefined : number(row.claim_number),
    removed: number(row.removed),
  };
}

export function positionRows(rows: readonly Row[]): (number | undefined)[] {
  return rows.map(({ position }) => (position === null ? undefined : number(position)));
}

export function readRows(rows: readonly Row[]): ReadRows {
  const [first] = rows;
  if (!first) throw new LogChanged();
  const trimmed = number(first.trimmed);
  return {
    epoch: epochOf(first),
    entries: first.position === null ? [] : rows.map(entryOf),
    more: first.more === true,
    head: first.head === null ? trimmed : number(first.head),
    trimmed,
    outbox: first.outbox === true,
  };
}

function entryOf(row: Row): LogEntry {
  return {
    position: number(row.position),
    id: row.id as string,
    topic: row.topic as string,
    json: row.json as string,
    bytes: number(row.bytes),
  };
}
