import type { Gap } from '../core/page.js';
import { CURSOR_LENGTH_MAX } from '../wire/protocol.js';

/** The content of one page, or of one block of a stream. */
export interface Delivery {
  readonly notifications: readonly object[];
  /** The position after these notifications. */
  readonly cursor: string;
  readonly gap?: Gap | undefined;
}

/** A server or a tab may send anything, so only what has the right shape is used. Undefined for everything else. */
export function deliveryFrom(value: unknown): Delivery | undefined {
  const { notifications, cursor, gap } = fieldsOf(value);
  const isWhole = Array.isArray(notifications) && notifications.every(isObject) && isCursor(cursor);
  if (!isWhole || (gap !== undefined && typeof fieldsOf(gap).reason !== 'string')) return undefined;
  return { notifications, cursor, gap: gap as Gap | undefined };
}

/** The protocol bounds the length of a cursor; a longer one would go into every request and into the store. */
export function isCursor(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= CURSOR_LENGTH_MAX;
}

/** Fields that have not been checked yet. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? (value as Readonly<Record<string, unknown>>) : {};
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
