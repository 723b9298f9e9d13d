import type { Cluster, Redis, RedisOptions } from 'ioredis';
import { TIMER_MS_MAX } from '../../core/clock.js';
import { type Filled, type NumberRule, numberOptions, wrongOption } from '../../core/options.js';

/** Settings that the store needs; a factory passes them to the client that it makes. */
export type RedisClientSettings = Pick<
  RedisOptions,
  | 'autoResendUnfulfilledCommands'
  | 'autoResubscribe'
  | 'connectTimeout'
  | 'enableOfflineQueue'
  | 'lazyConnect'
  | 'maxRetriesPerRequest'
  | 'reconnectOnError'
  | 'retryStrategy'
  | 'socketTimeout'
>;

/**
 * Makes a client, which only the store uses and closes. The store calls it once for each
 * connection, or only once if it makes a Cluster.
 *
 * ```ts
 * (settings) => new Redis({ sentinels, name: 'main', ...settings })
 * (settings) => new Cluster(nodes, { redisOptions: { password, ...settings } })
 * ```
 */
export type RedisClientFactory = (settings: RedisClientSettings) => Redis | Cluster;

/** Acknowledgement of appends by replicas (the command WAIT). */
export interface RedisWait {
  /**
   * Replicas that must have received an append before it is acknowledged. If this is the number of
   * all replicas, a failover causes no gap. But appends are rejected while a replica is missing.
   */
  readonly replicas: number;
  /** Milliseconds that an append waits for them, below `timeoutMs`. */
  readonly timeoutMs: number;
}

/** The engine's address, what the log keeps, and for how long. */
export interface RedisStoreOptions {
  /**
   * A `redis://` or `rediss://` URL, options of ioredis, or a function that makes a client
   * (Sentinel, Cluster).
   */
  readonly connection: string | RedisOptions | RedisClientFactory;
  /**
   * The start of all keys, in braces, so that a Cluster keeps them in one slot. Default
   * `notifications`.
   */
  readonly prefix?: string | undefined;
  /** Milliseconds after which a call is rejected and its connection is replaced. Default 5,000. */
  readonly timeoutMs?: number | undefined;
  /**
   * Notifications that may wait to be appended on this node. Above this number, `append` rejects.
   * Default 20,000.
   */
  readonly pendingMax?: number | undefined;
  /**
   * Characters of JSON that may wait to be appended on this node. Beyond it `append` rejects.
   * Default 64 Mi.
   */
  readonly pendingCharsMax?: number | undefined;
  /**
   * Notifications in one array; a larger one is rejected with `notifications_too_many`. The engine
   * writes an array in one atomic step and serves no other client meanwhile. An array of 1,000
   * takes about 50 ms. Default 1,000.
   */
  readonly arrayMax?: number | undefined;
  /**
   * Characters of JSON in an array with more than one notification, limited for the same reason.
   * Default 6.5 Mi: 100 notifications of 64 KiB.
   */
  readonly arrayCharsMax?: number | undefined;
  /**
   * Milliseconds between reads of the log without a wake-up; pub/sub may lose one. Default 1,000.
   */
  readonly recheckMs?: number | undefined;
  /** Notifications kept. Default 1,000,000. */
  readonly retainCount?: number | undefined;
  /** Milliseconds for which a notification is kept. Default 24 hours. */
  readonly retainMs?: number | undefined;
  /** Bytes of JSON kept. Default 1 GiB. */
  readonly retainBytes?: number | undefined;
  /** Milliseconds for which a repeated `id` is recognised, at least. Default ten minutes. */
  readonly idempotencyMs?: number | undefined;
  /**
   * The minimum number of ids that are recognised. Above this number, the oldest ids are forgotten
   * early. An id takes about 70 bytes of memory, and up to twice as many are kept. Default:
   * `retainCount`, from 10,000 to 1,000,000.
   */
  readonly idempotencyCount?: number | undefined;
  /**
   * Keys that can be claimed at once, such as used tickets; further keys are rejected. A claim
   * takes about 200 bytes of memory. Default 1,000,000.
   */
  readonly claimCount?: number | undefined;
  /** Acknowledge an append only when replicas have it. Default: the primary's answer is enough. */
  readonly wait?: RedisWait | undefined;
}

