import { createHash } from 'node:crypto';
import { NotificationsError } from '../core/errors.js';
import type { PublishItem } from '../core/draft.js';

/** Room for a UUID with a prefix, and no more to hash than that. */
const KEY_LENGTH_MAX = 256;

/**
 * Gives items without an id of their own one that follows from the request's `Idempotency-Key`, so that a repeated request
 * is a repeated id. The topic is part of it: callers of different topics cannot take each other's keys.
 * @throws NotificationsError `id_invalid`
 */
export function idempotentItems(items: readonly PublishItem[], key: string | undefined): readonly PublishItem[] {
  if (key === undefined) return items;
  if (key === '' || key.length > KEY_LENGTH_MAX) {
    throw new NotificationsError('id_invalid', `Idempotency-Key must have 1 to ${KEY_LENGTH_MAX} characters`);
  }
  return items.map((item, index) => ({ ...item, id: item.id ?? idOf(key, item.topic, index) }));
}

function idOf(key: string, topic: string, index: number): string {
  return createHash('sha256')
    .update(JSON.stringify([key, topic, index]))
    .digest('base64url')
    .slice(0, 32);
}
