import type { Gap } from '../core/gap.js';
import { CURSOR_LENGTH_MAX } from '../wire/protocol.js';

/** The content of one page, or of one block of a stream. */
export interface Delivery {
  readonly notifications: readonly object[];
  /** The position after these notifications. */
  readonly cursor: string;
  readonly gap?: Gap | undefined;
}

/** Checks a value that a server or another tab has sent. Undefined if its shape is wrong. */
export function deliveryFrom(value: unknown): Delivery | undefined {
  const { notifications, cursor, gap } = fieldsOf(value);
  const isDelivery = Array.isArray(notifications) && notifications.every(isObject) && isCursor(cursor);
  if (!isDelivery || (gap !== undefined && typeof fieldsOf(gap).reason !== 'string')) return undefined;
  return { notifications, cursor, gap: gap as Gap | undefined };
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
