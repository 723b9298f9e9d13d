import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import type { Store } from '../../src/core/store.js';
import { postgresStore, type PostgresStoreOptions } from '../../src/stores/postgres/index.js';
import { inDepth } from '../support/depth.js';
import { PgBouncer, pgBouncerMissing } from '../support/engines/pgbouncer.js';
import { PostgresEngine, postgresMissing } from '../support/engines/postgres.js';
import { closeStores, openPostgresStore, reports, stateOf } from '../support/stores/postgres.js';
import { draft } from '../support/drafts.js';
import { entriesOf, follow, idsOf, readAllIds } from '../support/stores/reads.js';
import { pause } from '../support/time/pause.js';
import { until } from '../support/time/until.js';

const describePostgres = postgresMissing() === undefined ? describe : describe.skip;
const CYCLES = inDepth(2, 8);
/** A caller's pause before it repeats a rejected call. */
const RETRY_MS = 50;

describePostgres('postgresStore during failures of its engine', () => {
  let engine: PostgresEngine;
  let pooler: PgBouncer | undefined;
  let schema = '';
  let schemas = 0;
  beforeAll(async () => {
    engine = await PostgresEngine.start();
  }, 60_000);
  afterEach(async () => {
    // A test that fails while the engine hangs must not fail the next ones.
    engine.thaw();
    await closeStores();
    await pooler?.stop();
    pooler = undefined;
  });
  afterAll(() => engine.stop());

  const open = (options: PostgresStoreOptions = {}) => {
    schema = `engine_${++schemas}`;
    return openAgain(options);
  };
  const openAgain = (options: PostgresStoreOptions = {}) =>
    openPostgresStore({ connectionString: engine.url, schema, timeoutMs: 2_000, ...options });

  /** Publishes until `stop` is called. A call that fails is repeated with the same id. */
  function startLoad(stores: readonly Store[], acknowledged: Map<string, number>): { stop: () => Promise<unknown> } {
    const state = { running: true };
    let count = 0;
    const publish = async (store: Store): Promise<void> => {
      while (state.running) {
        const id = `n-${count++}`;
        for (let done = false; !done;) {
          try {
            const { appended } = await store.append([draft(id)]);
            acknowledged.set(id, appended[0]?.position ?? 0);
            done = true;
          } catch (error) {
            expect(error).toMatchObject({ code: 'store_unavailable' });
            await pause(RETRY_MS);
          }
        }
      }
    };
    const loops = Array.from({ length: 8 }, (_, index) => publish(stores[index % stores.length]!));
    return {
      stop: () => {
        state.running = false;
        return Promise.all(loops);
      },
    };
  }

  test(`${CYCLES} kills under load lose no acknowledged notification, repeat none, and nodes recover`, async () => {
    const stores = [await open(), await openAgain()];
    const tails = await Promise.all(stores.map((store) => follow(store, 0)));
    const { epoch } = await stateOf(stores[0]!);
    const acknowledged = new Map<string, number>();
    const load = startLoad(stores, acknowledged);
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const before = acknowledged.size;
      await until(() => acknowledged.size > before + 50);
      await engine.restart();
    }
    const before = acknowledged.size;
    await until(() => acknowledged.size > before + 50);
    await load.stop();
    const state = await stateOf(stores[0]!);
    // Each start of the engine begins an epoch that continues the one before, with all that was
    // acknowledged in it.
    expect(state.epoch.before?.map(({ lost }) => lost)).toEqual(Array.from({ length: CYCLES }, () => false));
    expect(state.epoch.before?.at(-1)?.id).toBe(epoch.id);
    await until(() => tails.every((batches) => batches.at(-1)?.head === state.head));
    for (const batches of tails) {
      const entries = entriesOf(batches);
      expect(entries.map(({ position }) => position)).toEqual(Array.from({ length: state.head }, (_, n) => n + 1));
      const ids = idsOf(entries);
      expect(new Set(ids).size).toBe(ids.length);
      expect([...acknowledged].filter(([id, position]) => ids[position - 1] !== id)).toEqual([]);
    }
    // Each outage is reported once by each store, and so is its end.
    expect(reports.filter((report) => report.includes('is unavailable')).length).toBeLessThanOrEqual(CYCLES * 2);
    expect(reports.filter((report) => report.includes('available again')).length).toBe(
      reports.filter((report) => report.includes('is unavailable')).length,
    );
  }, 120_000);

  test('an engine that hangs fails calls in time, bounds pending appends, and recovers', async () => {
    const store = await open();
    const batches = await follow(store, 0);
    await store.append([draft('a')]);
    engine.freeze();
    const startMs = Date.now();
    const calls = Array.from({ length: 30_000 }, (_, n) => store.append([draft(`hung-${n}`)]));
    const reads = [stateOf(store), store.read({ topics: ['orders'], after: 0, limit: 1, bytesMax: 1 })];
    const results = await Promise.allSettled([...calls, ...reads]);
    const tookMs = Date.now() - startMs;
    const codes = new Set(results.map((result) => (result.status === 'rejected' ? result.reason.code : 'fulfilled')));
    expect([...codes]).toEqual(['store_unavailable']);
    // A connection that hangs would take minutes to fail by itself.
    expect(tookMs).toBeLessThan(10_000);
    const behind = results.filter((result) => result.status === 'rejected' && /is behind/.test(result.reason.message));
    expect(behind).toHaveLength(10_000);
    engine.thaw();
    await until(() =>
      store.append([draft('b')]).then(
        () => true,
        () => false,
      ),
    );
    await until(() => idsOf(entriesOf(batches)).includes('b'));
    expect(new Set(idsOf(entriesOf(batches))).size).toBe(entriesOf(batches).length);
    expect(reports).toEqual([
      expect.stringContaining('postgres store is unavailable'),
      expect.stringContaining('available again'),
    ]);
  }, 60_000);

  test('a dropped schema is created again, with a new epoch that tails receive', async () => {
    const store = await open();
    const { epoch } = await store.append([draft('a'), draft('b')]);
    const batches = await follow(store, 0);
    await until(() => batches.at(-1)?.head === 2);
    await engine.use((client) => client.query(`DROP SCHEMA ${schema} CASCADE`));
    const result = await store.append([draft('c')]);
    expect(result.epoch.id).not.toBe(epoch.id);
    await until(() => batches.at(-1)?.epoch.id === result.epoch.id);
    expect(await readAllIds(store)).toEqual(['c']);
  });

  test.each([
    ['rewound', 'DELETE FROM entries WHERE position > 1'],
    ['emptied', 'TRUNCATE entries'],
  ])('a log that was %s gets a new epoch', async (_, statement) => {
    const store = await open();
    const { epoch } = await store.append([draft('a'), draft('b')]);
    await engine.use(async (client) => {
      await client.query(`SET search_path TO ${schema}`);
      await client.query(statement);
    });
    expect((await stateOf(store)).epoch.id).not.toBe(epoch.id);
  });

  test('a restored log gets a new epoch, also when no node was running', async () => {
    const store = await open();
    const { epoch } = await store.append([draft('a')]);
    await store.close();
    await engine.use(async (client) => {
      // A restored dump consists of other tables with the same rows.
      await client.query(`CREATE TABLE ${schema}.copy (LIKE ${schema}.log INCLUDING ALL)`);
      await client.query(`INSERT INTO ${schema}.copy SELECT * FROM ${schema}.log`);
      await client.query(`ALTER TABLE ${schema}.log RENAME TO old; ALTER TABLE ${schema}.copy RENAME TO log`);
    });
    const again = await openAgain();
    const renewed = (await stateOf(again)).epoch;
    expect(renewed.id).not.toBe(epoch.id);
    expect(await readAllIds(again)).toEqual(['a']);
    expect((await stateOf(await openAgain())).epoch).toEqual(renewed);
  });

  test('a draft that cannot be stored fails alone', async () => {
    const store = await open();
    const calls = [['a'], ['b', 'x\0'], ['c']].map((ids) => store.append(ids.map((id) => draft(id))));
    const results = await Promise.allSettled(calls);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await readAllIds(store)).toEqual(['a', 'c']);
    expect(reports).toEqual([]);
  });

  test('works on a pool of the application, and leaves it open', async () => {
    const pool = new pg.Pool({ connectionString: engine.url, max: 3 });
    schema = 'shared_pool';
    const store = await openPostgresStore({ pool, schema });
    const batches = await follow(store, 0);
    const other = await openAgain();
    await other.append([draft('a')]);
    await until(() => entriesOf(batches).length === 1);
    await store.close();
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await pool.end();
  });

  (pgBouncerMissing() === undefined ? test : test.skip)(
    'appends through a pooler in transaction mode, which mixes up prepared statements',
    async () => {
      pooler = await PgBouncer.start(engine);
      const stores = [await open({ connectionString: pooler.url }), await openAgain({ connectionString: pooler.url })];
      const ids = Array.from({ length: 20 }, (_, n) => `n${n}`);
      for (const [n, id] of ids.entries()) await stores[n % 2]!.append([draft(id)]);
      await Promise.all(ids.map((id, n) => stores[n % 2]!.append([draft(`again-${id}`)])));
      expect((await readAllIds(stores[0]!)).slice(0, 20)).toEqual(ids);
      expect(await readAllIds(stores[1]!)).toHaveLength(40);
      expect(reports).toEqual([]);
    },
  );

  test('survives a connection that reports its end before the pool has returned it', async () => {
    const pool = new pg.Pool({ connectionString: engine.url });
    pool.on('error', () => undefined);
    // One packet of the engine can say that it is ready and that it shuts down.
    pool.on('connect', (client) => queueMicrotask(() => client.emit('error', new Error('terminated'))));
    const store = await openPostgresStore({ pool, schema: 'early_end' });
    expect(await store.append([draft('a')])).toMatchObject({ appended: [{ id: 'a', duplicate: false }] });
    await store.close();
    await pool.end();
  });

  test('without a connection that listens, polling finds new notifications', async () => {
    const listenConnectionString = 'postgres://nobody:hidden@127.0.0.1:1/none';
    const store = await open({ listenConnectionString, pollMs: 50 });
    const batches = await follow(store, 0);
    await (await openAgain()).append([draft('a')]);
    await until(() => entriesOf(batches).length === 1);
  });

  test('no error and no report contains credentials', async () => {
    const secret = 'hunter2';
    const nowhere = `postgres://me:${secret}@127.0.0.1:1/none`;
    const error = await openPostgresStore({ connectionString: nowhere }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'store_unavailable' });
    const texts = [...reports, String(error), String((error as Error).cause)];
    for (const wrong of [`mysql://me:${secret}@a/b`, `postgres://me:${secret}@a:port/b`]) {
      const failure = await (async () => openPostgresStore({ connectionString: wrong }))().catch((e: unknown) => e);
      texts.push(String(failure), JSON.stringify(failure), String((failure as Error).cause));
    }
    expect(reports).toHaveLength(1);
    for (const text of texts) expect(text).not.toContain(secret);
  });

  test.each([
    [{}, /either pool or connectionString/],
    [{ connectionString: 'postgres://a', retainMs: 0 }, /option retainMs is 0; it must be a whole number from 1 to/],
    [{ connectionString: 'postgres://a', poolMax: 1 }, /option poolMax is 1; it must be a whole number from 2 to 1000/],
    [{ connectionString: 'postgres://a', schema: 'a"b' }, /option schema is the string "a\\"b"; it must be a word/],
    [{ connectionString: 'postgres://a', retain: 1 }, /there is no option retain$/],
  ])('options are checked: %j', (options, message) => {
    expect(() => postgresStore(options)).toThrow(message);
  });
});
