import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { integer, pgTable } from 'drizzle-orm/pg-core';
import pg from 'pg';
import { publicationOf, publishInTransaction } from '../../src/stores/postgres/index.js';
import { PostgresEngine, postgresMissing } from '../support/engines/postgres.js';
import {
  closeStores,
  draft,
  entriesOf,
  follow,
  idsOf,
  openPostgresStore,
  pause,
  readAllIds,
  until,
} from './postgres-bench.js';

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
  const item = (id: string) => ({
    id,
    topic: 'orders',
    type: 'order.shipped',
    data: { text: `it's "${id}" \u0000 €` },
  });

  test('pg: it is visible if and only if the transaction commits, at once and with its data', async () => {
    const store = await open();
    const batches = await follow(store, 0);
    const client = await pool.connect();
    await client.query('BEGIN');
    await publishInTransaction(client, [item('undone')], { schema });
    await client.query('ROLLBACK');
    await client.query('BEGIN');
    await client.query('INSERT INTO orders VALUES (1)');
    expect(await publishInTransaction(client, [item('a'), item('b')], { schema })).toEqual(['a', 'b']);
    await pause(50);
    expect(await readAllIds(store)).toEqual([]);
    const startMs = Date.now();
    await client.query('COMMIT');
    client.release();
    await until('the tail', () => entriesOf(batches).length === 2);
    // By a wake-up and not by the next poll.
    expect(Date.now() - startMs).toBeLessThan(3_000);
    expect(await readAllIds(store)).toEqual(['a', 'b']);
    expect(JSON.parse(entriesOf(batches)[0]?.json ?? '')).toEqual({ ...item('a'), time: expect.any(String) });
  });

  test('Drizzle: the same inside db.transaction', async () => {
    const store = await open();
    const batches = await follow(store, 0);
    const db = drizzle(pool);
    const ship = (id: number, fail: boolean) =>
      db.transaction(async (tx) => {
        await tx.insert(orders).values({ id });
        const publication = publicationOf([
          { topic: 'orders', type: 'order.shipped', data: { orderId: id }, id: `o${id}` },
        ]);
        await tx.execute(sql`SELECT ${sql.identifier(schema)}.publish(${publication})`);
        if (fail) throw new Error('the application changed its mind');
      });
    await expect(ship(7, true)).rejects.toThrow('changed its mind');
    await ship(8, false);
    await until('the tail', () => entriesOf(batches).length > 0);
    expect(await readAllIds(store)).toEqual(['o8']);
    const { rows } = await pool.query('SELECT id FROM orders WHERE id IN (7, 8)');
    expect(rows).toEqual([{ id: 8 }]);
  });

  test('any number of nodes move it exactly once, and each call stays together', async () => {
    const stores = [await open(), await openAgain(), await openAgain()];
    const tails = await Promise.all(stores.map((store) => follow(store, 0)));
    const publish = async (name: string): Promise<void> => {
      for (let n = 0; n < 15; n++) {
        const client = await pool.connect();
        await client.query('BEGIN');
        await publishInTransaction(client, [item(`${name}-${n}`), item(`${name}-${n}b`)], { schema });
        await client.query(n % 5 === 4 ? 'ROLLBACK' : 'COMMIT');
        client.release();
        await stores[n % 3]?.append([draft(`${name}-${n}-plain`)]);
      }
    };
    await Promise.all(['x', 'y', 'z'].map(publish));
    const expected = 3 * (15 + 12 * 2);
    await until('all tails', () => tails.every((batches) => entriesOf(batches).length >= expected));
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

  test('an id that stands in the log is left out, and what was committed while no node ran is moved later', async () => {
    const store = await open();
    await store.append([draft('a')]);
    await store.close();
    await publishInTransaction(pool, [item('a'), item('b')], { schema });
    const later = await openAgain();
    await follow(later, 0);
    await until('the move', async () => (await readAllIds(later)).length === 2);
    expect(await readAllIds(later)).toEqual(['a', 'b']);
  });

  test('what could not be moved is refused in the transaction', async () => {
    await open();
    for (const wrong of [
      { topic: 'a b', type: 't' },
      { topic: 'a', type: '' },
      { topic: 'a', type: 't', id: 'ä' },
    ]) {
      await expect(publishInTransaction(pool, [wrong], { schema })).rejects.toMatchObject({
        code: expect.stringMatching(/^(topic|type|id)_invalid$/),
      });
    }
    const publish = (data: unknown) => publishInTransaction(pool, [{ topic: 'a', type: 't', data }], { schema });
    await expect(publish(() => 1)).rejects.toMatchObject({ code: 'data_invalid' });
    await expect(publish(nested(33))).rejects.toMatchObject({ code: 'data_invalid' });
    await expect(publish('x'.repeat(64 * 1024))).rejects.toMatchObject({ code: 'notification_too_large' });
    await expect(publish([nested(31), 'x'.repeat(60 * 1024)])).resolves.toHaveLength(1);
    for (const text of ['[{"id":"a","topic":"b"}]', `[{"id":"a","topic":"${'x'.repeat(2000)}","json":"{}"}]`, '{']) {
      await expect(pool.query(`SELECT ${schema}.publish($1)`, [text])).rejects.toThrow();
    }
    await expect(publishInTransaction(pool, [], { schema: 'No' })).rejects.toThrow(/schema is "No"/);
  });
});

function nested(levels: number): unknown {
  return levels === 0 ? null : [nested(levels - 1)];
}
