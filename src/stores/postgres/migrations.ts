import { newEpoch } from '../shared/epoch.js';
import type { Ask, Database } from './database.js';
import { appendFunction } from './sql/append-function.sql.js';
import { claimFunction, claimsTables } from './sql/claims.sql.js';
import { createLog } from './sql/create-log.sql.js';
import { lineage, renewFunction } from './sql/lineage.sql.js';
import { LOCK_CLASS, quoted } from './sql/names.js';
import { moveOutboxFunction, outboxBounds } from './sql/move-outbox-function.sql.js';
import { publishFunction, replacePublishFunction } from './sql/publish-function.sql.js';
import { choosePageFunction } from './sql/read-page.sql.js';
import { recordColumns } from './sql/records.sql.js';
import { tables } from './sql/tables.sql.js';
import { trimFunction } from './sql/trim-function.sql.js';
import { verifyFunction } from './sql/verify-function.sql.js';

/** What each version adds to the one before; never changed once released. */
const MIGRATIONS: readonly ((schema: string) => readonly string[])[] = [
  (schema) => [
    tables(schema),
    appendFunction(schema),
    publishFunction(schema),
    moveOutboxFunction(schema),
    trimFunction(schema),
    verifyFunction(schema),
  ],
  (schema) => [claimsTables(schema), claimFunction(schema)],
  (schema) => [recordColumns(schema), appendFunction(schema), trimFunction(schema)],
  (schema) => [replacePublishFunction(schema)],
  (schema) => [
    lineage(schema),
    renewFunction(schema),
    verifyFunction(schema),
    appendFunction(schema),
    claimFunction(schema),
  ],
  (schema) => [outboxBounds(schema), moveOutboxFunction(schema), replacePublishFunction(schema)],
  (schema) => [choosePageFunction(schema)],
];

/**
 * Brings the schema to the version of this library, and makes the log's row if there is none. A schema that is there and
 * up to date is only looked at, so a role that may not create anything can run the application.
 */
export async function migrate(database: Database, schema: string): Promise<void> {
  await database.withConnection(async (ask) => {
    if (await isReady(ask, schema)) return;
    await ask('BEGIN ISOLATION LEVEL READ COMMITTED');
    try {
      // Nodes that start at once wait here for the first, and find its work done.
      await ask('SELECT pg_advisory_xact_lock($1::int, hashtext($2))', [LOCK_CLASS, schema]);
      await ask(`CREATE SCHEMA IF NOT EXISTS ${quoted(schema)}`);
      await ask(`CREATE TABLE IF NOT EXISTS ${quoted(schema)}.migrations (
        version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())`);
      const version = await versionOf(ask, schema);
      for (const [index, statements] of MIGRATIONS.entries()) {
        if (index < version) continue;
        for (const statement of statements(schema)) await ask(statement);
        await ask(`INSERT INTO ${quoted(schema)}.migrations (version) VALUES ($1)`, [index + 1]);
      }
      const { id, secret } = newEpoch();
      await ask(createLog(schema), [id, secret]);
      await ask('COMMIT');
    } catch (error) {
      await ask('ROLLBACK').catch(() => undefined);
      throw error;
    }
  });
}

async function isReady(ask: Ask, schema: string): Promise<boolean> {
  const [row] = await ask('SELECT to_regclass($1) IS NOT NULL AND to_regclass($2) IS NOT NULL AS there', [
    `${schema}.migrations`,
    `${schema}.log`,
  ]);
  if (row?.there !== true || (await versionOf(ask, schema)) < MIGRATIONS.length) return false;
  return (await ask(`SELECT FROM ${quoted(schema)}.log`)).length > 0;
}

async function versionOf(ask: Ask, schema: string): Promise<number> {
  const [row] = await ask(`SELECT coalesce(max(version), 0)::int AS version FROM ${quoted(schema)}.migrations`);
  const version = Number(row?.version ?? 0);
  if (version > MIGRATIONS.length) {
    throw new Error(`the schema ${schema} was made by a newer version (${version}) of nest-notifications`);
  }
  return version;
}
