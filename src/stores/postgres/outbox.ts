import { NotificationsError, type ErrorCode } from '../../core/errors.js';
import type { Notification } from '../../core/notification.js';
import { checkedSchema } from './options.js';
import { publishCall } from './sql/calls.sql.js';

/** A notification to publish inside a transaction. */
export interface TransactionNotification {
  readonly topic: string;
  readonly type: string;
  /** JSON; `null` if absent. */
  readonly data?: unknown;
  /** Makes a repeat harmless; made up if absent. */
  readonly id?: string;
}

/** What a client or pool client of `pg` is, and whatever else runs a text with `$1`. */
export interface TransactionClient {
  query(text: string, values: string[]): PromiseLike<unknown>;
}

export interface TransactionOptions {
  /** The store's schema. Default `notifications`. */
  readonly schema?: string;
}

/**
 * Publishes inside the application's own transaction: the notifications become visible if and only if it commits, and no
 * other publisher waits for it meanwhile. A node of the feed moves them into the log once it has committed, in the order
 * in which they were published and exactly once; **their positions are given then**, so a long transaction never comes
 * before what was published and seen while it ran.
 *
 * ```ts
 * await client.query('BEGIN');
 * await client.query('UPDATE orders SET shipped = true WHERE id = $1', [1]);
 * await publishInTransaction(client, [{ topic: 'orders', type: 'order.shipped', data: { orderId: 1 } }]);
 * await client.query('COMMIT');
 * ```
 *
 * The schema must have been made, by a store that has been opened once. An id that stands in the log already is left out
 * silently when it is moved.
 *
 * @returns the ids, in order
 * @throws NotificationsError `topic_invalid`, `type_invalid`, `id_invalid` or `data_invalid`; what the query throws as it is
 */
export async function publishInTransaction(
  client: TransactionClient,
  notifications: readonly TransactionNotification[],
  { schema }: TransactionOptions = {},
): Promise<readonly string[]> {
  const text = publishCall(checkedSchema('publishInTransaction', schema));
  const drafts = draftsOf(notifications);
  if (drafts.length > 0) await client.query(text, [JSON.stringify(drafts)]);
  return drafts.map(({ id }) => id);
}

/**
 * The same for libraries that do not run a text with `$1`: the one parameter of the SQL function `publish` in the store's
 * schema, to be run in the transaction. With Drizzle:
 *
 * ```ts
 * await db.transaction(async (tx) => {
 *   await tx.update(orders).set({ shipped: true }).where(eq(orders.id, 1));
 *   const publication = publicationOf([{ topic: 'orders', type: 'order.shipped', data: { orderId: 1 } }]);
 *   await tx.execute(sql`SELECT notifications.publish(${publication})`);
 * });
 * ```
 */
export function publicationOf(notifications: readonly TransactionNotification[]): string {
  return JSON.stringify(draftsOf(notifications));
}

function draftsOf(notifications: readonly TransactionNotification[]) {
  const time = new Date().toISOString();
  return notifications.map((item) => {
    const id = checkedName('id', item.id ?? globalThis.crypto.randomUUID());
    const topic = checkedName('topic', item.topic);
    const notification: Notification = {
      id,
      topic,
      type: checkedName('type', item.type),
      time,
      data: item.data ?? null,
    };
    return { id, topic, json: jsonOf(notification) };
  });
}

/** What the feed allows everywhere: letters, digits and what URLs carry unescaped. */
const NAME = /^[A-Za-z0-9._:@/~=-]{1,200}$/;

function checkedName(what: 'id' | 'topic' | 'type', value: unknown): string {
  if (typeof value === 'string' && NAME.test(value)) return value;
  const code: ErrorCode = `${what}_invalid`;
  throw new NotificationsError(code, `${what} must be 1 to 200 letters, digits and . _ : @ / ~ = -`);
}

function jsonOf(notification: Notification): string {
  try {
    const json = JSON.stringify(notification);
    // A function or a symbol is left out instead of refused.
    if ('data' in (JSON.parse(json) as object)) return json;
  } catch (error) {
    throw new NotificationsError('data_invalid', 'data cannot be written as JSON', { cause: error });
  }
  throw new NotificationsError('data_invalid', 'data cannot be written as JSON');
}
