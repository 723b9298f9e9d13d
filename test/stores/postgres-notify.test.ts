import { afterEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { publishInTransaction } from '../../src/stores/postgres/index.js';
import { otherVersion, PostgresEngine } from '../support/engines/postgres.js';
import { closeStores, openPostgresStore, publicationOf, reports, stateOf } from '../support/stores/postgres.js';
import { draft } from '../support/drafts.js';
import { entriesOf, follow, idsOf } from '../support/stores/reads.js';
import { until } from '../support/time/until.js';

/** These versions can bound their queue of notifications. */
const bin = otherVersion(18) ?? otherVersion(17);
if (!bin) console.warn('skipped: PostgreSQL 18 is not installed (node scripts/postgres-versions.mjs)');

(bin ? describe : describe.skip)('a full queue of notifications', () => {
  let engine: PostgresEngine;
  afterEach(async () => {
    await closeStores();
    await engine.stop();
  }, 30_000);

  test('stops no publisher and no transaction: nodes find new notifications by polling', async () => {
    engine = await PostgresEngine.open({ bin: bin!, settings: { max_notify_queue_pages: '64' } });
    const store = await openPostgresStore({ connectionString: engine.url, pollMs: 50 });
    const batches = await follow(await openPostgresStore({ connectionString: engine.url, pollMs: 50 }), 0);
    const listener = new pg.Client({ connectionString: engine.url });
    await listener.connect();
    // A session that listens inside a long transaction keeps the queue.
    await listener.query('LISTEN others');
    await listener.query('BEGIN');
    await listener.query('SELECT pg_current_xact_id()');
    await engine.use(async (client) => {
      const text = `SELECT count(pg_notify('others', repeat('x', 7000) || n)) FROM generate_series(1, 5) n`;
      await until(() =>
        client.query(text).then(
          () => false,
          (error: unknown) => (error as pg.DatabaseError).code === '54000',
        ),
      );
      await publishInTransaction(client, publicationOf([draft('from a transaction')]));
    });
    await store.append([draft('a')]);
    await store.append([draft('b'), draft('c')]);
    await until(() => entriesOf(batches).length === 4);
    expect(idsOf(entriesOf(batches)).sort()).toEqual(['a', 'b', 'c', 'from a transaction']);
    expect((await stateOf(store)).head).toBe(4);
    await until(() => reports.length > 0);
    expect(reports[0]).toContain('cannot wake other nodes: SQLSTATE 54000');
    await listener.end();
    await until(async () => {
      await store.append([draft(`d${reports.length}${Math.random()}`)]);
      return reports.some((report) => report.includes('wakes other nodes again'));
    });
  }, 60_000);
});
