import type { StoreFactory } from '../../core/store.js';
import { KnownRecords } from '../shared/known-records.js';
import { withRetention } from '../shared/with-retention.js';
import { type RedisStoreOptions, redisStoreSettings } from './options.js';
import { RedisStore } from './redis-store.js';

export type { RedisClientFactory, RedisClientSettings, RedisStoreOptions, RedisWait } from './options.js';

/**
 * A log in Redis 7 or Valkey, shared by any number of nodes. Needs the package `ioredis`.
 * The guide lists the possible losses and the settings that prevent them:
 * https://github.com/nest-notifications/nest-notifications/blob/main/docs/stores/redis.md
 *
 * - Durability: depends on the settings of the engine. With `appendonly yes` and `appendfsync
 *   always`, an acknowledged append survives a crash of the engine. With `everysec`, a failure of
 *   the machine loses up to two seconds of appends. Without `appendonly`, it loses more. A failover
 *   may lose appends that the replica has not received. With `wait`, an append is acknowledged when
 *   `wait.replicas` replicas have it. Set `wait.replicas` to the number of all replicas.
 * - A loss is never silent. After every restart and failover a new epoch continues the old one. If
 *   the store is sure that nothing is lost (`always`, or `wait` for every replica), clients notice
 *   nothing. Otherwise each client receives one gap: The gap is `expired` for a cursor up to the
 *   last kept entry, and `reset` for a later cursor. An engine that was emptied has a new log.
 * - A node that is connected to an engine with an older log rejects calls for up to 20 seconds,
 *   because the engine may be a primary that was replaced. If the log has never had a replica, the
 *   node does not wait.
 * - Order: positions follow the order in which the engine appends, and have no holes.
 * - Arrays: appended in one atomic step, which delays other clients of the engine. So they are
 *   bounded: `arrayMax`, `arrayCharsMax`.
 * - Idempotency: `idempotencyMs` and `idempotencyCount`. An id is remembered for up to twice as
 *   long.
 * - Claims: in sorted sets in the slot of the log, as durable as the log, and never evicted. If
 *   claims may be lost, a new epoch records this, and the store rejects tickets of earlier epochs.
 * - A rejected append may still become visible if its connection was lost or replicas were slow.
 *   Repeating it with the same id is safe, and with `wait` the repetition waits for replicas too.
 * - `close` first writes the appends that were accepted before.
 *
 * The operator sets `maxmemory-policy noeviction`; the store rejects an engine with `allkeys-*`. A
 * notification takes about 300 bytes of memory and its JSON. The operator also sets `appendonly`,
 * `appendfsync`, and with replicas `min-replicas-to-write`.
 *
 * With an ACL: `~{prefix}:* &{prefix}:* +@read +@write +@scripting +@pubsub +info +ping +time +wait
 * +config|get`. Without `config|get` the store cannot read `appendfsync`, and every restart causes
 * a gap.
 *
 * @throws RangeError for an invalid option; the message names it.
 */
export function redisStore(options: RedisStoreOptions): StoreFactory {
  const settings = redisStoreSettings(options);
  return withRetention(
    settings,
    async (runtime) => new KnownRecords(await RedisStore.open(settings, runtime), runtime.logger),
  );
}
