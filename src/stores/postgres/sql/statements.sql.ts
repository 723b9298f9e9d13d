import type { Prepared } from '../database.js';
import { channelOf, quoted } from './names.js';
import { QUEUE_USAGE_MAX } from './publish-function.sql.js';

/** Statements of a few lines. Longer ones, and functions of the schema, have files of their own. */

/** Statements of the store. The file of a function documents its parameters. */
export interface Statements {
  /** Returns JSON, the `AppendRow` of `rows.ts`. */
  readonly append: Prepared;
  readonly claim: string;
  readonly moveOutbox: string;
  readonly trim: string;
  readonly remove: string;
  readonly verify: string;
  readonly positionsOf: string;
  readonly vacuum: string;
  readonly indexPatterns: string;
  readonly unindexPatterns: string;
}

export function statements(schema: string): Statements {
  const s = quoted(schema);
  return {
    // A prepared statement saves the planning, which takes a fifth of an append. If the text
    // changes, change the number in the name.
    append: {
      name: `nest_append_1_${schema}`,
      text: `SELECT ${s}.append($1::text[], $2::text[], $3::text[], $4::int, $5::text, $6::bigint) AS appended`,
    },
    claim: `SELECT * FROM ${s}.claim($1::text, $2::int, $3::bigint, $4::text, $5::bigint, $6::int, $7::bigint, $8::int,
      $9::int)`,
    moveOutbox: `SELECT * FROM ${s}.move_outbox($1::int, $2::bigint, $3::int)`,
    trim: `SELECT * FROM ${s}.trim_log($1::bigint, $2::bigint, $3::float8, $4::int)`,
    remove: `SELECT * FROM ${s}.remove_entries($1::text, $2::bigint, $3::bigint, $4::text, $5::int, $6::int)`,
    verify: `SELECT * FROM ${s}.verify($1::text, $2::bigint, $3::text, $4::int)`,
    // Finds the position of each id by index, in the order of the ids; null for an unknown id.
    positionsOf: `
SELECT k.position, l.epoch_id, l.identity = ${s}.identity() AS current
FROM ${s}.log l
CROSS JOIN unnest($1::text[]) WITH ORDINALITY AS d (id, n)
LEFT JOIN LATERAL (SELECT e.position FROM ${s}.entries e WHERE e.id = d.id COLLATE "C" LIMIT 1) k ON true
ORDER BY d.n`,
    // Skips a table while autovacuum works on it. Starts no parallel workers, because publishers
    // need the processors.
    vacuum: `VACUUM (SKIP_LOCKED, PARALLEL 0) ${s}.entries, ${s}.by_pattern`,
    indexPatterns: `SELECT ${s}.index_patterns($1::text[], $2::int)`,
    unindexPatterns: `SELECT * FROM ${s}.unindex_patterns($1::text, $2::bigint, $3::int)`,
  };
}

/** Publishes inside a transaction of the application. `$1`: see `publish-function.sql.ts`. */
export function publishCall(schema: string): string {
  return `SELECT ${quoted(schema)}.publish($1::text)`;
}

/** Statements of migrations. */
export interface MigrationStatements {
  /**
   * `$1`: the lock class, `$2`: the schema. Nodes that start together migrate one after another.
   */
  readonly lock: string;
  readonly create: string;
  /** `$1`, `$2`: the names of the tables that a schema of any version has. */
  readonly exists: string;
  readonly version: string;
  /** Writes the version of the schema. `$1`: the version. */
  readonly record: string;
  readonly readLog: string;
  /** `$1`: the epoch's id, `$2`: its secret. */
  readonly createLog: string;
}

export function migrationStatements(schema: string): MigrationStatements {
  const s = quoted(schema);
  return {
    lock: 'SELECT pg_advisory_xact_lock($1::int, hashtext($2))',
    create: `
CREATE SCHEMA IF NOT EXISTS ${s};
CREATE TABLE IF NOT EXISTS ${s}.migrations (version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())`,
    exists: 'SELECT to_regclass($1) IS NOT NULL AND to_regclass($2) IS NOT NULL AS exists',
    version: `SELECT coalesce(max(version), 0)::int AS version FROM ${s}.migrations`,
    record: `INSERT INTO ${s}.migrations (version) VALUES ($1)`,
    readLog: `SELECT FROM ${s}.log`,
    createLog: `
INSERT INTO ${s}.log (epoch_id, epoch_secret, identity, timeline) VALUES ($1, $2, ${s}.identity(), ${s}.timeline())
ON CONFLICT DO NOTHING`,
  };
}

/** Subscribes a connection to the wake-ups of other nodes. */
export function listen(schema: string): string {
  return `LISTEN "${channelOf(schema)}"`;
}

/**
 * Sends the message `$2` to the nodes that listen to the channel `$1`. The statement also checks
 * that the connection still reaches the engine, so a full queue must not fail it.
 */
export const GREET = `SELECT pg_notify($1, $2) WHERE pg_notification_queue_usage() < ${QUEUE_USAGE_MAX}`;

/**
 * Wakes the nodes that listen to the channel `$1`, with the message `$2`. NOTIFY writes a commit
 * record. No caller depends on that record, so NOTIFY does not wait for the disk or for a standby.
 */
export const NOTIFY = "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)";

/**
 * Returns the usage of the queue. The call also removes notifications that every session has read.
 * Otherwise only senders remove them, so a full queue would stay full.
 */
export const CLEAN_UP_NOTIFICATIONS = 'SELECT pg_notification_queue_usage()';
