import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { systemClock } from '../../src/core/clock.js';
import type { StoreFactory } from '../../src/core/store.js';
import { postgresStore, publishInTransaction } from '../../src/stores/postgres/index.js';
import { PostgresEngine, postgresMissing } from '../support/engines/postgres.js';
import { fastify } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { endTest } from '../support/http/cleanup.js';
import { holdPoll, poll } from '../support/http/feed.js';
import { TimerClock } from '../support/timer-clock.js';

const describePostgres = postgresMissing() === undefined ? describe : describe.skip;
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
/** Shorter than the wait of a poll. */
const TTL_MS = 10_000;

interface Stored {
  readonly id: string;
  readonly data: unknown;
}

describePostgres('options of a notification that is published in a transaction', () => {
  let engine: PostgresEngine;
  let pool: pg.Pool;
  let schema = '';
  let schemas = 0;
  let clock: TimerClock;
  let app: TestApp;
  beforeAll(async () => {
    engine = await PostgresEngine.start();
    pool = new pg.Pool({ connectionString: engine.url });
  }, 60_000);
  afterEach(endTest);
  afterAll(async () => {
    await pool.end();
    await engine.stop();
  });

  const start = async (): Promise<void> => {
    schema = `options_${++schemas}`;
    clock = new TimerClock();
    // Only the application's time is manual. The store talks to a real engine.
    const store: StoreFactory = ({ logger }) =>
      postgresStore({ connectionString: engine.url, schema })({ clock: systemClock, logger });
    app = await startApp(fastify, { notifications: { access: 'public', clock, store } });
  };
  /** Publishes in one transaction. `meanwhile` runs before the commit. */
  const publish = async (
    items: Parameters<typeof app.service.prepare>[1],
    meanwhile: () => unknown = () => undefined,
  ): Promise<void> => {
    const publication = await app.service.prepare('orders', items);
    const client = await pool.connect();
    await client.query('BEGIN');
    await publishInTransaction(client, publication, { schema });
    await meanwhile();
    await client.query('COMMIT');
    client.release();
  };
  const log = async (): Promise<readonly Stored[]> => {
    const { json } = await poll(app, 'topic=orders&cursor=earliest&wait=0');
    return json.notifications as readonly Stored[];
  };
  /** Runs a task, and resolves with the notifications that a held poll receives from it. */
  const received = async (task: () => Promise<void>): Promise<readonly Stored[]> => {
    const held = await holdPoll(app, `topic=orders&cursor=${app.service.cursor()}`);
    await task();
    return (await held.response()).json.notifications as readonly Stored[];
  };

  test('are fields of the notification over HTTP', async () => {
    await start();
    const expiresAt = new Date(clock.now() + TTL_MS);
    const options = { key: 'order-7', priority: 'high', publisher: 'shop', traceparent: TRACE } as const;
    const expected = { ...options, type: 'moved', expiresAt: expiresAt.toISOString(), data: 1 };
    expect(await received(() => publish({ type: 'moved', data: 1, ttlMs: TTL_MS, ...options }))).toMatchObject([
      expected,
    ]);
    expect(await log()).toMatchObject([expected]);
    const [later] = await received(() => publish({ type: 'moved', data: 2, expiresAt }));
    expect(later).toMatchObject({ expiresAt: expiresAt.toISOString(), data: 2 });
  });

  test('collapse: only the newest notification of a key is on a page', async () => {
    await start();
    const moved = (data: number) => ({ type: 'moved', key: 'order-7', data });
    await received(() => publish([moved(1), { type: 'moved', data: 2 }]));
    expect(await received(() => publish(moved(3)))).toMatchObject([{ data: 3 }]);
    expect((await log()).map(({ data }) => data)).toEqual([2, 3]);
  });

  test('expiry: the time begins with `prepare`, also if the transaction takes long', async () => {
    await start();
    await received(() => publish([{ type: 'moved', data: 1, ttlMs: TTL_MS }]));
    expect(await log()).toMatchObject([{ data: 1 }]);
    const late = [
      { type: 'moved', data: 2, ttlMs: TTL_MS },
      { type: 'moved', data: 3 },
    ];
    expect(await received(() => publish(late, () => clock.advance(TTL_MS)))).toMatchObject([{ data: 3 }]);
    expect((await log()).map(({ data }) => data)).toEqual([3]);
  });

  test('a wrong option is rejected by `prepare`, before the transaction has it', async () => {
    await start();
    for (const wrong of [{ ttlMs: 0 }, { key: 'k'.repeat(10_000) }, { priority: 'urgent' }, { traceparent: 'x' }]) {
      const rejected = publish({ type: 'moved', data: 1, ...wrong } as never);
      await expect(rejected).rejects.toMatchObject({ code: 'option_invalid' });
    }
    const { rows } = await pool.query(`SELECT count(*)::int AS count FROM ${schema}.outbox`);
    expect(rows).toEqual([{ count: 0 }]);
  });
});
