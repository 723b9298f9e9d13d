import type { LogEntry, Notification } from '../../core/notification.js';
import { type InboxState, isShown, isSnoozed, type ItemState, itemState } from '../inbox-state.js';
import { typeOf } from './inbox-items.js';

/** A notification in an inbox, with its state. */
export interface InboxItem<N extends Notification = Notification> {
  readonly notification: N;
  /** Some device of the subscriber has shown it. */
  readonly seen: boolean;
  readonly read: boolean;
  readonly archived: boolean;
  /** Until this time the item is hidden: an RFC 3339 timestamp in UTC. */
  readonly snoozedUntil?: string | undefined;
}

/**
 * The items of a list. `inbox`: all except archived and snoozed ones. `unseen`, `unread` and `read`
 * are parts of `inbox`. Removed items are in no list.
 */
export type InboxStatus = 'inbox' | 'unseen' | 'unread' | 'read' | 'archived' | 'snoozed';

const IN_STATUS: Readonly<Record<InboxStatus, (item: ItemState, nowMs: number) => boolean>> = {
  inbox: isShown,
  unseen: (item, nowMs) => isShown(item, nowMs) && !item.seen,
  unread: (item, nowMs) => isShown(item, nowMs) && !item.read,
  read: (item, nowMs) => isShown(item, nowMs) && item.read,
  archived: (item) => item.archived && !item.removed,
  snoozed: isSnoozed,
};

export const STATUSES = Object.keys(IN_STATUS) as readonly InboxStatus[];

/** The items to list. */
export interface ItemFilter {
  readonly status: InboxStatus;
  /** Undefined: all types. */
  readonly types: readonly string[] | undefined;
}

/**
 * An item that passes a filter. Returns the item of an entry, or undefined if the filter excludes
 * the item.
 */
export function itemIn(
  entry: LogEntry,
  state: InboxState,
  { filter, nowMs }: { filter: ItemFilter; nowMs: number },
): InboxItem | undefined {
  const item = itemState(state, entry.position);
  if (!IN_STATUS[filter.status](item, nowMs)) return undefined;
  if (filter.types && !filter.types.includes(typeOf(entry))) return undefined;
  return itemOf(entry, item);
}

export function itemOf({ json }: LogEntry, { seen, read, archived, snoozedUntil }: ItemState): InboxItem {
  return {
    notification: JSON.parse(json) as Notification,
    seen,
    read,
    archived,
    ...(snoozedUntil && { snoozedUntil: snoozedUntil.toISOString() }),
  };
}
