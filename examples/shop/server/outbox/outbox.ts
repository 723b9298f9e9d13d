import type { NewNotification, TopicOf } from 'nest-notifications';
import type { OrderFeed } from '../../shared/notifications.js';
import type { OpenTransaction } from '../database/schema.js';

/** Publishes to the feed of orders, as a part of the open transaction. */
export type Publish = <Topic extends TopicOf<OrderFeed>>(
  topic: Topic,
  notification: NewNotification<OrderFeed, Topic>,
) => Promise<void>;

/**
 * Runs a transaction that changes orders and publishes notifications about them. The notifications
 * are published if and only if the transaction commits. Each engine has its own implementation.
 */
export abstract class Outbox {
  abstract transaction<T>(work: (tx: OpenTransaction, publish: Publish) => Promise<T>): Promise<T>;
}
