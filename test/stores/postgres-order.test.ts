import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { publishInTransaction } from '../../src/stores/postgres/index.js';
import { PostgresEngine, postgresMissing } from '../support/engines/postgres.js';
import { closeStores, openPostgresStore, publicationOf } from '../support/stores/postgres.js';
import { draft } from '../support/drafts.js';
import { idsOf } from '../support/stores/reads.js';
import { until } from '../support/time/until.js';

const describePostgres = postgresMissing() === undefined ? describe : describe.skip;

/** A log that readers follow by position. */
interface Log {
  /** Appends within a transaction that is still open. */
  appendLate(client: pg.Client, id: string): Promise<unknown>;
  append(id: string): Promise<unknown>;
  /** Reads after a position. `next` is the position for the next read. */
  readAfter(after: number): Promise<{ ids: string[]; next: number }>;
}

/**
 * A transaction appends and stays open. A later one commits first, and a reader reads it and
 * continues from there. Returns the ids that the reader has read in the end.
 */
async function readAroundLateCommit(log: Log, client: pg.Client): Promise<string[]> {
  await client.query('BEGIN');
  await log.appendLate(client, 'late');
  // The append either succeeds now, or waits for the open transaction.
  const appended = log.append('early');
  let isAppended = false;
  void appended.then(() => (isAppended = true));
  await until(async () => isAppended || (await waitsForLock(client)));
  const first = await log.readAfter(0);
  await client.query('COMMIT');
  await appended;
  const seen = [...first.ids];
  let { next } = first;
  const readOn = async (): Promise<boolean> => {
    const isComplete = (await log.readAfter(0)).ids.length === 2;
    const page = await log.readAfter(next);
    seen.push(...page.ids);
    ({ next } = page);
    return isComplete && page.ids.length === 0;
  };
  await until(readOn);
  return seen.sort();
}

/** Whether a transaction waits for a lock of another one. */
async function waitsForLock(client: pg.Client): Promise<boolean> {
  // A transaction sees the activity of its first look until this call.
  await client.query('SELECT pg_stat_clear_snapshot()');
  const { rowCount } = await client.query(`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`);
  return rowCount! > 0;
}

describePostgres('a reader of postgresStore skips no late commit', () => {
  let engine: PostgresEngine;
  beforeAll(async () => {
    engine = await PostgresEngine.start();
  }, 60_000);
  afterEach(closeStores);
  afterAll(() => engine.stop());

  const logOf = async (schema: string, appendLate: Log['appendLate']): Promise<Log> => {
    const store = await openPostgresStore({ connectionString: engine.url, schema, pollMs: 50 });
    return {
      appendLate,
      append: (id) => store.append([draft(id)]),
      readAfter: async (after) => {
        const { entries, head } = await store.read({ topics: ['orders'], after, limit: 100, bytesMax: 2 ** 20 });
        return { ids: idsOf(entries), next: head };
      },
    };
  };

  test('appended by another node', async () => {
    const appendText = 'SELECT one.append($1, $2, $3, 5000, NULL, NULL)';
    const log = await logOf('one', (client, id) => client.query(appendText, [[id], ['orders'], [draft(id).json]]));
    expect(await engine.use((client) => readAroundLateCommit(log, client))).toEqual(['early', 'late']);
  });

  test('published inside a transaction', async () => {
    const log = await logOf('two', (client, id) =>
      publishInTransaction(client, publicationOf([draft(id)]), { schema: 'two' }),
    );
    expect(await engine.use((client) => readAroundLateCommit(log, client))).toEqual(['early', 'late']);
  });

  test('for comparison: a reader with `id > cursor` on a plain sequence skips the notification', async () => {
    const pool = new pg.Pool({ connectionString: engine.url });
    await pool.query('CREATE TABLE naive (position bigserial PRIMARY KEY, id text)');
    const log: Log = {
      appendLate: (client, id) => client.query('INSERT INTO naive (id) VALUES ($1)', [id]),
      append: (id) => pool.query('INSERT INTO naive (id) VALUES ($1)', [id]),
      readAfter: async (after) => {
        const { rows } = await pool.query('SELECT * FROM naive WHERE position > $1 ORDER BY position', [after]);
        return { ids: idsOf(rows), next: Number(rows.at(-1)?.position ?? after) };
      },
    };
    expect(await engine.use((client) => readAroundLateCommit(log, client))).toEqual(['early']);
    await pool.end();
  });

  test('a long transaction does not delay other publishers', async () => {
    const log = await logOf('three', (client, id) =>
      publishInTransaction(client, publicationOf([draft(id)]), { schema: 'three' }),
    );
    await engine.use(async (client) => {
      await client.query('BEGIN');
      await log.appendLate(client, 'late');
      for (let n = 0; n < 5; n++) await log.append(`early-${n}`);
      await client.query('COMMIT');
    });
    await until(async () => (await log.readAfter(0)).ids.length === 6);
    expect((await log.readAfter(0)).ids.at(-1)).toBe('late');
  });
});
