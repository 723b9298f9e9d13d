import type { Retraction } from '../../core/retraction.js';
import type { InboxCounts } from '../../inbox/inbox-counts.js';
import { type Delivery, deliveryFrom, fieldsOf, isCursor } from '../delivery.js';
import { isOp } from './item-list.js';
import type { InboxItem } from './types.js';
import type { Change, InboxEvent, InboxPage } from './wire-types.js';

/** Undefined if the shape is wrong. */
export function pageFrom<N extends object>(value: unknown): InboxPage<N> | undefined {
  const { items, counts, cursor, more, follow } = fieldsOf(value);
  const known = countsFrom(counts);
  if (!Array.isArray(items) || !known || !isCursor(cursor) || !isCursor(follow)) return undefined;
  return { items: items.flatMap(itemFrom<N>), counts: known, cursor, more: more === true, follow };
}

/** Undefined if the shape is wrong. The value may come from a server or from another tab. */
export function eventFrom<N extends object>(value: unknown): InboxEvent<N> | undefined {
  const { items, changes, retracted = [], counts } = fieldsOf(value);
  if (![items, changes, retracted].every(Array.isArray)) return undefined;
  return {
    items: (items as unknown[]).flatMap(itemFrom<N>),
    changes: (changes as unknown[]).flatMap(changeFrom),
    // A retraction is only compared with items, so its fields need no check.
    retracted: (retracted as unknown[]).map((one) => fieldsOf(one) as unknown as Retraction),
    counts: countsFrom(counts),
  };
}

/**
 * Converts the body of a poll to a delivery. The body is the only notification of the delivery,
 * unless the body has no content.
 */
export function pollDeliveryFrom(body: unknown): Delivery | undefined {
  const event = eventFrom(body);
  if (!event) return undefined;
  const { cursor, gap } = fieldsOf(body);
  const isEmpty = event.items.length + event.changes.length + event.retracted.length === 0;
  return deliveryFrom({ notifications: isEmpty ? [] : [body], cursor, gap });
}

/** Returns an array with the item, or an empty array if the value is not an item. */
function itemFrom<N extends object>(value: unknown): InboxItem<N>[] {
  const { notification, seen, read, archived, snoozedUntil } = fieldsOf(value);
  if (typeof fieldsOf(notification).id !== 'string') return [];
  const item = {
    notification: notification as N,
    seen: seen === true,
    read: read === true,
    archived: archived === true,
  };
  return [typeof snoozedUntil === 'string' ? { ...item, snoozedUntil } : item];
}

/** Returns an array with the change, or an empty array if the value is not a change. */
function changeFrom(value: unknown): Change[] {
  const { op, ids, upTo, except = [], types = [] } = fieldsOf(value);
  if (![except, types].every(Array.isArray)) return [];
  const hasItems = Array.isArray(ids) ? ids.every((id) => typeof id === 'string') : typeof upTo === 'string';
  return isOp(op) && hasItems ? [value as Change] : [];
}

function countsFrom(value: unknown): InboxCounts | undefined {
  const { unseen, unread, total, cap, types } = fieldsOf(value);
  const isComplete = [unseen, unread, total, cap].every(Number.isFinite) && typeof types === 'object' && types !== null;
  return isComplete ? (value as InboxCounts) : undefined;
}
