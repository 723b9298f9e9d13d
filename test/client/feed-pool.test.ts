import { afterEach, expect, test } from '@jest/globals';
import type { ConnectOptions } from 'nest-notifications/client';
import { FeedPool, IDLE } from '../../src/client/feed-pool.js';
import { atTestEnd, endTest } from '../support/http/cleanup.js';
import { until } from '../support/time/until.js';
import { startServer } from './servers.js';

afterEach(endTest);

/** A server that answers four polls with one notification each, and holds the next ones. */
async function startFeed(gap?: object) {
  const connections = { opened: 0, open: 0 };
  const url = await startServer((request, response) => {
    const cursor = new URL(request.url ?? '', 'http://x').searchParams.get('cursor');
    connections.open++;
    response.on('close', () => connections.open--);
    if (!cursor) connections.opened++;
    const n = Number(cursor ?? 0) + 1;
    if (n > 4) return;
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ notifications: [{ id: String(n), n }], cursor: String(n), gap }));
  });
  const pool = new FeedPool();
  const join = (options: Partial<ConnectOptions> = {}, key = 'orders') => {
    const count = { changes: 0 };
    const user = {
      options: () => ({ url, transport: 'poll', ...options }) as const,
      changed: () => {
        count.changes++;
      },
    };
    const leave = pool.join(key, 3, user);
    atTestEnd(leave);
    return { leave, count };
  };
  return { pool, join, connections };
}

const numbers = (pool: FeedPool) => pool.snapshot('orders').notifications.map((each) => (each as { n: number }).n);

test('components with the same key share one feed and one list of the newest notifications', async () => {
  const { pool, join, connections } = await startFeed();
  const users = [join(), join(), join()];
  await until(() => numbers(pool).includes(4));
  expect(numbers(pool)).toEqual([2, 3, 4]);
  expect(connections.opened).toBe(1);
  expect(new Set(users.map(({ count }) => count.changes)).size).toBe(1);
  pool.clear('orders');
  expect(numbers(pool)).toEqual([]);
});

test('a feed stays open while a component is mounted again, and closes with the last one', async () => {
  const { pool, join, connections } = await startFeed();
  const first = join();
  const { feed } = pool.snapshot('orders');
  first.leave();
  const second = join();
  await until(() => numbers(pool).includes(4) && connections.open === 1);
  expect(pool.snapshot('orders').feed).toBe(feed);
  second.leave();
  await until(() => connections.open === 0);
  expect([feed?.state.phase, pool.snapshot('orders'), connections.opened]).toEqual(['closed', IDLE, 1]);
});

test('components with different keys have different feeds', async () => {
  const { pool, join, connections } = await startFeed();
  join();
  join({}, 'alerts');
  await until(() => connections.opened === 2);
  expect(pool.snapshot('alerts').feed).not.toBe(pool.snapshot('orders').feed);
});

test('the feed calls each `onGap` function once, and `auth` of the latest component', async () => {
  const { pool, join } = await startFeed({ reason: 'expired' });
  const calls: string[] = [];
  const onGap = (): void => void calls.push('shared');
  join({ onGap, auth: () => void calls.push('auth of the first') });
  join({ onGap, auth: () => void calls.push('auth of the second') });
  await until(() => numbers(pool).length > 0);
  expect(calls.slice(0, 2)).toEqual(['auth of the second', 'shared']);
});
