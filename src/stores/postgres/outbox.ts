import { checkedSchema } from './options.js';
import { publishCall } from './sql/calls.sql.js';

/** A client or pool client of `pg`, or anything else that runs a text with `$1`, such as TypeORM's `EntityManager`. */
export interface TransactionClient {
  query(text: string, values: string[]): PromiseLike<unknown>;
}

/** Notifications that `NotificationsService.prepare` has checked. */
export interface PreparedPublication {
  readonly ids: readonly string[];
  readonly text: string;
}

export interface TransactionOptions {
  /**
   * The store's schema.
   * @default 'notifications'
   */
  readonly schema?: string | undefined;
}

/**
 * Publishes inside the application's own transaction: the notifications become visible if and only if it commits, and no
 * other publisher waits for it meanwhile. A node of the feed moves them into the log once it has committed, in the order
 * in which they were published and exactly once. **Their positions are given then**, so a long transaction never comes
 * before notifications that were published and delivered while it ran.
 *
 * ```ts
 * const publication = await notifications.prepare('orders', { type: 'order.shipped', data: { orderId: 1 } });
 * await client.query('BEGIN');
 * await client.query('UPDATE orders SET shipped = true WHERE id = $1', [1]);
 * await publishInTransaction(client, publication);
 * await client.query('COMMIT');
 * ```
 *
 * `prepare` refuses everything that `publish` refuses, by the schemas and limits of the module. A library that does not
 * run a text with `$1` calls the SQL function itself, as in ``sql`SELECT notifications.publish(${publication.text})` ``:
 * see docs/outbox.md.
 *
 * The schema must exist: a store that was opened once has made it. An id that the log holds already is left out silently
 * when it is moved.
 *
 * @returns the ids, in order
 * @throws RangeError for a schema that is not a plain lower-case word; errors of the query as they are
 */
export async function publishInTransaction(
  client: TransactionClient,
  { ids, text }: PreparedPublication,
  { schema }: TransactionOptions = {},
): Promise<readonly string[]> {
  const call = publishCall(checkedSchema('publishInTransaction', schema));
  await client.query(call, [text]);
  return ids;
}
