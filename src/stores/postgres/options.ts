import type { Pool } from 'pg';
import { TIMER_MS_MAX } from '../../core/clock.js';
import { type NumberRule, numberOptions, wrongOption } from '../../core/options.js';

/**
 * Connections and bounds of the store. When the log exceeds a bound, the store removes the oldest
 * notifications.
 */
export interface PostgresStoreOptions {
  /**
   * A pool of the application; the store never closes it. Give either this or `connectionString`.
   */
  readonly pool?: Pool | undefined;
  /**
   * The database, if the store creates the pool:
   * `postgres://user:password@host:port/database?sslmode=…`
   */
  readonly connectionString?: string | undefined;
  /**
   * A direct connection for LISTEN. Set it if the other connections use a pooler in transaction
   * mode, such as PgBouncer.
   * @default the same as the others
   */
  readonly listenConnectionString?: string | undefined;
  /**
   * Schema of the log: a lower-case word of up to 40 letters, digits and `_`. Created if missing.
   * @default 'notifications'
   */
  readonly schema?: string | undefined;
  /**
   * Connections of the store's own pool. The store opens one more connection for LISTEN.
   * @default 4
   */
  readonly poolMax?: number | undefined;
  /**
   * Notifications kept. The store removes them in batches. So it keeps up to 10 % more, but at most
   * 1,000 more for each node.
   * @default 1_000_000
   */
  readonly retainCount?: number | undefined;
  /**
   * Milliseconds for which a notification is kept.
   * @default 604_800_000 (seven days)
   */
  readonly retainMs?: number | undefined;
  /**
   * Bytes of JSON kept. The store keeps up to 10 % more, but at most 1 MiB more for each node.
   * @default 1_073_741_824 (1 GiB)
   */
  readonly retainBytes?: number | undefined;
  /**
   * Keys that can be claimed at the same time, such as used tickets. At this number, further keys
   * are rejected. A claim takes about 250 bytes of disk.
   * @default 1_000_000
   */
  readonly claimCount?: number | undefined;
  /**
   * Milliseconds between polls of the log. Polls find notifications whose wake-up was lost.
   * @default 1_000
   */
  readonly pollMs?: number | undefined;
  /**
   * Milliseconds after which a call without an answer fails with `store_unavailable`.
   * @default 5_000
   */
  readonly timeoutMs?: number | undefined;
}

type NumberName = 'poolMax' | 'retainCount' | 'retainMs' | 'retainBytes' | 'claimCount' | 'pollMs' | 'timeoutMs';

export interface PostgresStoreSettings extends Readonly<Record<NumberName, number>> {
  readonly pool: Pool | undefined;
  readonly connectionString: string | undefined;
  readonly listenConnectionString: string | undefined;
  readonly schema: string;
}

export const DEFAULT_SCHEMA = 'notifications';

const ANY_MAX = Number.MAX_SAFE_INTEGER;
const RULES: Readonly<Record<NumberName, NumberRule>> = {
  // One connection appends. Another one moves publications, removes entries or reads.
  poolMax: { default: 4, min: 2, max: 1000 },
  retainCount: { default: 1_000_000, min: 1, max: ANY_MAX },
  // The database can subtract the maximum of `retainMs` from the current date.
  retainMs: { default: 7 * 24 * 3_600_000, min: 1, max: 100 * 365 * 24 * 3_600_000 },
  retainBytes: { default: 1024 * 1024 * 1024, min: 1, max: ANY_MAX },
  claimCount: { default: 1_000_000, min: 1, max: ANY_MAX },
  pollMs: { default: 1_000, min: 1, max: TIMER_MS_MAX },
  timeoutMs: { default: 5_000, min: 100, max: TIMER_MS_MAX },
};

const URL_TEXT = /^postgres(?:ql)?:\/\//;
/** The name of the channel is a prefix and the schema, and fits into the 63 bytes of a name. */
const SCHEMA = /^[a-z_][a-z0-9_]{0,39}$/;

/**
 * @throws TypeError or RangeError that names the option and its range, and never repeats a
 * connection string
 */
export function checkedOptions(options: PostgresStoreOptions): PostgresStoreSettings {
  const { pool, connectionString, listenConnectionString } = options;
  if ((pool === undefined) === (connectionString === undefined)) {
    throw new TypeError('postgresStore: give either pool or connectionString');
  }
  for (const [name, text] of Object.entries({ connectionString, listenConnectionString })) {
    if (text !== undefined && !(URL_TEXT.test(text) && URL.canParse(text))) {
      throw new TypeError(`postgresStore: ${name} must be a URL that begins with postgres:// or postgresql://`);
    }
  }
  const others = ['pool', 'connectionString', 'listenConnectionString', 'schema'];
  return {
    ...numberOptions(options, { owner: 'postgresStore', numbers: RULES, others }),
    pool,
    connectionString,
    listenConnectionString,
    schema: checkedSchema('postgresStore', options.schema),
  };
}

/** @throws RangeError for a name that is not a plain lower-case word */
export function checkedSchema(caller: string, schema: string = DEFAULT_SCHEMA): string {
  if (!SCHEMA.test(schema) || schema.startsWith('pg_')) {
    const rule = 'must be a word of up to 40 of a-z, 0-9 and _, and must not begin with a digit or pg_';
    throw wrongOption({ owner: caller, name: 'schema', value: schema, rule });
  }
  return schema;
}
