import { newEpoch } from '../shared/epoch.js';
import type { Database, RunQuery } from './database.js';
import { appendFunction } from './sql/append-function.sql.js';
import { claimFunction, claimsTables } from './sql/claims.sql.js';
import { identityFunction, lineage, renewFunction, syncedColumn } from './sql/lineage.sql.js';
import { LOCK_CLASS } from './sql/names.js';
import { moveOutboxFunction, outboxBounds } from './sql/move-outbox-function.sql.js';
import { indexPatternsFunction, patternTables, unindexPatternsFunction } from './sql/patterns.sql.js';
import { publishFunction, replacePublishFunction } from './sql/publish-function.sql.js';
import { choosePageFunction } from './sql/read-page.sql.js';
import { recordColumns } from './sql/records.sql.js';
import { removeColumns, removeFunction } from './sql/remove-function.sql.js';
import { migrationStatements } from './sql/statements.sql.js';
import { tables } from './sql/tables.sql.js';
import { trimFunction, vacuumColumn } from './sql/trim-function.sql.js';
import { verifyFunction } from './sql/verify-function.sql.js';

/** The changes of each version. A released version never changes. */
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
  (schema) => [choosePageFunction(schema, 'after')],
  (schema) => [identityFunction(schema), vacuumColumn(schema), trimFunction(schema), appendFunction(schema)],
  (schema) => [choosePageFunction(schema, 'before')],
  (schema) => [
    patternTables(schema),
    indexPatternsFunction(schema),
    appendFunction(schema),
    trimFunction(schema),
    choosePageFunction(schema, 'after', 'names'),
    choosePageFunction(schema, 'before', 'names'),
  ],
  (schema) => [
    removeColumns(schema),
    removeFunction(schema),
    trimFunction(schema),
    appendFunction(schema),
    renewFunction(schema),
    verifyFunction(schema),
    indexPatternsFunction(schema),
  ],
  (schema) => [moveOutboxFunction(schema)],
  (schema) => [syncedColumn(schema), appendFunction(schema), claimFunction(schema), verifyFunction(schema)],
  (schema) => [indexPatternsFunction(schema), unindexPatternsFunction(schema)],
];

/**
 * Brings the schema to the version of this library, and creates the log's row if it is missing. An
 * up-to-date schema is only read, so the role of the application needs no right to create.
 */
export async function migrate(database: Database, schema: string): Promise<void> {
  const sql = migrationStatements(schema);
  await database.withConnection(async (run) => {
    if (await isReady(run, schema)) return;
    await run('BEGIN ISOLATION LEVEL READ COMMITTED');
    try {
      await run(sql.lock, [LOCK_CLASS, schema]);
      await run(sql.create);
      const version = await versionOf(run, schema);
      for (const [index, changes] of MIGRATIONS.entries()) {
        if (index < version) continue;
        await run(changes(schema).join(''));
        await run(sql.record, [index + 1]);
      }
      const { id, secret } = newEpoch();
      await run(sql.createLog, [id, secret]);
      await run('COMMIT');
    } catch (error) {
      await run('ROLLBACK').catch(() => undefined);
      throw error;
    }
  });
}

async function isReady(run: RunQuery, schema: string): Promise<boolean> {
  const sql = migrationStatements(schema);
  const [row] = await run(sql.exists, [`${schema}.migrations`, `${schema}.log`]);
  if (row?.exists !== true || (await versionOf(run, schema)) < MIGRATIONS.length) return false;
  return (await run(sql.readLog)).length > 0;
}

async function versionOf(run: RunQuery, schema: string): Promise<number> {
  const [row] = await run(migrationStatements(schema).version);
  const version = Number(row?.version ?? 0);
  if (version > MIGRATIONS.length) {
    throw new Error(`version ${version} of the schema ${schema} is newer than this version of nest-notifications`);
  }
  return version;
}
