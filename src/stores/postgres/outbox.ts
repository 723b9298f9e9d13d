import { checkedSchema } from './options.js';
import { publishCall } from './sql/statements.sql.js';

/**
 * A client or pool client of `pg`, or another object that runs SQL with the parameter `$1`, such as
 * TypeORM's `EntityManager`.
 */
export interface TransactionClient {
  /** Runs one statement in the transaction. */
  query(text: string, values: string[]): PromiseLike<unknown>;
}

/** Notifications that `NotificationsService.prepare` has checked. */
export interface PreparedPublication {
  readonly ids: readonly string[];
  readonly text: string;
}

/** Options of `publishInTransaction`. */
export interface TransactionOptions {
  /**
   * The store's schema.
   * @default 'notifications'
   */
  readonly schema?: string | undefined;
}

/**
 * Publishes inside a transaction of the application. The notifications become visible if and only
 * if the transaction commits. No other publisher waits for it. After the commit a node moves them
 * into the log, exactly once, in the order in which they were published. **They get their positions
 * at that time**, so they follow all notifications that were delivered during a long transaction.
 *
 * ```ts
 * const item = { type: 'order.shipped', data: { orderId: 1 } };
 * const publication = await notifications.prepare('orders', item);
 * await client.query('BEGIN');
 * await client.query('UPDATE orders SET shipped = true WHERE id = $1', [1]);
 * await publishInTransaction(client, publication);
 * await client.query('COMMIT');
 * ```
 *
 * `prepare` checks the same schemas and limits as `publish`. If a library cannot run SQL with the
 * parameter `$1`, call the SQL function `publish` of the schema, as the guide shows:
 * https://github.com/nest-notifications/nest-notifications/blob/main/docs/outbox.md
 *
 * The schema must exist: the first store that is opened creates it. A notification whose id the log
 * already holds is skipped silently.
 *
 * @returns the ids, in order
 * @throws RangeError for a schema that is not a plain lower-case word; errors of the query
 * unchanged
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
