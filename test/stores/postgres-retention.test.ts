import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { publishInTransaction } from '../../src/stores/postgres/index.js';
import { draft, drafts } from '../support/drafts.js';
import { PostgresEngine, postgresMissing } from '../support/engines/postgres.js';
import { closeStores, openPostgresStore, publicationOf, reports, stateOf } from '../support/stores/postgres.js';
import { readAllIds } from '../support/stores/reads.js';
import { until } from '../support/time/until.js';

const describePostgres = postgresMissing() === undefined ? describe : describe.skip;

describePostgres('the retention of postgresStore', () => {
  let engine: PostgresEngine;
  beforeAll(async () => {
    engine = await PostgresEngine.start();
  }, 60_000);
  afterEach(closeStores);
  afterAll(() => engine.stop());

  test('removes a few large notifications that exceed retainBytes', async () => {
    const retainBytes = 100_000;
    const store = await openPostgresStore({ connectionString: engine.url, schema: 'large', retainBytes });
    const data = 'x'.repeat(10_000);
    for (let n = 0; n < 30; n++) await store.append([draft(`n${n}`, { data })]);
    // At most 10 % more is kept, and each notification is a little larger than its data.
    await until(async () => (await readAllIds(store)).length <= 10);
    expect((await readAllIds(store)).at(-1)).toBe('n29');
    expect(reports).toEqual([]);
  });

  test('counts the publications of transactions', async () => {
    const options = { connectionString: engine.url, schema: 'moved', retainCount: 20 };
    const store = await openPostgresStore(options);
    await engine.use(async (client) => {
      for (let n = 0; n < 10; n++)
        await publishInTransaction(client, publicationOf(drafts(10, `p${n}-`)), { schema: options.schema });
    });
    await until(async () => (await stateOf(store)).head === 100);
    await until(async () => (await readAllIds(store)).length <= 22);
    expect(reports).toEqual([]);
  });
});
