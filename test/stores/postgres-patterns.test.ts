import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { abilitiesOf } from '../../src/core/abilities.js';
import { PATTERNS_MAX } from '../../src/core/patterns.js';
import type { Store } from '../../src/core/store.js';
import { draft, drafts } from '../support/drafts.js';
import { PostgresEngine, postgresMissing } from '../support/engines/postgres.js';
import { closeStores, openPostgresStore, reports } from '../support/stores/postgres.js';
import { idsOf } from '../support/stores/reads.js';
import { until } from '../support/time/until.js';

const describePostgres = postgresMissing() === undefined ? describe : describe.skip;
const OTHERS = Array.from({ length: PATTERNS_MAX }, (_, at) => `other${at}.*`);

describePostgres('postgresStore removes the index of a dropped pattern', () => {
  let engine: PostgresEngine;
  let client: pg.Client;
  beforeAll(async () => {
    engine = await PostgresEngine.start();
    client = new pg.Client({ connectionString: engine.url });
    await client.connect();
  }, 60_000);
  afterEach(closeStores);
  afterAll(async () => {
    await client.end();
    await engine.stop();
  });

  /** A log with the pattern `p.*`. Another transaction locks the pattern's index. */
  async function openLocked(schema: string): Promise<Store> {
    const store = await openPostgresStore({ connectionString: engine.url, schema });
    await declare(store, ['p.*']);
    await store.append(drafts(3, 'old', 'p.1'));
    await client.query('BEGIN');
    await client.query(`SELECT FROM ${schema}.by_pattern FOR UPDATE`);
    return store;
  }
  const declare = (store: Store, names: readonly string[]) => abilitiesOf(store).indexPatterns!(names);
  const indexed = async (schema: string) =>
    (await client.query(`SELECT position::int FROM ${schema}.by_pattern ORDER BY position`)).rows.map(
      ({ position }) => position as number,
    );

  test('after the declaration, so appends do not wait for it', async () => {
    const store = await openLocked('waits');
    await declare(store, OTHERS);
    await store.append([draft('new', { topic: 'other1.x' })]);
    await client.query('COMMIT');
    await until(async () => (await indexed('waits')).join() === '4');
    expect(reports).toEqual([]);
  });

  test('up to its next declaration', async () => {
    const store = await openLocked('again');
    await declare(store, OTHERS);
    await declare(store, ['p.*']);
    await store.append(drafts(2, 'new', 'p.1'));
    await client.query('COMMIT');
    await until(async () => (await indexed('again')).join() === '4,5');
    const page = await store.read({ topics: ['p.*'], after: 0, limit: 10, bytesMax: 1e6 });
    expect([idsOf(page.entries), page.trimmed]).toEqual([['new1', 'new2'], 3]);
    expect(reports).toEqual([]);
  });
});
