import {
  bestWatermark,
  type Flag,
  hasFlag,
  NO_ITEMS,
  withAllUpTo,
  withItems,
  withoutTrimmed,
  withWatermark,
} from './flag.js';

/**
 * The state of a subscriber's inbox: a pure function of the operations in the order of the log. All
 * nodes and devices that have read the same operations have the same state.
 */
export interface InboxState {
  readonly seen: Flag;
  readonly read: Flag;
  readonly archived: Flag;
  /** Items that the subscriber has removed from the inbox. */
  readonly removed: Flag;
  /** Hidden items, and the time until which each is hidden, in milliseconds since the epoch. */
  readonly snoozed: ReadonlyMap<number, number>;
}

/** The state of one item. */
export interface ItemState {
  readonly seen: boolean;
  readonly read: boolean;
  readonly archived: boolean;
  readonly removed: boolean;
  /** Undefined for an item that is not hidden. */
  readonly snoozedUntil: Date | undefined;
}

/** All items up to a position in the log, without some. */
export interface ItemsUpTo {
  readonly upTo: number;
  /** The positions of items that were snoozed at the time of the operation. */
  readonly except?: readonly number[] | undefined;
}

/** Items by their positions in the log, or all items up to a position. */
export type ItemSelection = { readonly positions: readonly number[] } | ItemsUpTo;

/** One change of the state, in the form that the log stores. */
export type InboxOperation =
  | ({ readonly op: 'seen' | 'read' | 'archive' | 'remove' } & ItemSelection)
  | { readonly op: 'unread' | 'unarchive' | 'unsnooze'; readonly positions: readonly number[] }
  | { readonly op: 'snooze'; readonly positions: readonly number[]; readonly untilMs: number };

/** The state of an inbox without operations. */
export const NEW_INBOX: InboxState = Object.freeze({
  seen: NO_ITEMS,
  read: NO_ITEMS,
  archived: NO_ITEMS,
  removed: NO_ITEMS,
  snoozed: new Map<number, number>(),
});

/**
 * The state after an operation. The same object if nothing changed.
 *
 * - A read item is also seen. An unread item stays seen.
 * - A snoozed item becomes unread and unseen, and it leaves the archive. So it appears as a new
 *   item when the snooze ends. No list showed it meanwhile, so "mark all" does not change it.
 */
export function applyOperation(state: InboxState, operation: InboxOperation): InboxState {
  const next = changed(state, operation);
  const names = Object.keys(next) as (keyof InboxState)[];
  return names.every((name) => next[name] === state[name]) ? state : next;
}

function changed(state: InboxState, operation: InboxOperation): InboxState {
  switch (operation.op) {
    case 'seen':
      return { ...state, seen: select(state.seen, operation) };
    case 'read':
      return { ...state, seen: select(state.seen, operation), read: select(state.read, operation) };
    case 'archive':
      return { ...state, archived: select(state.archived, operation) };
    case 'remove':
      return { ...state, removed: select(state.removed, operation) };
    case 'unread':
      return { ...state, read: withItems(state.read, operation.positions, false) };
    case 'unarchive':
      return { ...state, archived: withItems(state.archived, operation.positions, false) };
    case 'snooze':
      return snooze(state, operation.positions, operation.untilMs);
    case 'unsnooze':
      return { ...state, snoozed: withoutKeys(state.snoozed, operation.positions) };
  }
}

export function itemState(state: InboxState, position: number): ItemState {
  const until = state.snoozed.get(position);
  return {
    seen: hasFlag(state.seen, position),
    read: hasFlag(state.read, position),
    archived: hasFlag(state.archived, position),
    removed: hasFlag(state.removed, position),
    snoozedUntil: until === undefined ? undefined : new Date(until),
  };
}

/** Whether an item is in the inbox now: neither archived nor removed nor snoozed. */
export function isShown(item: ItemState, nowMs: number): boolean {
  return !item.archived && !item.removed && !isSnoozed(item, nowMs);
}

/** Whether an item is hidden for some time. An archived or removed item does not return. */
export function isSnoozed({ archived, removed, snoozedUntil }: ItemState, nowMs: number): boolean {
  return !archived && !removed && snoozedUntil !== undefined && snoozedUntil.getTime() > nowMs;
}

/** The items that are snoozed at a time, and the time until which each is hidden. */
export function snoozedItems(
  state: InboxState,
  nowMs: number,
): readonly (readonly [position: number, until: number])[] {
  return [...state.snoozed].filter(([position]) => isSnoozed(itemState(state, position), nowMs));
}

/** The number of exceptions and snoozed items that the state stores. */
export function exceptionCount({ seen, read, archived, removed, snoozed }: InboxState): number {
  return [seen, read, archived, removed].reduce((sum, { exceptions }) => sum + exceptions.size, snoozed.size);
}

/**
 * The same state without entries that have no effect any more: items that the log no longer holds,
 * and times that have passed.
 */
export function compacted(state: InboxState, trimmed: number, nowMs: number): InboxState {
  return {
    seen: withoutTrimmed(state.seen, trimmed),
    read: withoutTrimmed(state.read, trimmed),
    archived: withoutTrimmed(state.archived, trimmed),
    removed: withoutTrimmed(state.removed, trimmed),
    snoozed: new Map([...state.snoozed].filter(([position, until]) => position > trimmed && until > nowMs)),
  };
}

/** Items whose exceptions a watermark can replace. */
export interface ReplacedItems {
  /** The positions of the items, in the order of the log. */
  readonly positions: readonly number[];
  /** All items of the subscriber after this position are in the list. */
  readonly from: number;
  /** True if the subscriber may later see other items between these, such as older broadcasts. */
  readonly mayGainItems: boolean;
}

/**
 * The state with higher watermarks. `next`, the state after the operation, then has the fewest
 * exceptions. A watermark also covers the items that the subscriber may gain. They may become seen
 * and read, but not archived or removed, because then the subscriber would never see them.
 */
export function withHigherWatermarks(
  state: InboxState,
  next: InboxState,
  { positions, from, mayGainItems }: ReplacedItems,
): InboxState {
  const raised = (name: 'seen' | 'read' | 'archived' | 'removed'): Flag => {
    const flag = state[name];
    if (flag.upTo < from) return flag;
    const newer = positions.filter((position) => position > flag.upTo);
    return withWatermark(flag, newer, bestWatermark(next[name], newer));
  };
  return {
    seen: raised('seen'),
    read: raised('read'),
    archived: mayGainItems ? state.archived : raised('archived'),
    removed: mayGainItems ? state.removed : raised('removed'),
    snoozed: state.snoozed,
  };
}

function select(flag: Flag, selection: ItemSelection): Flag {
  if ('positions' in selection) return withItems(flag, selection.positions, true);
  return withAllUpTo(flag, selection.upTo, selection.except);
}

function snooze(state: InboxState, positions: readonly number[], untilMs: number): InboxState {
  const isNew = positions.some((position) => state.snoozed.get(position) !== untilMs);
  const untils = positions.map((position) => [position, untilMs] as const);
  return {
    ...state,
    snoozed: isNew ? new Map([...state.snoozed, ...untils]) : state.snoozed,
    seen: withItems(state.seen, positions, false),
    read: withItems(state.read, positions, false),
    archived: withItems(state.archived, positions, false),
  };
}

/** Returns the same object if no key is in the map. */
function withoutKeys(map: ReadonlyMap<number, number>, keys: readonly number[]): ReadonlyMap<number, number> {
  const kept = new Map(map);
  for (const key of keys) kept.delete(key);
  return kept.size === map.size ? map : kept;
}
