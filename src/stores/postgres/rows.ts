import type { LogEntry } from '../../core/notification.js';
import type { AppendResult, Epoch, PastEpoch, ReadResult } from '../../core/store.js';
import type { DraftArrays } from '../shared/group-commit.js';
import type { ClaimResult } from '../shared/claims.js';
import type { Row } from './database.js';
import { LogChanged } from './errors.js';

/** The result of one append, as the function `append` writes it. Positions are below 2 ** 53. */
export interface AppendRow {
  readonly epochId: string;
  readonly before: number;
  readonly head: number;
  readonly positions: readonly number[];
  readonly duplicates: readonly boolean[];
}

/** The log that an answer is from. */
export interface LogRow {
  readonly epochId: string;
  /**
   * True if the engine that answered also wrote the log's row. Otherwise its entries may differ
   * from that row.
   */
  readonly isCurrent: boolean;
}

/** The result of a read. Each row has the columns of the log and of one entry. */
export interface ReadRows extends LogRow, Omit<ReadResult, 'epoch'> {
  /** True if the outbox holds publications of transactions. */
  readonly outbox: boolean;
}

/** The result of `verify`. */
export interface EpochRow {
  readonly epoch: Epoch;
  readonly isLossFound: boolean;
}

/** Big integers are texts, unless the application has set another type parser. */
function number(value: unknown): number {
  return Number(value);
}

export function epochRow(rows: readonly Row[]): EpochRow {
  const [row] = rows;
  if (!row) throw new LogChanged();
  const before = JSON.parse(row.before as string) as PastEpoch[];
  const epoch: Epoch = { id: row.epoch_id as string, secret: row.epoch_secret as string, before };
  return { epoch, isLossFound: row.lost === true };
}

export function logRow(row: Row): LogRow {
  return { epochId: row.epoch_id as string, isCurrent: row.current === true };
}

export function appendRow(rows: readonly Row[]): AppendRow {
  const [row] = rows;
  if (!row) throw new LogChanged();
  return JSON.parse(row.appended as string) as AppendRow;
}

/** The results of an append, one for each array of drafts. */
export function resultsOf(arrays: DraftArrays, epoch: Epoch, { positions, duplicates }: AppendRow): AppendResult[] {
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

/** The result of one move of publications from the outbox. */
export interface MovedRow {
  /** Publications that were moved into the log. */
  readonly moved: number;
  /** Publications that were moved to `outbox_rejected`. */
  readonly rejected: number;
  /** The notifications of the moved publications, and their bytes of JSON. */
  readonly entries: number;
  readonly bytes: number;
}

export function movedRow([row]: readonly Row[]): MovedRow {
  const of = (name: keyof MovedRow): number => number(row?.[name] ?? 0);
  return { moved: of('moved'), rejected: of('rejected'), entries: of('entries'), bytes: of('bytes') };
}

/** How many entries retention removed, and whether this node must vacuum now. */
export function trimmedRow([row]: readonly Row[]): { removed: number; isVacuumDue: boolean } {
  return { removed: number(row?.removed ?? 0), isVacuumDue: row?.is_vacuum_due === true };
}

/** The result of a removal of some entries of a topic. */
export interface RemovedRow extends LogRow {
  readonly removed: number;
  /** The position of the last removed entry. Undefined if there is none. */
  readonly last: number | undefined;
  readonly head: number;
  /** True if the role of this node may vacuum. */
  readonly canVacuum: boolean;
}

export function removedRow([row]: readonly Row[]): RemovedRow {
  if (!row) throw new LogChanged();
  return {
    ...logRow(row),
    removed: number(row.removed),
    last: row.last_removed === null ? undefined : number(row.last_removed),
    head: number(row.head),
    canVacuum: row.can_vacuum === true,
  };
}

/** A row of the index of patterns. */
export interface PatternRow {
  readonly pattern: string;
  readonly position: number;
}

/** The last row that was removed from the index of patterns; undefined if there is no more. */
export function unindexedRow([row]: readonly Row[]): PatternRow | undefined {
  const { pattern, last_removed } = row ?? {};
  return typeof pattern === 'string' ? { pattern, position: number(last_removed) } : undefined;
}

export function positionRows(rows: readonly Row[]): (number | undefined)[] {
  return rows.map(({ position }) => (position === null ? undefined : number(position)));
}

export function readRows(rows: readonly Row[]): ReadRows {
  const [first] = rows;
  if (!first) throw new LogChanged();
  return {
    ...logRow(first),
    entries: first.position === null ? [] : rows.map(entryOf),
    more: first.more === true,
    head: number(first.head),
    trimmed: number(first.trimmed),
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
