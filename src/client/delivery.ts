import type { Gap } from '../core/gap.js';
import type { Retraction } from '../core/retraction.js';
import { CURSOR_LENGTH_MAX } from '../wire/protocol.js';

/** The content of one page, or of one block of a stream. */
export interface Delivery {
  readonly notifications: readonly object[];
  /** The position after these notifications. */
  readonly cursor: string;
  readonly gap?: Gap | undefined;
  /**
   * Retracted notifications. The client removes them before it adds the new notifications of this
   * delivery.
   */
  readonly retracted?: readonly Retraction[] | undefined;
}

/** Checks a value that a server or another tab has sent. Undefined if its shape is wrong. */
export function deliveryFrom(value: unknown): Delivery | undefined {
  const { notifications, cursor, gap, retracted = [] } = fieldsOf(value);
  const isDelivery = [notifications, retracted].every((list) => Array.isArray(list) && list.every(isObject));
  if (!isDelivery || !isCursor(cursor)) return undefined;
  if (gap !== undefined && typeof fieldsOf(gap).reason !== 'string') return undefined;
  // The lists were checked above.
  return { notifications, cursor, gap, retracted } as Delivery;
}

/** Whether a delivery has notifications or retractions. */
export function hasContent({ notifications, retracted }: Delivery): boolean {
  return notifications.length + (retracted?.length ?? 0) > 0;
}

/** Whether a retraction concerns this notification. */
export function isOf({ id, topic }: Retraction, notification: unknown): boolean {
  const other = fieldsOf(notification);
  return other.id === id && other.topic === topic;
}

/** The protocol limits the length, because a cursor goes into every request and into the store. */
export function isCursor(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= CURSOR_LENGTH_MAX;
}

/** The fields of an unknown value; none if the value is not an object. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? (value as Readonly<Record<string, unknown>>) : {};
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
