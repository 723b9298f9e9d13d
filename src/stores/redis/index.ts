import type { StoreFactory } from '../../core/store.js';
import { KnownRecords } from '../shared/known-records.js';
import { type RedisStoreOptions, redisStoreSettings } from './options.js';
import { RedisStore } from './redis-store.js';

export type { RedisClientFactory, RedisClientSettings, RedisStoreOptions, RedisWait } from './options.js';

/**
 * A log in Redis 7 or Valkey, shared by any number of nodes. Needs the package `ioredis`.
 *
 * - Durability: as the engine is set up. With `appendonly yes` and `appendfsync always` what was acknowledged survives a
 *   crash of the engine; with `everysec` up to a second of it is lost, without `appendonly` more. A failover may lose
 *   what the replica had not received; with `wait`, an append is acknowledged only when so many replicas have it. (That
 *   makes a loss unlikely, not impossible: see the documentation of WAIT.)
 * - A loss is never silent. Whenever the engine does not have any more what a node has seen of it, and when it was wiped,
 *   a new epoch begins, and clients are told by a `gap`. After any restart or failover of the engine positions go on
 *   behind a hole, so that a cursor to something lost is known as such even if no node is left that has seen it.
 * - Order: of the appends in the engine; positions are dense, but for those holes.
 * - Idempotency: `idempotencyMs` and `idempotencyCount`; an id is remembered for up to twice as long.
 * - Claims: in sorted sets in the slot of the log, as durable as the log, and never evicted. If the engine has lost claims
 *   that a node made, a new epoch begins. With `everysec` and no node left that made them, the claims of the last second
 *   are lost: a ticket used in that second can be used again until it expires.
 * - An append that is rejected may still become visible: it was cut off from its answer, or replicas were too slow.
 *   Repeating it with the same id is safe, and with `wait` the repetition waits for replicas too.
 *
 * The operator has to set `maxmemory-policy noeviction` (the store refuses to work with `allkeys-*`), memory for what
 * retention keeps (about 300 bytes a notification and the JSON), `appendonly` and `appendfsync`, and for `wait` as many
 * replicas. With an ACL: `~{prefix}:* &{prefix}:* +@read +@write +@scripting +@pubsub +info +ping +time +wait`.
 *
 * @throws RangeError when an option is not what it must be; the message names it.
 */
export function redisStore(options: RedisStoreOptions): StoreFactory {
  const settings = redisStoreSettings(options);
  return async (runtime) => new KnownRecords(await RedisStore.open(settings, runtime), runtime.logger);
}
