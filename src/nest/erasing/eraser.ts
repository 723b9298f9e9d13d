import { type ErasedTopic, eraseTopics } from '../../core/erasure.js';
import { NotificationsError } from '../../core/errors.js';
import { checkTopic, isSubscriber, SUBSCRIBER_RULE } from '../../core/names.js';
import { checkTopics } from '../../wire/request.js';
import { isReading, type PublishContext } from '../context.js';

/** One topic, or all topics that belong to a subscriber alone. */
export type ErasureTarget<Topic extends string = string> =
  | { readonly topic: Topic; readonly subscriber?: undefined }
  | { readonly subscriber: string; readonly topic?: undefined };

/** The result of an erasure. */
export interface Erased {
  /** Notifications, and retractions of them, that this call has removed from the store. */
  readonly count: number;
  /**
   * The count for each topic. The list contains every erased topic, also a topic without
   * notifications.
   */
  readonly topics: readonly ErasedTopic[];
}

/**
 * The maximum number of owned topics. More of them are probably a mistake in the rule.
 */
const OWNED_TOPICS_MAX = 10_000;

/** Erases topics, with or without the option `publishOnly`. */
export async function erase(context: PublishContext, target: ErasureTarget): Promise<Erased> {
  const topics = await topicsOf(context, target);
  const erased = isReading(context) ? await context.feed.erase(topics) : await eraseInStore(context, topics);
  if (target.subscriber !== undefined) context.insight.forgetSubscriber(target.subscriber);
  return { count: erased.reduce((sum, { count }) => sum + count, 0), topics: erased };
}

function eraseInStore({ store, clock }: PublishContext, topics: readonly string[]): Promise<readonly ErasedTopic[]> {
  return eraseTopics(topics, { store, time: new Date(clock.now()), onRecorded: () => undefined });
}

async function topicsOf(context: PublishContext, { topic, subscriber }: ErasureTarget): Promise<readonly string[]> {
  if ((topic === undefined) === (subscriber === undefined)) {
    throw new TypeError('erase needs either a topic or a subscriber, as in erase({ topic })');
  }
  if (topic !== undefined) return [checkTopic(topic)];
  const owned = await ownedTopics(context, subscriber);
  return owned.length === 0 ? [] : checkTopics(owned, OWNED_TOPICS_MAX);
}

/**
 * The rule `topics` is not used, because other subscribers may share those topics.
 * @throws NotificationsError `publish_only` or `owned_topics_missing`
 */
async function ownedTopics(context: PublishContext, subscriber: string | undefined): Promise<readonly string[]> {
  if (!isSubscriber(subscriber)) {
    throw new TypeError(`erase: subscriber must be a string of ${SUBSCRIBER_RULE}`);
  }
  if (!isReading(context)) {
    const message =
      'this feed has the option publishOnly, so erase({ subscriber }) is not available; use erase({ topic })';
    throw new NotificationsError('publish_only', message);
  }
  const topics = await context.access.ownedTopics(subscriber);
  if (topics) return topics;
  const message =
    'erase({ subscriber }) needs the rule access.ownedTopics, which returns the topics that belong to the subscriber alone';
  throw new NotificationsError('owned_topics_missing', message);
}
