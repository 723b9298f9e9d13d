import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import type { Store } from '../../src/core/store.js';
import { PostgresEngine, postgresMissing } from '../support/engines/postgres.js';
import { closeStores, openPostgresStore, reports } from '../support/stores/postgres.js';
import { draft } from '../support/drafts.js';
import { until } from '../support/time/until.js';

const describePostgres = postgresMissing() === undefined ? describe : describe.skip;

const KEPT = 2_000;
const BATCH = 500;

describePostgres('the disk that postgresStore takes', () => {
  let engine: PostgresEngine;
  let appended = 0;
  beforeAll(async () => {
    // Autovacuum would vacuum at a moment of its own.
    engine = await PostgresEngine.start({ autovacuum: 'off' });
  }, 60_000);
  afterEach(closeStores);
  afterAll(() => engine.stop());

  const append = async (store: Store, count: number): Promise<void> => {
    for (const end = appended + count; appended < end; appended += BATCH) {
      await store.append(
        Array.from({ length: BATCH }, (_, n) => draft(`n${appended + n}`, { topic: `topic-${n % 10}` })),
      );
    }
  };
  const query = async (text: string): Promise<Record<string, unknown>> =>
    (await engine.use((client) => client.query(text))).rows[0] as Record<string, unknown>;
  const pages = async (schema: string): Promise<number> =>
    Number((await query(`SELECT pg_relation_size('${schema}.entries') / 8192 AS pages`)).pages);
  const count = async (schema: string): Promise<number> =>
    Number((await query(`SELECT count(*) FROM ${schema}.entries`)).count);

  test('depends on the kept notifications, not on all published ones', async () => {
    const store = await openPostgresStore({ connectionString: engine.url, schema: 'busy', retainCount: KEPT });
    await append(store, KEPT);
    const full = await pages('busy');
    // Waits for the removal after each part, as the speed of the store is not under test.
    for (let part = 0; part < 10; part++) {
      await append(store, KEPT / 2);
      await until(async () => (await count('busy')) <= KEPT + BATCH);
    }
    expect(await pages('busy')).toBeLessThan(full * 2.5);
    expect(reports).toEqual([]);
  });

  test('shrinks after retention was lowered', async () => {
    const options = { connectionString: engine.url, schema: 'lowered' };
    await append(await openPostgresStore(options), 6 * KEPT);
    await closeStores();
    const full = await pages('lowered');
    const store = await openPostgresStore({ ...options, retainCount: KEPT });
    await until(async () => {
      await append(store, BATCH);
      return (await pages('lowered')) < full / 2;
    });
    expect(reports).toEqual([]);
  });

  test('is left to autovacuum if the role does not own the table', async () => {
    await openPostgresStore({ connectionString: engine.url, schema: 'owned' });
    await closeStores();
    await engine.use((client) =>
      client.query(`CREATE ROLE guest LOGIN; GRANT USAGE ON SCHEMA owned TO guest;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA owned TO guest`),
    );
    const connectionString = engine.url.replace('postgres@', 'guest@');
    const store = await openPostgresStore({ connectionString, schema: 'owned', retainCount: KEPT });
    const notices: string[] = [];
    const guest = new pg.Client({ connectionString });
    guest.on('notice', ({ message }) => notices.push(String(message)));
    await guest.connect();
    await append(store, 3 * KEPT);
    await until(async () => (await count('owned')) <= KEPT + BATCH);
    const { rows } = await guest.query('SELECT is_vacuum_due FROM owned.trim_log(1, 1, 1e9, 2000)');
    expect(rows).toEqual([{ is_vacuum_due: false }]);
    expect([...reports, ...notices]).toEqual([]);
    await guest.end();
  });
});
