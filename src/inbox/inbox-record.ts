import type { Draft, LogEntry } from '../core/notification.js';
import type { Compaction, Covered } from './compaction.js';
import type { Flag } from './flag.js';
import { type InboxOperation, type InboxState, NEW_INBOX } from './inbox-state.js';

/**
 * One operation, and the ids of its items. The ids are for live readers, which do not know
 * positions. An operation with a watermark has only the id of its newest item.
 */
export interface OperationRecord {
  readonly operation: InboxOperation;
  readonly ids: readonly string[];
  /** The ids of the items in `operation.except`, as far as they are known. */
  readonly exceptIds?: readonly string[] | undefined;
  /** The types of "mark all" for some types. One such call may have several records. */
  readonly types?: readonly string[] | undefined;
}

/** The state after all operations up to a position. It makes older records unnecessary. */
export interface SnapshotRecord extends Compaction {
  readonly snapshot: InboxState;
  readonly upTo: number;
  /** The epoch of the log with these operations. Undefined: not known. */
  readonly epochId?: string | undefined;
  /** When it was written. `inboxDraft` takes this time from its argument `time`. */
  readonly timeMs?: number | undefined;
}

/** A record of an inbox in the log. */
export type InboxRecord = OperationRecord | SnapshotRecord;

/** A flag in the log: the watermark, then each exception as its distance from the previous one. */
type FlagText = readonly [upTo: number, ...distances: readonly number[]];

interface SnapshotText {
  readonly upTo: number;
  readonly epochId?: string | undefined;
  readonly seen: FlagText;
  readonly read: FlagText;
  readonly archived: FlagText;
  readonly removed: FlagText;
  readonly snoozed: readonly (readonly [position: number, untilMs: number])[];
  readonly compaction?: Compaction | undefined;
}

/**
 * An operation in the log. Other versions of the library, or other programs, may have written it.
 */
type OperationText = Readonly<Record<string, unknown>>;

/** The maximum number of items in one operation. It equals the default page size. */
export const OPERATION_ITEMS_MAX = 100;
/** The maximum number of types in one operation. An inbox has few types. */
export const OPERATION_TYPES_MAX = 20;

/**
 * Makes the draft of a record. Its topic is the reserved topic of the subscriber. `erased` means
 * that the items and the older records are erased.
 */
export function inboxDraft(topic: string, record: InboxRecord | 'erased', time: Date): Draft {
  const id = `$${globalThis.crypto.randomUUID()}`;
  const [type, data] = typeAndData(record);
  return { id, topic, json: JSON.stringify({ id, topic, type, time: time.toISOString(), data }) };
}

function typeAndData(record: InboxRecord | 'erased'): readonly [type: string, data: object] {
  if (record === 'erased') return ['inbox.erased', {}];
  if (!('operation' in record)) return ['inbox.snapshot', snapshotText(record)];
  const { operation, ...names } = record;
  return ['inbox.operation', { ...operation, ...names }];
}

/**
 * Parses a record. Undefined if this version does not know the record, or if it is invalid: other
 * versions of the library may write to the same log.
 */
export function inboxRecordOf({ json, position }: LogEntry): InboxRecord | undefined {
  try {
    const { type, time, data } = JSON.parse(json) as { type: unknown; time: string; data: unknown };
    if (type === 'inbox.operation') return readOperation(data as OperationText);
    // Operations before this record are erased, also operations that were appended during the call
    // of `erase`.
    if (type === 'inbox.erased') return { snapshot: NEW_INBOX, upTo: position, removed: position };
    if (type !== 'inbox.snapshot') return undefined;
    const record = readSnapshot(data as SnapshotText);
    return record && record.upTo < position ? { ...record, timeMs: Date.parse(time) } : undefined;
  } catch {
    return undefined;
  }
}

function readOperation({ ids, exceptIds, types, ...operation }: OperationText): InboxRecord | undefined {
  if (!areTexts(ids) || ids.length > OPERATION_ITEMS_MAX || !isOperation(operation)) return undefined;
  const areKnownTypes = areTexts(types) && types.length <= OPERATION_TYPES_MAX;
  return { operation, ids, ...(areTexts(exceptIds) && { exceptIds }), ...(areKnownTypes && { types }) };
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}

function isOperation(data: object): data is InboxOperation {
  const { op, upTo, except, positions, untilMs } = data as Readonly<Record<string, unknown>>;
  const hasPositions = isPositions(positions) && positions.length <= OPERATION_ITEMS_MAX;
  switch (op) {
    case 'seen':
    case 'read':
    case 'archive':
    case 'remove':
      if (upTo === undefined) return hasPositions;
      return isPosition(upTo) && positions === undefined && (except === undefined || isPositions(except));
    case 'unread':
    case 'unarchive':
    case 'unsnooze':
      return hasPositions;
    case 'snooze':
      return hasPositions && isPosition(untilMs);
    default:
      return false;
  }
}

function snapshotText({ snapshot: state, upTo, epochId, removed, mark }: SnapshotRecord): SnapshotText {
  const compaction = { removed, mark };
  return {
    upTo,
    epochId,
    seen: flagText(state.seen),
    read: flagText(state.read),
    archived: flagText(state.archived),
    removed: flagText(state.removed),
    snoozed: [...state.snoozed],
    ...((removed !== undefined || mark) && { compaction }),
  };
}

function readSnapshot(text: SnapshotText): SnapshotRecord | undefined {
  const { upTo, epochId, seen, read, archived, removed, snoozed, compaction } = text;
  const areFlags = [seen, read, archived, removed].every((flag) => isPositions(flag) && flag.length > 0);
  const pairs: readonly (readonly number[])[] = snoozed;
  const areTimes = pairs.every((pair) => isPositions(pair) && pair.length === 2);
  if (!isPosition(upTo) || !areFlags || !areTimes) return undefined;
  const state = {
    seen: readFlag(seen),
    read: readFlag(read),
    archived: readFlag(archived),
    removed: readFlag(removed),
    snoozed: new Map(snoozed),
  };
  const isKnown = typeof epochId === 'string';
  return { snapshot: state, upTo, ...(isKnown && { epochId }), ...readCompaction(compaction) };
}

/** Without a valid compaction, no record is removed. */
function readCompaction({ removed, mark }: Compaction = {}): Compaction {
  return { ...(isPosition(removed) && { removed }), ...(isCovered(mark) && { mark }) };
}

function isCovered(mark: Covered | undefined): mark is Covered {
  return isPosition(mark?.upTo) && isPosition(mark.timeMs);
}

function flagText({ upTo, exceptions }: Flag): FlagText {
  let last = 0;
  const distances = [...exceptions]
    .sort((a, b) => a - b)
    .map((position) => {
      const distance = position - last;
      last = position;
      return distance;
    });
  return [upTo, ...distances];
}

function readFlag([upTo, ...distances]: FlagText): Flag {
  let position = 0;
  return { upTo, exceptions: new Set(distances.map((distance) => (position += distance))) };
}

function isPositions(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(isPosition);
}

function isPosition(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
