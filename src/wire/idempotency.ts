import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { PublishItem } from '../core/draft.js';
import { NotificationsError } from '../core/errors.js';
import type { Notification } from '../core/notification.js';

/** Long enough for a UUID with a prefix. The limit also bounds the bytes to hash. */
const KEY_LENGTH_MAX = 256;

/** The items of one request. Their ids depend on the caller and on their topics. */
export interface ScopedItems {
  readonly items: readonly PublishItem[];
  /** Ids that are derived from the request. The same request yields them again. */
  readonly named: readonly string[];
  /** The ids of `named` that are derived from the request's `Idempotency-Key`. */
  readonly keyed: readonly string[];
  /**
   * Ids that the `Idempotency-Key` would give to one more item. If such an id was used before, the
   * key was sent with a longer array before.
   */
  readonly following: readonly string[];
}

/**
 * Replaces the ids of a publish over HTTP. Each new id is derived from the caller, the topic, and
 * the given `id` or the request's `Idempotency-Key`. So no caller can choose an id that another
 * caller or the application uses.
 *
 * @param caller from `callerKey`
 * @throws NotificationsError `id_invalid`
 */
export function scopedItems(given: readonly PublishItem[], caller: string, key: string | undefined): ScopedItems {
  checkKey(key);
  const idOfKey = (topic: string, index: number): string => derivedId(['key', caller, topic, key, index]);
  const named: string[] = [];
  const keyed: string[] = [];
  const items = given.map((item, index) => {
    if (item.id === undefined && key === undefined) return item;
    const id = item.id === undefined ? idOfKey(item.topic, index) : derivedId(['id', caller, item.topic, item.id]);
    named.push(id);
    if (item.id === undefined) keyed.push(id);
    return { ...item, id };
  });
  const topics = keyed.length > 0 ? [...new Set(given.map(({ topic }) => topic))] : [];
  return { items, named, keyed, following: topics.map((topic) => idOfKey(topic, given.length)) };
}

/**
 * The id of a copy of a notification that is published to many topics. A repeat with the same id
 * yields the same ids for its copies.
 */
export function copyId(id: string, topic: string): string {
  return derivedId(['copy', id, topic]);
}

/**
 * A short name for the key of a caller, for the log. It has 96 bits of SHA-256, so two callers do
 * not share it.
 */
export function callerDigest(key: string): string {
  return createHash('sha256').update(key).digest('base64url').slice(0, 16);
}

/**
 * Whether two notifications, as JSON, have the same type, options and data. The order of keys makes
 * no difference. `traceparent` is not compared, because each attempt has its own. `publisher` is
 * not compared, because the id already depends on the caller.
 */
export function isSamePayload(one: string, other: string): boolean {
  const [first, second] = [one, other].map((json) => JSON.parse(json) as Notification) as [Notification, Notification];
  return (
    first.type === second.type &&
    first.key === second.key &&
    first.priority === second.priority &&
    (first.expiresAt === second.expiresAt || ttlOf(first) === ttlOf(second)) &&
    isDeepStrictEqual(first.data, second.data)
  );
}

/**
 * The time to live. Use it to compare expiries, because a repeat with the same `ttlMs` expires
 * later.
 */
function ttlOf({ time, expiresAt }: Notification): number | undefined {
  return expiresAt === undefined ? undefined : Date.parse(expiresAt) - Date.parse(time);
}

/**
 * The error for an id that was used for another payload. Without it, the client would believe that
 * its new notification was published.
 */
export function reusedId(): NotificationsError {
  const message = 'the id or Idempotency-Key was used before with another type, other options or other data';
  return new NotificationsError('id_reused', message);
}

function checkKey(key: string | undefined): void {
  if (key === undefined || (key !== '' && key.length <= KEY_LENGTH_MAX)) return;
  throw new NotificationsError('id_invalid', `Idempotency-Key must have 1 to ${KEY_LENGTH_MAX} characters`);
}

/** 192 bits of SHA-256: a caller cannot find an input that gives a chosen id. */
function derivedId(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 32);
}
