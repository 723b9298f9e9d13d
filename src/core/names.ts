import { type ErrorCode, NotificationsError } from './errors.js';

/** A name of this length can hold two UUIDs and some words. Every engine accepts it as a key. */
export const TOPIC_LENGTH_MAX = 200;
export const TYPE_LENGTH_MAX = 200;
export const ID_LENGTH_MAX = 200;
export const KEY_LENGTH_MAX = 200;
const SUBSCRIBER_LENGTH_MAX = 200;
/** The rule of `isSubscriber`, for messages. */
export const SUBSCRIBER_RULE = `1 to ${SUBSCRIBER_LENGTH_MAX} characters of valid Unicode`;

/**
 * Characters that need no escape in URLs, in log lines and in the keys of every engine. A comma is
 * not one of them, because it separates topics in a query.
 */
const NAME = /^[A-Za-z0-9._:@/~=-]+$/;

/** @throws NotificationsError `topic_invalid` */
export function checkTopic(topic: unknown): string {
  return checkName(topic, { what: 'topic', code: 'topic_invalid', lengthMax: TOPIC_LENGTH_MAX });
}

/** @throws NotificationsError `type_invalid` */
export function checkType(type: unknown): string {
  return checkName(type, { what: 'type', code: 'type_invalid', lengthMax: TYPE_LENGTH_MAX });
}

/** @throws NotificationsError `id_invalid` */
export function checkId(id: unknown): string {
  return checkName(id, { what: 'id', code: 'id_invalid', lengthMax: ID_LENGTH_MAX });
}

/** @throws NotificationsError `option_invalid` */
export function checkKey(key: unknown): string {
  return checkName(key, { what: 'key', code: 'option_invalid', lengthMax: KEY_LENGTH_MAX });
}

/** @throws NotificationsError `subscriber_invalid` */
export function checkSubscriber(subscriber: unknown): string {
  if (isSubscriber(subscriber)) return subscriber;
  throw new NotificationsError('subscriber_invalid', `subscriber must be a text of ${SUBSCRIBER_RULE}`);
}

/** Whether a value that a caller passed is a valid topic. */
export function isTopic(value: unknown): value is string {
  return typeof value === 'string' && value.length <= TOPIC_LENGTH_MAX && NAME.test(value);
}

/**
 * Whether a value is a valid name of a subscriber. A text with half of a surrogate pair is not:
 * UTF-8 cannot encode it, so two such names would have the same bytes.
 */
export function isSubscriber(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.length > SUBSCRIBER_LENGTH_MAX) return false;
  return !/\p{Surrogate}/u.test(value);
}

function checkName(value: unknown, rule: { what: string; code: ErrorCode; lengthMax: number }): string {
  const { what, code, lengthMax } = rule;
  if (typeof value !== 'string' || value === '') {
    throw new NotificationsError(code, `${what} must be a text that is not empty`);
  }
  if (value.length > lengthMax) {
    throw new NotificationsError(code, `${what} has ${value.length} characters, at most ${lengthMax} are allowed`);
  }
  if (!NAME.test(value)) {
    throw new NotificationsError(code, `${what} may have letters, digits and . _ : @ / ~ = - only`);
  }
  return value;
}
