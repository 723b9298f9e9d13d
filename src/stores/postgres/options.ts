import type { Pool } from 'pg';
import { type NumberRule, numberOptions, TIMER_MS_MAX } from '../shared/options.js';

/** Where the log is kept, how much of it, and for how long. Whichever bound is reached first removes the oldest. */
export interface PostgresStoreOptions {
  /** The application's own pool; the store never closes it. Either this or `connectionString`. */
  readonly pool?: Pool | undefined;
  /** The store makes a pool of its own. `postgres://user:password@host:port/database?sslmode=…` */
  readonly connectionString?: string | undefined;
  /**
   * A direct connection for LISTEN, where the others go through a pooler such as PgBouncer in transaction mode. Default:
   * the same as the others.
   */
  readonly listenConnectionString?: string | undefined;
  /** Schema of the log: a lower-case word of up to 40 letters, digits and `_`. Made if missing. Default `notifications`. */
  readonly schema?: string | undefined;
  /** Connections of the store's own pool. Default 4; one more listens. */
  readonly poolMax?: number | undefined;
  /** Notifications kept; up to 10 % and at most 1,000 a node more, as they are removed in batches. Default 1,000,000. */
  readonly retainCount?: number | undefined;
  /** Milliseconds for which a notification is kept. Default seven days. */
  readonly retainMs?: number | undefined;
  /** Bytes of JSON kept. Default 1 GiB. */
  readonly retainBytes?: number | undefined;
  /**
   * Keys that can be claimed at once, such as used tickets; beyond it further keys are rejected. A claim takes about 250
   * bytes of disk. Default 1,000,000.
   */
  readonly claimCount?: number | undefined;
  /** Milliseconds between looks for news, in case a wake-up was lost or nothing listens. Default 1,000. */
  readonly pollMs?: number | undefined;
  /** Milliseconds after which a call that got no answer is `store_unavailable`. Default 5,000. */
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
  // One appends, one moves or removes, the others read.
  poolMax: { default: 4, min: 2, max: 1000 },
  retainCount: { default: 1_000_000, min: 1, max: ANY_MAX },
  // What the database can still subtract from a date.
  retainMs: { default: 7 * 24 * 3_600_000, min: 1, max: 100 * 365 * 24 * 3_600_000 },
  retainBytes: { default: 1024 * 1024 * 1024, min: 1, max: ANY_MAX },
  claimCount: { default: 1_000_000, min: 1, max: ANY_MAX },
  pollMs: { default: 1_000, min: 1, max: TIMER_MS_MAX },
  timeoutMs: { default: 5_000, min: 100, max: TIMER_MS_MAX },
};

const URL_TEXT = /^postgres(?:ql)?:\/\//;
/** Also fits, after its prefix, the 63 bytes of a channel's name. */
const SCHEMA = /^[a-z_][a-z0-9_]{0,39}$/;

/** @throws TypeError or RangeError that names the option and what it may be; connection strings are never repeated */
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
    ...numberOptions('postgresStore', options, RULES, others),
    pool,
    connectionString,
    listenConnectionString,
    schema: checkedSchema('postgresStore', options.schema),
  };
}

/** @throws RangeError for a name that is not a plain lower-case word */
export function checkedSchema(who: string, schema: string = DEFAULT_SCHEMA): string {
  if (!SCHEMA.test(schema) || schema.startsWith('pg_')) {
    const range = 'a word of up to 40 of a-z, 0-9 and _, not beginning with a digit or pg_';
    throw new RangeError(`${who}: schema is ${JSON.stringify(schema)}, must be ${range}`);
  }
  return schema;
}
