import type { InboxStatus } from '../../inbox/nest/inbox-item.js';
import type { InboxOp } from '../../inbox/nest/operation-request.js';
import { fieldsOf, isOf } from '../delivery.js';
import type { InboxFilter, InboxItem } from './types.js';
import type { Change, InboxEvent } from './wire-types.js';

/**
 * An item that the client knows. The list keeps removed and hidden items, because `upTo` of a
 * change may be the id of such an item.
 */
export type KnownItem<N extends object> = InboxItem<N> & { readonly removed?: boolean };

/** Newest first. */
export type KnownItems<N extends object> = readonly KnownItem<N>[];

type State = Partial<Pick<KnownItem<object>, 'seen' | 'read' | 'archived' | 'removed' | 'snoozedUntil'>>;

const EFFECTS: Readonly<Record<InboxOp, State>> = {
  seen: { seen: true },
  read: { seen: true, read: true },
  unread: { read: false },
  archive: { archived: true },
  unarchive: { archived: false },
  snooze: { seen: false, read: false, archived: false },
  unsnooze: { snoozedUntil: undefined },
  remove: { removed: true },
};

const isShown = ({ archived, snoozedUntil }: KnownItem<object>): boolean => !archived && snoozedUntil === undefined;

/** An archived or removed item is not snoozed, because it does not return. */
export const isSnoozed = ({ archived, removed, snoozedUntil }: KnownItem<object>): boolean =>
  !archived && !removed && snoozedUntil !== undefined;

const IN_STATUS: Readonly<Record<InboxStatus, (item: KnownItem<object>) => boolean>> = {
  inbox: isShown,
  unseen: (item) => isShown(item) && !item.seen,
  unread: (item) => isShown(item) && !item.read,
  read: (item) => isShown(item) && item.read,
  archived: (item) => item.archived,
  snoozed: isSnoozed,
};

export function isOp(value: unknown): value is InboxOp {
  return typeof value === 'string' && Object.hasOwn(EFFECTS, value);
}

export function idOf({ notification }: InboxItem<object>): string {
  return (notification as { readonly id: string }).id;
}

export function typeOf({ notification }: InboxItem<object>): string {
  return String(fieldsOf(notification).type);
}

/** Whether an item is in the inbox: neither archived nor removed nor snoozed. */
export function isInInbox(item: KnownItem<object>): boolean {
  return !item.removed && isShown(item);
}

/** The items of a list. */
export function listed<N extends object>(
  items: KnownItems<N>,
  { status = 'inbox', types }: InboxFilter,
): KnownItems<N> {
  return items.filter((item) => !item.removed && IN_STATUS[status](item) && (!types || types.includes(typeOf(item))));
}

/** The items after a change. The same objects where nothing has changed. */
export function withChange<N extends object>(items: KnownItems<N>, change: Change): KnownItems<N> {
  const { op, ids, upTo, except, types, until } = change;
  const named = new Set(ids);
  const newest = upTo === undefined ? Infinity : indexOf(items, upTo);
  const state: State = op === 'snooze' ? { ...EFFECTS.snooze, snoozedUntil: until } : EFFECTS[op];
  const names = Object.keys(state) as (keyof State)[];
  return items.map((item, index) => {
    const isUpTo = newest >= 0 && index >= newest && (!types || types.includes(typeOf(item)));
    const isNamed = named.has(idOf(item)) || (isUpTo && !except?.includes(idOf(item)));
    return isNamed && names.some((name) => item[name] !== state[name]) ? { ...item, ...state } : item;
  });
}

/** Whether the client has every item that it needs to apply an event's changes to the list. */
export function hasItemsOf<N extends object>(items: KnownItems<N>, event: InboxEvent<N>, status: InboxStatus): boolean {
  const known = new Set([...items, ...event.items].map(idOf));
  return event.changes.every(({ op, ids = [], upTo }) => {
    if (upTo !== undefined && !known.has(upTo)) return false;
    return !adds(op, status) || (upTo === undefined && ids.every((id) => known.has(id)));
  });
}

/**
 * The items after an event. An arrived item replaces an older one with its key. A tab may receive
 * an event twice, so an arrived item that is in the list already keeps its position.
 */
export function withEvent<N extends object>(items: KnownItems<N>, event: InboxEvent<N>): KnownItems<N> {
  const newestFirst = [...event.items].reverse();
  const changed = event.changes.reduce((before, change) => {
    // Arrived items include the change already, so the change is applied only to the items already
    // in the list.
    const isArrived = indexOf(before, change.upTo ?? '') < 0 && indexOf(newestFirst, change.upTo ?? '') >= 0;
    const [newest] = isArrived ? before : [];
    return withChange(before, newest ? { ...change, upTo: idOf(newest) } : change);
  }, items);
  const kept = changed.filter(
    ({ notification }) => !event.retracted.some((retraction) => isOf(retraction, notification)),
  );
  const known = new Set(kept.map(idOf));
  const arrived = newestFirst.filter((item) => !known.has(idOf(item)));
  return [...arrived, ...kept.filter((older) => !arrived.some((newer) => replaces(newer, older)))];
}

/** Whether an operation may add items to a list. */
function adds(op: InboxOp, status: InboxStatus): boolean {
  if (status === 'archived') return op === 'archive';
  if (status === 'snoozed') return op === 'snooze';
  return (
    op === 'unarchive' || op === 'unsnooze' || op === (status === 'unread' ? 'unread' : status === 'read' && 'read')
  );
}

/** Whether both items have the same key and topic, so that the newer one replaces the older one. */
function replaces(newer: InboxItem<object>, older: InboxItem<object>): boolean {
  const key = keyOf(newer);
  return key !== '' && key === keyOf(older);
}

/** Identifies the key of an item: on its topic and, with a scope, of its publisher. */
function keyOf({ notification }: InboxItem<object>): string {
  const { key, topic, keyScope, publisher } = fieldsOf(notification);
  return key ? JSON.stringify([key, topic, keyScope && [publisher]]) : '';
}

export function indexOf(items: KnownItems<object>, id: string): number {
  return items.findIndex((item) => idOf(item) === id);
}
