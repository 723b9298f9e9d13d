import type { StoreFactory } from '../../core/store.js';
import { KnownRecords } from '../shared/known-records.js';
import { withRetention } from '../shared/with-retention.js';
import { checkedOptions, type PostgresStoreOptions } from './options.js';
import { PostgresStore } from './postgres-store.js';

export type { PostgresStoreOptions } from './options.js';
export {
  type PreparedPublication,
  publishInTransaction,
  type TransactionClient,
  type TransactionOptions,
} from './outbox.js';

/**
 * The log in a PostgreSQL database (13 or later) that any number of nodes share, through the
 * package `pg`.
 *
 * - Durability: an acknowledged append is committed with `synchronous_commit` on, even if the role
 *   has it off. It survives a kill of the engine, and a power cut if `fsync` and `full_page_writes`
 *   are on. It survives the loss of the machine only with a synchronous standby. Concurrent
 *   publishes of a node share one transaction.
 * - Order: positions have no holes. An append takes a lock, assigns positions and holds the lock
 *   until its commit is visible. So the order of positions is the order of commits, for every
 *   reader. Nodes append one after another.
 * - Idempotency: an id is recognised as long as its notification is kept (`retainCount`,
 *   `retainMs`, `retainBytes`).
 * - Claims: in a table of the same schema, as durable as the log. If the database has lost claims
 *   of a node, a new epoch begins.
 * - Inside a transaction of the application: `NotificationsService.prepare`, then
 *   `publishInTransaction`.
 * - Epoch: each start of the server begins an epoch that continues the last one. So a restart, or
 *   the promotion of a synchronous standby, causes no gap. Every append and read compares the
 *   server's start and the log's table, so nodes detect a failover behind a pooler too. An
 *   asynchronous standby may lack notifications. After its promotion, clients with a cursor after
 *   the standby's last notification get a `reset` gap. All other clients get an `expired` gap.
 *   The guide lists the losses:
 *   https://github.com/nest-notifications/nest-notifications/blob/main/docs/stores/postgres.md
 * - Operators: a role that may create the schema once; 1 + `poolMax` connections a node; the
 *   isolation level `read committed`, which is the default; autovacuum on. Behind a pooler in
 *   transaction mode, set `listenConnectionString` to a direct connection.
 * - Errors: `store_unavailable` when there is no answer within `timeoutMs`. The reason is in the
 *   log of the application.
 *
 * @throws TypeError or RangeError for an invalid option; the message names it
 */
export function postgresStore(options: PostgresStoreOptions): StoreFactory {
  const settings = checkedOptions(options);
  return withRetention(
    settings,
    async (runtime) => new KnownRecords(await PostgresStore.open(settings, runtime), runtime.logger),
  );
}
