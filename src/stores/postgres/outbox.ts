import { DRAFT_LIMITS, makeDraft, type PublishItem } from '../../core/draft.js';
import type { Draft } from '../../core/notification.js';
import { checkedSchema } from './options.js';
import { publishCall } from './sql/calls.sql.js';

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
 * @throws NotificationsError `topic_invalid`, `type_invalid`, `id_invalid`, `data_invalid`, or `notification_too_large` beyond the
 *   module's defaults (64 KiB of JSON, 32 levels of data); what the query throws as it is
 */
export async function publishInTransaction(
  client: TransactionClient,
  notifications: readonly PublishItem[],
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
export function publicationOf(notifications: readonly PublishItem[]): string {
  return JSON.stringify(draftsOf(notifications));
}

function draftsOf(notifications: readonly PublishItem[]): readonly Draft[] {
  const time = new Date();
  return notifications.map((item) => makeDraft(item, time, DRAFT_LIMITS));
}
