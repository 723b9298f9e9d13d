import type { LogPosition } from '../../core/page.js';
import { OPERATION_ITEMS_MAX, type OperationRecord } from '../inbox-record.js';
import {
  type InboxOperation,
  type InboxState,
  isSnoozed,
  type ItemSelection,
  type ItemState,
  itemState,
  snoozedItems,
} from '../inbox-state.js';
import { type InboxItems, type InboxReader, ITEMS_READ_MAX, typeOf } from './inbox-items.js';
import { foreignCursor, type InboxOp, type OperationRequest } from './operation-request.js';

/** The items of an operation that belong to the subscriber. */
export interface Target {
  readonly selection: ItemSelection;
  /** The id of each position, or of the item at the watermark. Several items may have one id. */
  readonly ids: readonly string[];
  /** The ids of the items in `selection.except`. */
  readonly exceptIds?: readonly string[] | undefined;
  readonly unknown: readonly string[];
}

/** A request, and the time at which the node performs it. */
export interface TimedRequest {
  readonly request: OperationRequest;
  readonly nowMs: number;
}

const NO_TARGET: Target = { selection: { positions: [] }, ids: [], unknown: [] };

/** Whether an item has the effect of "mark all" already. The record then omits the item. */
const HAS_EFFECT: Readonly<Partial<Record<InboxOp, (item: ItemState) => boolean>>> = {
  seen: ({ seen }) => seen,
  read: ({ seen, read }) => seen && read,
  archive: ({ archived }) => archived,
};

/** Finds the items of an operation among the newest ones of the subscriber. */
export async function findTarget(items: InboxItems, reader: InboxReader, request: OperationRequest): Promise<Target> {
  if ('ids' in request) return targetOfIds(items, reader, request.ids);
  const { upTo, types } = request;
  return types ? targetOfTypes(items, reader, { upTo, types }) : targetUpTo(items, reader, upTo);
}

/**
 * The items that the operation names in its record. A removed item is unknown, because no list has
 * it any more. "Mark all" leaves out snoozed items, because the list did not show them. "Mark all"
 * of some types also leaves out the items that it does not change.
 */
export function targetIn(state: InboxState, target: Target, { request, nowMs }: TimedRequest): Target {
  const { selection, ids, unknown } = target;
  if ('upTo' in selection) return { ...target, selection: withoutSnoozed(state, selection.upTo, nowMs) };
  const isOfTypes = 'upTo' in request;
  const states = selection.positions.map((position) => itemState(state, position));
  const isNamed = (_: unknown, index: number): boolean => {
    const item = states[index];
    return !!item && !item.removed && !(isOfTypes && (isSnoozed(item, nowMs) || HAS_EFFECT[request.op]?.(item)));
  };
  const named = new Set(ids.filter(isNamed));
  const removed = new Set(ids.filter((id) => !named.has(id)));
  return {
    selection: { positions: selection.positions.filter(isNamed) },
    ids: ids.filter(isNamed),
    unknown: isOfTypes ? [] : [...unknown, ...removed],
  };
}

/**
 * The target with the ids of the items that "mark all" leaves out. Usually there are none, so
 * nothing is read.
 */
export async function withExceptIds(items: InboxItems, reader: InboxReader, target: Target): Promise<Target> {
  const { selection } = target;
  if (!('upTo' in selection) || !selection.except) return target;
  const except = new Set(selection.except);
  const oldest = Math.min(...except);
  const exceptIds: string[] = [];
  for await (const { entries, position } of items.pages({ reader, before: 'latest' })) {
    for (const entry of entries) if (except.has(entry.position)) exceptIds.push(entry.id);
    if (position < oldest) break;
  }
  return { ...target, exceptIds };
}

/** The records of an operation. "Mark all" of some types may need several. */
export function recordsOf(request: OperationRequest, target: Target): readonly OperationRecord[] {
  const { op } = request;
  const { selection, ids, exceptIds } = target;
  if ('upTo' in selection) {
    return [{ operation: { op, ...selection } as InboxOperation, ids, ...(exceptIds && { exceptIds }) }];
  }
  const records: OperationRecord[] = [];
  for (let from = 0; from < ids.length; from += OPERATION_ITEMS_MAX) {
    const positions = selection.positions.slice(from, from + OPERATION_ITEMS_MAX);
    const until = 'untilMs' in request && { untilMs: request.untilMs };
    records.push({
      operation: { op, positions, ...until } as InboxOperation,
      ids: [...new Set(ids.slice(from, from + OPERATION_ITEMS_MAX))],
      ...('types' in request && { types: request.types }),
    });
  }
  return records;
}

function withoutSnoozed(state: InboxState, upTo: number, nowMs: number): ItemSelection {
  const snoozed = snoozedItems(state, nowMs).map(([position]) => position);
  const except = snoozed.filter((position) => position <= upTo);
  return { upTo, ...(except.length > 0 && { except }) };
}

async function targetOfIds(items: InboxItems, reader: InboxReader, given: readonly string[]): Promise<Target> {
  const wanted = new Set(given);
  let found = await positionsOf(items, reader, { wanted, before: 'latest' });
  // Another node may have delivered the items before this node has received them.
  const end = found.size < wanted.size ? await items.missing(reader.topics) : undefined;
  if (end) found = await positionsOf(items, reader, { wanted, before: end });
  const ids = [...wanted].filter((id) => found.has(id));
  const unknown = [...wanted].filter((id) => !found.has(id));
  const pairs = ids.flatMap((id) => (found.get(id) ?? []).map((position) => ({ id, position })));
  return {
    selection: { positions: pairs.map(({ position }) => position) },
    ids: pairs.map(({ id }) => id),
    unknown,
  };
}

/**
 * The positions of each id. Several items have the same id if it was sent again after the store had
 * forgotten it.
 */
async function positionsOf(
  items: InboxItems,
  reader: InboxReader,
  { wanted, before }: { wanted: ReadonlySet<string>; before: LogPosition | 'latest' },
): Promise<ReadonlyMap<string, readonly number[]>> {
  const found = new Map<string, number[]>();
  for await (const page of items.pages({ reader, before, limit: ITEMS_READ_MAX })) {
    for (const { id, position } of page.entries) {
      if (wanted.has(id)) found.set(id, [...(found.get(id) ?? []), position]);
    }
  }
  return found;
}

/**
 * The watermark is the position of an item. The cursor itself may be at another entry, or at an
 * item that was replaced or retracted, or has expired.
 */
async function targetUpTo(items: InboxItems, reader: InboxReader, upTo: LogPosition): Promise<Target> {
  for await (const { entries, gap } of items.pages({ reader, before: upTo })) {
    if (gap?.reason === 'reset') throw foreignCursor();
    const [newest] = entries;
    if (newest) return { selection: { upTo: newest.position }, ids: [newest.id], unknown: [] };
  }
  return NO_TARGET;
}

/**
 * The items of some types. A watermark covers all types, so the operation names its items one by
 * one. Only the newest 1,000 items are read, as for counts and filtered lists.
 */
async function targetOfTypes(
  items: InboxItems,
  reader: InboxReader,
  { upTo, types }: { upTo: LogPosition; types: readonly string[] },
): Promise<Target> {
  const [ids, positions]: [string[], number[]] = [[], []];
  for await (const { entries, gap } of items.pages({ reader, before: upTo })) {
    if (gap?.reason === 'reset') throw foreignCursor();
    for (const entry of entries) {
      if (!types.includes(typeOf(entry))) continue;
      ids.push(entry.id);
      positions.push(entry.position);
    }
  }
  return { selection: { positions }, ids, unknown: [] };
}
