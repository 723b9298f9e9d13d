import { createHash } from 'node:crypto';
import { NotificationsError } from '../../core/errors.js';
import { checkSubscriber, checkTopic } from '../../core/names.js';
import { RESERVED_TOPIC_PREFIX } from '../../core/revocation.js';

/** The prefix of topics with the items of one subscriber. */
const PERSONAL = 'inbox.';
/** The prefix of topics with the records of one subscriber. No client can name such a topic. */
export const RECORDS = `${RESERVED_TOPIC_PREFIX}inbox.`;
/** 128 bits: a caller cannot find a name that has the same hash as another subscriber's name. */
const HASH_CHARS = 32;

/** The topics of one subscriber's inbox. */
export interface InboxTopics {
  /** Items for this subscriber only. */
  readonly personal: string;
  /** Operations and snapshots. */
  readonly records: string;
  /** Items for many subscribers, as the option `topics` returns them. */
  readonly broadcasts: readonly string[];
}

/**
 * The topic of a subscriber's own items. It does not reveal the subscriber's name.
 * @throws NotificationsError `subscriber_invalid`
 */
export function personalTopic(subscriber: string): string {
  return PERSONAL + hashOf(subscriber);
}

/**
 * The topic of a subscriber's records.
 * @throws NotificationsError `subscriber_invalid`
 */
export function recordsTopic(subscriber: string): string {
  return RECORDS + hashOf(subscriber);
}

/**
 * Checks the topic of a broadcast.
 * @throws NotificationsError `topic_invalid`, also for the topic of one subscriber
 */
export function checkBroadcast(topic: unknown): string {
  const checked = checkTopic(topic);
  if (!checked.startsWith(PERSONAL)) return checked;
  const message = `topic ${checked} begins with ${PERSONAL}, which is reserved for the items of one subscriber`;
  throw new NotificationsError('topic_invalid', message);
}

function hashOf(subscriber: unknown): string {
  return createHash('sha256').update(checkSubscriber(subscriber)).digest('hex').slice(0, HASH_CHARS);
}