type NumberOption =
  | 'timeoutMs'
  | 'pendingMax'
  | 'pendingCharsMax'
  | 'arrayMax'
  | 'arrayCharsMax'
  | 'recheckMs'
  | 'retainCount'
  | 'retainMs'
  | 'retainBytes'
  | 'idempotencyMs'
  | 'idempotencyCount'
  | 'claimCount';

/** All options with their defaults filled in. */
export interface RedisStoreSettings
  extends
    Readonly<Record<NumberOption, number>>,
    Filled<Pick<RedisStoreOptions, 'connection' | 'prefix'>>,
    Pick<RedisStoreOptions, 'wait'> {}

/** The name in error messages. */
const OWNER = 'redisStore';
const ANY_MAX = Number.MAX_SAFE_INTEGER;
/** Ids remembered by default: as many as notifications, between these bounds. */
const IDS_MIN = 10_000;
const IDS_MAX = 1_000_000;
const RULES: Readonly<Record<NumberOption, NumberRule>> = {
  timeoutMs: { default: 5_000, min: 1, max: TIMER_MS_MAX },
  pendingMax: { default: 20_000, min: 1, max: ANY_MAX },
  pendingCharsMax: { default: 64 * 1024 * 1024, min: 1, max: ANY_MAX },
  arrayMax: { default: 1_000, min: 1, max: ANY_MAX },
  arrayCharsMax: { default: 6.5 * 1024 * 1024, min: 1, max: ANY_MAX },
  recheckMs: { default: 1_000, min: 1, max: TIMER_MS_MAX },
  retainCount: { default: 1_000_000, min: 1, max: ANY_MAX },
  retainMs: { default: 86_400_000, min: 1, max: ANY_MAX },
  retainBytes: { default: 1024 * 1024 * 1024, min: 1, max: ANY_MAX },
  idempotencyMs: { default: 600_000, min: 1, max: ANY_MAX },
  idempotencyCount: { default: IDS_MAX, min: 1, max: ANY_MAX },
  claimCount: { default: 1_000_000, min: 1, max: ANY_MAX },
};

const PREFIX_MAX = 200;

/**
 * @throws RangeError with the option, its value (never that of `connection`) and the allowed values
 */
export function redisStoreSettings(options: RedisStoreOptions): RedisStoreSettings {
  const others = ['connection', 'prefix', 'wait'];
  const numbers = numberOptions(options, { owner: OWNER, numbers: RULES, others });
  checkConnection(options.connection);
  const { prefix = 'notifications', wait } = options;
  if (typeof prefix !== 'string' || prefix === '' || prefix.length > PREFIX_MAX || /[{}]/.test(prefix)) {
    const rule = `must have 1 to ${PREFIX_MAX} characters, without braces`;
    throw wrongOption({ owner: OWNER, name: 'prefix', value: prefix, rule });
  }
  if (wait) checkWait(wait, numbers.timeoutMs);
  const idempotencyCount = options.idempotencyCount ?? Math.max(IDS_MIN, Math.min(numbers.retainCount, IDS_MAX));
  return { connection: options.connection, prefix, ...numbers, idempotencyCount, ...(wait ? { wait } : {}) };
}

function checkWait(wait: RedisWait, timeoutMs: number): void {
  const numbers = { replicas: { min: 1, max: ANY_MAX }, timeoutMs: { min: 1, max: timeoutMs - 1 } };
  numberOptions(wait, { owner: OWNER, group: 'wait.', numbers });
}

function checkConnection(connection: unknown): void {
  if (typeof connection === 'function') return;
  if (typeof connection === 'string') {
    if (URL.canParse(connection) && /^rediss?:\/\//.test(connection)) return;
  } else if (typeof connection === 'object' && connection !== null) {
    if (!('keyPrefix' in connection) || !connection.keyPrefix) return;
    throw new RangeError(`${OWNER}: connection has a keyPrefix; use the option prefix instead`);
  }
  // The message does not show the value of `connection`: it may contain a password.
  const must = 'must be a redis:// or rediss:// URL, options of ioredis, or a function that makes a client';
  throw new RangeError(`${OWNER}: connection is a ${typeof connection} that cannot be used, ${must}`);
}
