import { afterEach, describe, expect, test } from '@jest/globals';
import type { ConnectOptions, Notification, Retraction } from 'nest-notifications/client';
import { FeedPool } from '../../src/client/feed-pool.js';
import { NotificationsFeed } from '../../src/client/notifications-feed.js';
import { runtime } from '../../src/client/environment.js';
import { fastify } from '../support/http/adapters.js';
import { OPEN, startApp, type TestApp } from '../support/http/app.js';
import { atTestEnd, endTest } from '../support/http/cleanup.js';
import { turn, until } from '../support/time/until.js';
import { startServer } from './servers.js';

afterEach(endTest);

const start = (): Promise<TestApp> => startApp(fastify, { notifications: OPEN });

function open(app: TestApp, options: Partial<ConnectOptions>): NotificationsFeed {
  const url = `http://127.0.0.1:${app.port}/notifications`;
  const feed = new NotificationsFeed({ url, topics: ['orders'], ...options }, { ...runtime, random: () => 0 });
  atTestEnd(async () => {
    feed.close();
    await turn(20);
    for (const socket of app.sockets) if (socket.bytesRead === 0) socket.destroy();
  });
  return feed;
}

async function publish(app: TestApp, count: number): Promise<readonly string[]> {
  const items = Array.from({ length: count }, () => ({ type: 't', data: null }));
  return (await app.service.publish('orders', items)).ids;
}

describe.each(['poll', 'sse'] as const)('a client by %s', (transport) => {
  test('calls the listeners of onRetracted, and moves its position', async () => {
    const app = await start();
    const [id] = await publish(app, 1);
    const feed = open(app, { transport, cursor: 'earliest' });
    const seen: Notification[] = [];
    const retracted: Retraction[] = [];
    const removed: Retraction[] = [];
    feed.onRetracted((retraction) => retracted.push(retraction));
    feed.onRetracted((retraction) => removed.push(retraction))();
    feed.subscribe((notification) => seen.push(notification));
    await until(() => seen.length === 1 && feed.state.phase === 'live');
    const before = feed.cursor;
    await app.service.retract('orders', id!);
    await until(() => retracted.length === 1);
    expect([retracted, removed, seen.length]).toEqual([[{ id, topic: 'orders' }], [], 1]);
    await until(() => feed.cursor !== before);
    expect(feed.state).toMatchObject({ phase: 'live', reason: undefined });
  });

  test('gives a slow loop no notification that was retracted meanwhile', async () => {
    const app = await start();
    const ids = await publish(app, 3);
    const feed = open(app, { transport, cursor: 'earliest' });
    const retracted: Retraction[] = [];
    feed.onRetracted((retraction) => retracted.push(retraction));
    const loop = feed[Symbol.asyncIterator]();
    expect((await loop.next()).value).toMatchObject({ id: ids[0] });
    await app.service.retract('orders', ids[1]!);
    await until(() => retracted.length === 1);
    expect((await loop.next()).value).toMatchObject({ id: ids[2] });
  });

  test('does not wait for the acknowledgement of a retracted notification', async () => {
    const app = await start();
    const ids = await publish(app, 3);
    const saved: string[] = [];
    const store = { load: () => 'earliest', save: (cursor: string) => void saved.push(cursor) };
    const feed = open(app, { transport, store, ack: 'manual' });
    const retracted: Retraction[] = [];
    feed.onRetracted((retraction) => retracted.push(retraction));
    const loop = feed[Symbol.asyncIterator]() as AsyncIterableIterator<Notification>;
    feed.ack((await loop.next()).value);
    await app.service.retract('orders', ids[1]!);
    await until(() => retracted.length === 1);
    feed.ack((await loop.next()).value);
    await until(() => saved.at(-1) === feed.cursor);
  });
});

/** A server that answers polls with these bodies, one after the other, and holds the next one. */
async function answering(...bodies: readonly object[]): Promise<string> {
  return startServer((request, response) => {
    const at = Number(new URL(request.url ?? '', 'http://x').searchParams.get('cursor') ?? 0);
    if (at >= bodies.length) return;
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ notifications: [], cursor: String(at + 1), more: false, ...bodies[at] }));
  });
}

test('applies the retractions of a page before its notifications', async () => {
  const [a, b] = ['a', 'b'].map((id) => ({ id, topic: 'orders' }));
  const url = await answering({ notifications: [a, b] }, { notifications: [a], retracted: [a, b] });
  const pool = new FeedPool();
  atTestEnd(pool.join('orders', 10, { options: () => ({ url, transport: 'poll' }), changed: () => undefined }));
  await until(() => pool.snapshot('orders').feed?.cursor === '2');
  expect(pool.snapshot('orders').notifications).toEqual([a]);
});

test.each([7, [7], null])('counts an answer with the retractions %j as malformed', async (retracted) => {
  const url = await answering({ retracted });
  const feed = new NotificationsFeed({ url, transport: 'poll' }, { ...runtime, random: () => 0 });
  atTestEnd(() => feed.close());
  feed.subscribe(() => undefined);
  await until(() => feed.state.reason === 'malformed');
  expect(feed.cursor).toBeUndefined();
});
