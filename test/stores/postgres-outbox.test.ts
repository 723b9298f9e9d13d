import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { integer, pgTable } from 'drizzle-orm/pg-core';
import pg from 'pg';
import { z } from 'zod';
import { abilitiesOf } from '../../src/core/abilities.js';
import type { PublishItem } from '../../src/core/draft.js';
import { NotificationsModule, NotificationsService } from '../../src/index.js';
import { postgresStore, publishInTransaction } from '../../src/stores/postgres/index.js';
import { PostgresEngine, postgresMissing } from '../support/engines/postgres.js';
import { closeStores, openPostgresStore, publicationOf, reports } from '../support/stores/postgres.js';
import { draft } from '../support/drafts.js';
import { entriesOf, follow, idsOf, readAllIds } from '../support/stores/reads.js';
import { until } from '../support/time/until.js';

const describePostgres = postgresMissing() === undefined ? describe : describe.skip;
const orders = pgTable('orders', { id: integer() });

describePostgres('publishing inside a transaction of the application', () => {
  let engine: PostgresEngine;
  let pool: pg.Pool;
  let schema = '';
  let schemas = 0;
  beforeAll(async () => {
    engine = await PostgresEngine.start();
    pool = new pg.Pool({ connectionString: engine.url });
    await pool.query('CREATE TABLE orders (id integer)');
  }, 60_000);
  afterEach(closeStores);
  afterAll(async () => {
    await pool.end();
    await engine.stop();
  });

  const open = () => {
    schema = `outbox_${++schemas}`;
    return openAgain();
  };
  const openAgain = () => openPostgresStore({ connectionString: engine.url, schema, pollMs: 5_000 });
  const DATA = { text: `it's "quoted" \u0000 €` };
  const item = (id: string) => draft(id, { data: DATA });

  test('pg: a publication is visible if and only if the transaction commits, at once and with its data', async () => {
    const store = await open();
    const batches = await follow(store, 0);
    const client = await pool.connect();
    await client.query('BEGIN');
    await publishInTransaction(client, publicationOf([item('undone')]), { schema });
    await client.query('ROLLBACK');
    await client.query('BEGIN');
    await client.query('INSERT INTO orders VALUES (1)');
    expect(await publishInTransaction(client, publicationOf([item('a'), item('b')]), { schema })).toEqual(['a', 'b']);
    // The tail has passed a later notification.
    await store.append([draft('later', { topic: 'others' })]);
    await until(() => entriesOf(batches).length === 1);
    expect(await readAllIds(store)).toEqual([]);
    const startMs = Date.now();
    await client.query('COMMIT');
    client.release();
    await until(() => entriesOf(batches).length === 3);
    // A wake-up is faster than the next poll.
    expect(Date.now() - startMs).toBeLessThan(3_000);
    expect(await readAllIds(store)).toEqual(['a', 'b']);
    expect(entriesOf(batches)[1]?.json).toBe(item('a').json);
  });

  test('a publication is indexed by the patterns that are declared when it is moved into the log', async () => {
    const store = await open();
    const client = await pool.connect();
    await client.query('BEGIN');
    const publication = publicationOf([draft('a', { topic: 'orders.1' }), draft('b', { topic: 'other' })]);
    await publishInTransaction(client, publication, { schema });
    // The transaction began before the declaration.
    await abilitiesOf(store).indexPatterns!(['orders.*']);
    await client.query('COMMIT');
    client.release();
    await until(async () => (await readAllIds(store, 'other')).length === 1);
    const page = await store.read({ topics: ['orders.*'], after: 0, limit: 10, bytesMax: 1e6 });
    expect([idsOf(page.entries), page.trimmed]).toEqual([['a'], 0]);
  });

  test('Drizzle: a publication inside db.transaction is visible if and only if it commits', async () => {
    const store = await open();
    const batches = await follow(store, 0);
    const db = drizzle(pool);
    const ship = (id: number, fail: boolean) =>
      db.transaction(async (tx) => {
        await tx.insert(orders).values({ id });
        const { text } = publicationOf([draft(`o${id}`)]);
        await tx.execute(sql`SELECT ${sql.identifier(schema)}.publish(${text})`);
        if (fail) throw new Error('the application changed its mind');
      });
    await expect(ship(7, true)).rejects.toThrow('changed its mind');
    await ship(8, false);
    await until(() => entriesOf(batches).length > 0);
    expect(await readAllIds(store)).toEqual(['o8']);
    const { rows } = await pool.query('SELECT id FROM orders WHERE id IN (7, 8)');
    expect(rows).toEqual([{ id: 8 }]);
  });

  test('several nodes move each publication exactly once, and each call stays together', async () => {
    const stores = [await open(), await openAgain(), await openAgain()];
    const tails = await Promise.all(stores.map((store) => follow(store, 0)));
    const publish = async (name: string): Promise<void> => {
      for (let n = 0; n < 15; n++) {
        const client = await pool.connect();
        await client.query('BEGIN');
        await publishInTransaction(client, publicationOf([item(`${name}-${n}`), item(`${name}-${n}b`)]), { schema });
        await client.query(n % 5 === 4 ? 'ROLLBACK' : 'COMMIT');
        client.release();
        await stores[n % 3]?.append([draft(`${name}-${n}-plain`)]);
      }
    };
    await Promise.all(['x', 'y', 'z'].map(publish));
    const expected = 3 * (15 + 12 * 2);
    await until(() => tails.every((batches) => entriesOf(batches).length >= expected));
    const [first = [], ...others] = tails.map((batches) => idsOf(entriesOf(batches)));
    expect(new Set(first).size).toBe(expected);
    for (const ids of [...others, await readAllIds(stores[0]!)]) expect(ids).toEqual(first);
    const halves = first.filter((id) => id.endsWith('b'));
    expect(halves).toHaveLength(36);
    for (const half of halves) expect(first[first.indexOf(half) - 1]).toBe(half.slice(0, -1));
    for (const name of ['x', 'y', 'z']) {
      const own = first.filter((id) => id.startsWith(name) && !id.endsWith('plain') && !id.endsWith('b'));
      expect(own).toEqual([...own].sort((a, b) => Number(a.slice(2)) - Number(b.slice(2))));
    }
  }, 60_000);

  test('skips ids that the log holds, and moves publications from before a node was running', async () => {
    const store = await open();
    await store.append([draft('a')]);
    await store.close();
    await publishInTransaction(pool, publicationOf([item('a'), item('b')]), { schema });
    const later = await openAgain();
    await follow(later, 0);
    await until(async () => (await readAllIds(later)).length === 2);
    expect(await readAllIds(later)).toEqual(['a', 'b']);
  });

  test('the SQL function rejects invalid publications, and returns the number of notifications', async () => {
    await open();
    for (const text of ['[{"id":"a","topic":"b"}]', `[{"id":"a","topic":"${'x'.repeat(2000)}","json":"{}"}]`, '{']) {
      await expect(pool.query(`SELECT ${schema}.publish($1)`, [text])).rejects.toThrow();
    }
    const { text } = publicationOf([item('a'), item('b')]);
    const { rows } = await pool.query(`SELECT ${schema}.publish($1) AS count`, [text]);
    expect(rows).toEqual([{ count: 2 }]);
    const publishing = publishInTransaction(pool, publicationOf([item('c')]), { schema: 'No' });
    await expect(publishing).rejects.toThrow(/option schema is the string "No"/);
  });

  test('a publication that cannot be appended is kept aside and reported, and stops no other', async () => {
    const store = await open();
    const insert = (text: string) => pool.query(`INSERT INTO ${schema}.outbox (drafts) VALUES ($1)`, [text]);
    await publishInTransaction(pool, publicationOf([item('a')]), { schema });
    await insert('{}');
    await insert('[{"id":"b"}]');
    await publishInTransaction(pool, publicationOf([item('c')]), { schema });
    await follow(store, 0);
    await until(async () => (await readAllIds(store)).length === 2);
    expect(await readAllIds(store)).toEqual(['a', 'c']);
    const { rows } = await pool.query(`SELECT drafts, error FROM ${schema}.outbox_rejected ORDER BY number`);
    expect(rows).toEqual([
      { drafts: {}, error: '22023' },
      { drafts: [{ id: 'b' }], error: '23502' },
    ]);
    await until(() => reports.length > 0);
    expect(reports.join()).toContain(`${schema}.outbox_rejected`);
  });

  test('a backlog is moved in transactions of bounded bytes, and appends continue meanwhile', async () => {
    await open();
    await closeStores();
    const large = 'x'.repeat(100_000);
    for (let n = 0; n < 40; n++) {
      const drafts = [draft(`${n}-a`, { data: large }), draft(`${n}-b`, { data: large })];
      await publishInTransaction(pool, publicationOf(drafts), { schema });
    }
    const store = await openAgain();
    const batches = await follow(store, 0);
    await store.append([draft('plain')]);
    await until(() => entriesOf(batches).length === 81);
    const { rows } = await pool.query(
      `SELECT sum(bytes)::int AS bytes FROM ${schema}.entries WHERE id <> 'plain' GROUP BY xmin::text`,
    );
    expect(Math.max(...rows.map(({ bytes }) => bytes as number))).toBeLessThanOrEqual(1024 * 1024);
    const moved = idsOf(entriesOf(batches)).filter((id) => id !== 'plain');
    expect(moved).toEqual(Array.from({ length: 40 }, (_, n) => [`${n}-a`, `${n}-b`]).flat());
  });

  test('a role without UPDATE on the outbox moves publications', async () => {
    await open();
    await closeStores();
    await pool.query(`CREATE ROLE mover LOGIN; GRANT USAGE ON SCHEMA ${schema} TO mover;
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO mover;
      REVOKE UPDATE ON ${schema}.outbox FROM mover`);
    const connectionString = engine.url.replace('postgres@', 'mover@');
    const store = await openPostgresStore({ connectionString, schema });
    await publishInTransaction(pool, publicationOf([item('a')]), { schema });
    await follow(store, 0);
    await until(async () => (await readAllIds(store)).length === 1);
    expect(reports).toEqual([]);
  });

  test('an outbox that cannot be moved is reported once, and the store stays available', async () => {
    await open();
    await closeStores();
    await pool.query(`CREATE ROLE barred LOGIN; GRANT USAGE ON SCHEMA ${schema} TO barred;
      GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA ${schema} TO barred`);
    const connectionString = engine.url.replace('postgres@', 'barred@');
    const store = await openPostgresStore({ connectionString, schema, pollMs: 20 });
    await publishInTransaction(pool, publicationOf([item('a')]), { schema });
    await follow(store, 0);
    await until(() => reports.length > 0);
    await store.append([draft('b')]);
    expect(reports).toEqual([expect.stringContaining('cannot move publications from the outbox into the log')]);
    expect(reports.join()).toContain('the role lacks a privilege');
  });

  test('prepare and publish reject the same: names, size, depth, count and schemas', async () => {
    const store = await open();
    const module = await Test.createTestingModule({
      imports: [
        NotificationsModule.forRoot({
          publishOnly: true,
          store: postgresStore({ connectionString: engine.url, schema }),
          publish: { notificationBytesMax: 1_000, dataDepthMax: 3, notificationsMax: 2 },
          schemas: { shipped: z.object({ orderId: z.coerce.number() }) },
        }),
      ],
    }).compile();
    const service = module.get(NotificationsService);
    const refused: [code: string, items: PublishItem[]][] = [
      ['topic_invalid', [{ topic: 'a b', type: 't' }]],
      ['topic_invalid', [{ topic: '$revocations', type: 't' }]],
      ['type_invalid', [{ topic: 'a', type: '' }]],
      ['id_invalid', [{ topic: 'a', type: 't', id: 'ä' }]],
      ['data_invalid', [{ topic: 'a', type: 't', data: () => 1 }]],
      ['data_invalid', [{ topic: 'a', type: 't', data: [[[[]]]] }]],
      ['data_invalid', [{ topic: 'a', type: 'shipped', data: { orderId: 'one' } }]],
      ['notification_too_large', [{ topic: 'a', type: 't', data: 'x'.repeat(1_000) }]],
      ['notifications_too_many', Array.from({ length: 3 }, () => ({ topic: 'a', type: 't' }))],
      ['body_invalid', []],
    ];
    for (const [code, items] of refused) {
      await expect(service.prepareAll(items)).rejects.toMatchObject({ code });
      await expect(service.publishAll(items)).rejects.toMatchObject({ code });
    }
    // The schema's output is published, as `publish` does.
    const publication = await service.prepare('orders', { type: 'shipped', data: { orderId: '7' }, id: 'p1' });
    expect(publication.ids).toEqual(['p1']);
    expect(await publishInTransaction(pool, publication, { schema })).toEqual(['p1']);
    const batches = await follow(store, 0);
    await until(() => entriesOf(batches).length === 1);
    expect(JSON.parse(entriesOf(batches)[0]?.json ?? '')).toMatchObject({ topic: 'orders', data: { orderId: 7 } });
    await module.close();
  });
});
