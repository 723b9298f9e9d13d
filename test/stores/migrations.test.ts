import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { abilitiesOf } from '../../src/core/abilities.js';
import { systemClock } from '../../src/core/clock.js';
import { positionIn } from '../../src/core/page.js';
import type { Store } from '../../src/core/store.js';
import { postgresStore } from '../../src/stores/postgres/index.js';
import { moveOutboxFunction } from '../../src/stores/postgres/sql/move-outbox-function.sql.js';
import { tables } from '../../src/stores/postgres/sql/tables.sql.js';
import { verifyFunction } from '../../src/stores/postgres/sql/verify-function.sql.js';
import { loadEngine } from '../../src/stores/sqlite/engine.js';
import { sqliteStore } from '../../src/stores/sqlite/index.js';
import { APPLICATION_ID, MIGRATIONS } from '../../src/stores/sqlite/sql/schema.sql.js';
import { draft } from '../support/drafts.js';
import { PostgresEngine, postgresMissing } from '../support/engines/postgres.js';

const runtime = { clock: systemClock, logger: { warn: () => undefined, error: () => undefined } };
const [record, note] = [draft('r1', { topic: '$revocations.x' }), draft('n1')];

/** A log of the first version with two records. Two nodes of this version open it at once. */
async function assertUpgraded(open: () => Promise<Store>): Promise<void> {
  const stores = await Promise.all([open(), open()]);
  const [store, other] = stores.map((each) => Object.assign(each, abilitiesOf(each)));
  const { entries, head, epoch } = await store!.read({ topics: ['orders'], after: 0, limit: 10, bytesMax: 1e6 });
  expect([entries.map(({ id }) => id), head]).toEqual([['n1'], 2]);
  expect(positionIn(epoch, { epochId: 'e1', position: 2 })).toBeDefined();
  expect(await store!.claim?.('ticket', 1_000)).toBe(true);
  expect(await other!.claim?.('ticket', 1_000)).toBe(false);
  expect(await other!.positionsOf?.(['n1', 'new'])).toEqual([2, undefined]);
  const { appended } = await other!.append([draft('n1'), draft('n2'), draft('r2', { topic: '$revocations.x' })]);
  expect(appended.map(({ position }) => position)).toEqual([2, 3, 4]);
  await Promise.all(stores.map((each) => each.close()));
}

describe('a log of the first version is migrated to this version', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nest-notifications-migrations-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('sqlite', async () => {
    const path = join(folder, 'log.db');
    const engine = await loadEngine();
    const writer = await engine.openWriter(path);
    await writer.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 1; ${MIGRATIONS[0] ?? ''}`);
    await writer.exec(`INSERT INTO log (one, epoch_id, epoch_secret, file, head, trimmed, bytes)
      VALUES (1, 'e1', 's1', '', 2, 0, 300)`);
    const add = await writer.prepare('INSERT INTO entries VALUES (?1, ?2, ?3, ?4, ?5, ?6)');
    for (const [at, { id, topic, json }] of [record, note].entries()) {
      add(at + 1, topic, id, Date.now(), json.length, json);
    }
    writer.close();
    await assertUpgraded(async () => sqliteStore({ path })(runtime));
    const reader = await engine.openReader(path);
    expect(reader.prepare('SELECT records, record_bytes AS bytes FROM log').get()).toMatchObject({
      records: 2,
      bytes: 2 * record.json.length,
    });
    reader.close();
  });

  (postgresMissing() === undefined ? describe : describe.skip)('in a database', () => {
    let engine: PostgresEngine;
    beforeAll(async () => {
      engine = await PostgresEngine.start();
    }, 60_000);
    afterAll(() => engine.stop());

    test('postgres', async () => {
      const client = new pg.Client({ connectionString: engine.url });
      await client.connect();
      await client.query(`CREATE SCHEMA old; CREATE TABLE old.migrations (version integer PRIMARY KEY,
        applied timestamptz NOT NULL DEFAULT now()); INSERT INTO old.migrations VALUES (1); ${tables('old')}`);
      await client.query(`CREATE FUNCTION old.publish(drafts text) RETURNS void LANGUAGE sql AS ''`);
      await client.query(`INSERT INTO old.log (epoch_id, epoch_secret) VALUES ('e1', 's1')`);
      for (const [at, { id, topic, json }] of [record, note].entries()) {
        const values = [at + 1, topic, id, json.length, json.length * (at + 1), json];
        await client.query('INSERT INTO old.entries VALUES ($1, $2, $3, now(), $4, $5, $6)', values);
      }
      // Functions that have not changed since the first version.
      await client.query(verifyFunction('old') + moveOutboxFunction('old'));
      await assertUpgraded(async () => postgresStore({ connectionString: engine.url, schema: 'old' })(runtime));
      expect((await client.query(`SELECT old.publish('[]') AS count`)).rows).toEqual([{ count: 0 }]);
      await client.end();
    });
  });
});
