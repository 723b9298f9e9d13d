import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Clock } from '../../src/core/clock.js';
import type { Database } from '../../src/stores/postgres/database.js';
import { Peers } from '../../src/stores/postgres/peers.js';
import { Waker } from '../../src/stores/postgres/waker.js';
import { ManualClock } from '../../src/testing/index.js';
import { PostgresEngine, postgresMissing } from '../support/engines/postgres.js';
import { closeStores, openPostgresStore } from '../support/stores/postgres.js';
import { draft } from '../support/drafts.js';
import { entriesOf, follow } from '../support/stores/reads.js';
import { until } from '../support/time/until.js';

describe('a node that listens', () => {
  const clock = new ManualClock();
  const [node, other] = [new Peers(clock), new Peers(clock)];

  test('assumes that others listen until it had time to receive their answer', async () => {
    expect(node.mayListen).toBe(true);
    await clock.advance(60_000);
    expect(node.mayListen).toBe(true);
    expect(node.hear(node.greeting, true)).toBe('self');
    expect(node.mayListen).toBe(true);
    await clock.advance(2_000);
    expect(node.mayListen).toBe(false);
  });

  test('is not alone while it hears another node', async () => {
    expect(node.hear(other.greeting, false)).toBe('newcomer');
    expect(node.hear(other.greeting, false)).toBe('other');
    await clock.advance(40_000);
    expect(node.mayListen).toBe(true);
    await clock.advance(1);
    expect(node.mayListen).toBe(false);
  });

  test('is alone again after the farewell of the other node', () => {
    node.hear(other.greeting, false);
    expect(node.hear(other.farewell, false)).toBe('other');
    expect(node.mayListen).toBe(false);
  });

  test('knows nothing about others behind a pooler, and after its connection was lost', async () => {
    node.reset();
    node.hear(node.greeting, false);
    await clock.advance(60_000);
    expect(node.mayListen).toBe(true);
  });

  test('learns nothing from the wake-up of a transaction', async () => {
    const fresh = new Peers(clock);
    fresh.hear(fresh.greeting, true);
    await clock.advance(2_000);
    for (const message of ['', undefined, '+', 'x']) expect(fresh.hear(message, false)).toBe('other');
    expect(fresh.mayListen).toBe(false);
  });
});

test('a node that is alone sends no wake-up', async () => {
  const clock = new ManualClock();
  const peers = new Peers(clock);
  const sent: unknown[] = [];
  const database = { query: async (_: string, values: unknown) => sent.push(values) } as unknown as Database;
  const waker = new Waker({
    ...{ database, clock: clock as Clock, peers, pollMs: 1_000, channel: 'c' },
    logger: { warn: () => undefined, error: () => undefined },
  });
  waker.wake();
  await clock.advance(5);
  expect(sent).toEqual([['c', peers.greeting]]);
  peers.hear(peers.greeting, true);
  await clock.advance(2_000);
  waker.wake();
  await clock.advance(5);
  expect(sent).toHaveLength(1);
  await waker.close();
});

(postgresMissing() === undefined ? describe : describe.skip)('nodes on one engine', () => {
  let engine: PostgresEngine;
  beforeAll(async () => {
    engine = await PostgresEngine.start();
  }, 60_000);
  afterEach(closeStores);
  afterAll(() => engine.stop());

  test('a node that was alone wakes a node that has started since', async () => {
    // Without wake-ups it would take a minute.
    const options = { connectionString: engine.url, pollMs: 60_000 };
    const first = await openPostgresStore(options);
    const heard: string[] = [];
    await engine.use(async (client) => {
      client.on('notification', ({ payload = '' }) => heard.push(payload));
      await client.query('LISTEN nest_notifications_notifications');
      // A node that is not alone would send one in each of these rounds, or in the next.
      let silentRounds = 0;
      await until(async () => {
        heard.length = 0;
        await first.append([draft(`n${Math.random()}`)]);
        await client.query(`SELECT pg_notify('nest_notifications_notifications', '')`);
        await until(() => heard.includes(''));
        silentRounds = heard.length === 1 ? silentRounds + 1 : 0;
        return silentRounds === 20;
      });
      const second = await openPostgresStore(options);
      const { head } = await second.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });
      const batches = await follow(second, head);
      await until(() => heard.some((message) => message.startsWith('+')));
      await first.append([draft('last')]);
      await until(() => entriesOf(batches).some(({ id }) => id === 'last'));
    });
  }, 60_000);
});
