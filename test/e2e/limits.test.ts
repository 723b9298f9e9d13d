import { describe, expect, test } from '@jest/globals';
import type { NotificationsOptions } from 'nest-notifications';
import type { Server } from 'node:http';
import { ADAPTERS_AND_LANE, forEachAdapter } from '../support/http/adapters.js';
import { backUp, holdPoll, poll, post, publish } from '../support/http/feed.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { Connection } from '../support/http/connection.js';
import { SseReader } from '../support/http/sse.js';
import { until } from '../support/time/until.js';
import { inDepth } from '../support/depth.js';
import { TimerClock } from '../support/timer-clock.js';

interface UserRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
}

const AS_ANN = { 'X-User': 'ann' };
const AS_BOB = { 'X-User': 'bob' };
const OPEN = {
  subscriber: ({ request }: { request: UserRequest }) => request.headers['x-user'],
  read: 'public',
  publish: 'public',
} as const;
/**
 * Pages of 9 MiB are larger than the kernel's buffers of a connection. Default pages have 4 MiB,
 * which sometimes fit.
 */
const LARGE_PAGES = { pageBytesMax: 16 * 1024 * 1024, unreadBytesMax: 256 * 1024 * 1024 };
const ITEM = { topic: 'orders', type: 't', data: 1 };
/** Node.js closes an idle connection a second later than this. */
const KEEP_ALIVE_MS = 1;
/**
 * The number of streams whose clients do not read. The kernel first buffers some megabytes for
 * each.
 */
const STALLED_STREAMS = inDepth(5, 20);
const RETRY_AFTER = /^[1-3]$/;

const WAITERS: [name: string, limits: NonNullable<NotificationsOptions['limits']>, status: number, code: string][] = [
  ['waitersMax', { waitersMax: 2 }, 503, 'waiters_too_many'],
  ['waitersPerSubscriberMax', { waitersPerSubscriberMax: 2 }, 429, 'subscriber_waiters_too_many'],
  ['waitersPerAddressMax', { waitersPerAddressMax: 2 }, 429, 'address_waiters_too_many'],
];

/** Records the writes of an application to its connections from now on. A page is one write. */
function writesOf(app: TestApp): string[] {
  const writes: string[] = [];
  (app.nest.getHttpServer() as Server).prependListener('connection', (socket) => {
    const write = socket.write.bind(socket) as (...written: unknown[]) => boolean;
    socket.write = (...written: unknown[]) => {
      writes.push(String(written[0]));
      return write(...written);
    };
  });
  return writes;
}

forEachAdapter((adapter) => {
  const start = (options: NotificationsOptions): Promise<TestApp> =>
    startApp(adapter, { notifications: { access: OPEN, ...options } });

  describe.each(WAITERS)('limits.%s', (name, limits, status, code) => {
    test('accepts polls up to the limit, rejects one more, and accepts the next after one has ended', async () => {
      const app = await start({ limits });
      const first = await holdPoll(app, 'topic=orders', AS_ANN);
      await holdPoll(app, 'topic=orders', AS_ANN);
      const refused = await poll(app, 'topic=orders', AS_ANN);
      expect([refused.status, refused.json.code]).toEqual([status, code]);
      expect(refused.json.message).toContain(name);
      expect(refused.header('retry-after')).toMatch(RETRY_AFTER);
      expect(refused.header('cache-control')).toContain('no-store');
      await first.destroy();
      await until(() => app.counts().waiters === 1);
      await holdPoll(app, 'topic=orders', AS_ANN);
    });

    test('counts streams and polls together, and rejects another stream with a reconnection time', async () => {
      const app = await start({ limits });
      await holdPoll(app, 'topic=orders', AS_ANN);
      const stream = await SseReader.open(app, 'topic=orders', AS_ANN);
      await stream.opening();
      const refused = await SseReader.open(app, 'topic=orders', AS_ANN);
      expect(refused.head.status).toBe(200);
      const retries = (await refused.rest()).map(({ retry }) => Number(retry));
      expect(retries.at(-1)).toBeGreaterThanOrEqual(8_000);
      await publish(app, 'orders');
      expect(await stream.notifications(1)).toHaveLength(1);
    });

    test('does not affect other callers if the limit is per caller', async () => {
      const app = await start({ limits });
      for (let count = 0; count < 2; count++) await holdPoll(app, 'topic=orders', AS_ANN);
      const others = await poll(app, 'topic=orders&wait=0', AS_BOB);
      expect(others.status).toBe(name === 'waitersPerSubscriberMax' ? 200 : status);
    });
  });

  test('an answer that its client does not read counts until its connection closes', async () => {
    const limits = { waitersPerSubscriberMax: 1, ...LARGE_PAGES };
    const app = await start({ limits });
    const data = 'x'.repeat(60_000);
    for (let count = 0; count < 150; count++) await app.service.publish('orders', { type: 't', data });
    const stalled = await Connection.open(app);
    stalled.socket.pause();
    stalled.send({ path: '/notifications?topic=orders&cursor=earliest&limit=1000', headers: AS_ANN });
    await until(() => app.counts().unreadBytes > 0);
    expect(app.counts()).toMatchObject({ waiters: 0, unreadConnections: 1 });
    const refused = await poll(app, 'topic=orders&wait=0', AS_ANN);
    expect([refused.status, refused.json.code]).toEqual([429, 'subscriber_waiters_too_many']);
    expect((await poll(app, 'topic=orders&wait=0', AS_BOB)).status).toBe(200);
    await stalled.destroy();
    await until(() => app.counts().unreadConnections === 0);
    expect((await poll(app, 'topic=orders&wait=0', AS_ANN)).status).toBe(200);
  });

  test('callers without a name are not counted as one', async () => {
    const app = await start({ limits: { waitersPerSubscriberMax: 1 } });
    for (let count = 0; count < 3; count++) await holdPoll(app, 'topic=orders');
    expect(app.counts()).toMatchObject({ waiters: 3, subscribers: 0, addresses: 1 });
  });

  describe('limits.topicsMax', () => {
    test.each([
      ['a poll', {}],
      ['a stream', { Accept: 'text/event-stream' }],
    ])('of %s', async (_, headers) => {
      const app = await start({ limits: { topicsMax: 3 } });
      expect((await SseReader.open(app, 'topic=a,b,c', AS_ANN)).head.status).toBe(200);
      expect((await poll(app, 'topic=a,b,c&wait=0')).status).toBe(200);
      const { status, json } = await poll(app, 'topic=a,b,c,d', headers);
      expect([status, json.code]).toEqual([400, 'topics_too_many']);
    });
  });

  describe('publish.bodyBytesMax', () => {
    const sized = (bytes: number): string => {
      const empty = JSON.stringify({ ...ITEM, data: '' });
      return JSON.stringify({ ...ITEM, data: 'x'.repeat(bytes - empty.length) });
    };

    test.each([
      ['with its length stated', {}],
      ['in chunks', { 'Transfer-Encoding': 'chunked' }],
    ])('of a body %s', async (_, headers) => {
      const app = await start({ publish: { bodyBytesMax: 1_000 } });
      const send = async (bytes: number) => {
        const text = sized(bytes);
        if (!('Transfer-Encoding' in headers)) return post(app, text);
        const connection = await Connection.open(app);
        connection.send({ method: 'POST', headers: { 'Content-Type': 'application/json', ...headers } });
        connection.socket.write(`${bytes.toString(16)}\r\n${text}\r\n0\r\n\r\n`);
        return connection.response();
      };
      expect((await send(1_000)).status).toBe(201);
      const { status, json } = await send(1_001);
      expect([status, json.code]).toEqual([413, 'body_too_large']);
      expect(json.message).toContain('1000');
    });
  });

  describe('publish.perMinuteMax', () => {
    test('accepts items up to the limit, and then rejects only that caller, with Retry-After', async () => {
      const app = await start({ publish: { perMinuteMax: 3 } });
      expect((await post(app, [ITEM, ITEM], AS_ANN)).status).toBe(201);
      expect((await post(app, ITEM, AS_ANN)).status).toBe(201);
      const refused = await post(app, ITEM, AS_ANN);
      expect([refused.status, refused.json.code]).toEqual([429, 'publish_too_fast']);
      expect(refused.json.message).toBe(
        'this caller publishes more than 3 notifications a minute to this node (publish.perMinuteMax)',
      );
      const retryAfterS = Number(refused.header('retry-after'));
      expect(retryAfterS).toBeGreaterThan(10);
      expect(retryAfterS).toBeLessThanOrEqual(20);
      expect((await post(app, ITEM, AS_BOB)).status).toBe(201);
      // Application code is trusted.
      await app.service.publish('orders', { type: 't', data: 1 });
    });

    test('counts callers without a name by their address', async () => {
      const app = await start({ publish: { perMinuteMax: 1 } });
      expect((await post(app, ITEM)).status).toBe(201);
      expect((await post(app, ITEM)).status).toBe(429);
      expect((await post(app, ITEM, AS_ANN)).status).toBe(201);
    });
  });

  describe('limits.pageBytesMax and stream.unreadBytesMax', () => {
    const data = 'x'.repeat(1_000);

    test('bound a page of a poll, and the bytes that a stream writes at once', async () => {
      const app = await start({ limits: { pageBytesMax: 4_096 }, stream: { unreadBytesMax: 2_048 } });
      for (let count = 0; count < 4; count++) await app.service.publish('orders', { type: 't', data });
      const { json } = await poll(app, 'topic=orders&cursor=earliest');
      expect([json.notifications.length, json.more]).toEqual([3, true]);
      const stream = await SseReader.open(app, 'topic=orders&cursor=earliest');
      await stream.opening();
      expect(await stream.notifications(4)).toHaveLength(4);
    });

    test('are exact: a page of two notifications fits into exactly its bytes', async () => {
      const item = { topic: 'orders', type: 't', data };
      const bytes = Buffer.byteLength(JSON.stringify((await backlog({})).notifications[0]));
      for (const [bound, fit] of [
        [2 * bytes, 2],
        [2 * bytes - 1, 1],
      ] as const) {
        const { app, notifications, more } = await backlog({ limits: { pageBytesMax: bound } });
        expect([notifications.length, more]).toEqual([fit, fit < 2]);
        await app.close();
        const streaming = await start({ stream: { unreadBytesMax: bound } });
        const writes = writesOf(streaming);
        await streaming.service.publishAll([item, item]);
        const stream = await SseReader.open(streaming, 'topic=orders&cursor=earliest');
        await stream.opening();
        await stream.notifications(2);
        expect(writes.filter((text) => text.includes('data: {"id"'))).toHaveLength(fit === 2 ? 1 : 2);
        await stream.connection.destroy();
      }

      async function backlog(options: NotificationsOptions) {
        const app = await start(options);
        await app.service.publishAll([item, item]);
        const { json } = await poll(app, 'topic=orders&cursor=earliest');
        return { app, notifications: json.notifications as unknown[], more: json.more as boolean };
      }
    });

    test('bound the memory of stalled streams, while healthy streams receive everything', async () => {
      const NOTIFICATION_BYTES = 16 * 1024;
      const unreadBytesMax = 64 * 1024;
      const app = await start({ stream: { unreadBytesMax } });
      const stalled: SseReader[] = [];
      for (let count = 0; count < STALLED_STREAMS; count++) {
        const stream = await SseReader.open(app, 'topic=orders');
        await stream.opening();
        stream.connection.socket.pause();
        stalled.push(stream);
      }
      const healthy = await SseReader.open(app, 'topic=orders');
      await healthy.opening();
      const unread = () => [...app.sockets].map(({ writableLength }) => writableLength);
      let highest = 0;
      let published = 0;
      const isStalled = () => unread().filter((bytes) => bytes > 0).length >= stalled.length;
      for (; !isStalled() || published < 500; published++) {
        if (published === 5_000) throw new Error('the sockets of the stalled clients are not full; publish more');
        const padded = { n: published, padding: 'x'.repeat(NOTIFICATION_BYTES) };
        await app.service.publish('orders', { type: 'padded', data: padded });
        await healthy.notifications(1);
        highest = Math.max(highest, ...unread());
      }
      // One notification may exceed the bound. Framing and JSON add more bytes.
      expect(highest).toBeGreaterThan(0);
      expect(highest).toBeLessThanOrEqual(unreadBytesMax + NOTIFICATION_BYTES + 1_024);
      for (const { connection } of stalled) await connection.destroy();
    });
  });

  describe('stream.unreadMsMax', () => {
    test('disconnects a stream whose client does not read, and no other one', async () => {
      const app = await start({ stream: { unreadMsMax: 300 } });
      const [stalled, healthy] = [await SseReader.open(app, 'topic=orders'), await SseReader.open(app, 'topic=orders')];
      await stalled.opening();
      stalled.connection.socket.pause();
      await backUp(app);
      await until(() => app.counts().waiters === 1);
      stalled.connection.socket.resume();
      await publish(app, 'orders');
      await until(() => healthy.text.includes('numbered'));
      expect(stalled.text).not.toContain('numbered');
    });

    test('cuts a poll whose client does not read its answer', async () => {
      const app = await start({ stream: { unreadMsMax: 300 }, limits: LARGE_PAGES });
      const data = 'x'.repeat(60_000);
      for (let count = 0; count < 150; count++) await app.service.publish('orders', { type: 't', data });
      const connection = await holdPoll(app, 'topic=none');
      connection.socket.pause();
      connection.send({ path: '/notifications?topic=orders&cursor=earliest&limit=1000' });
      await app.service.publish('none', { type: 't', data: 1 });
      await until(() => app.sockets.size === 0);
    });
  });

  describe('a client that disappears without closing its connection', () => {
    // A peer behind a dead link does not read and does not close its connection.
    const vanish = async (query: string, headers: Record<string, string>, stream?: NotificationsOptions['stream']) => {
      const clock = new TimerClock();
      const app = await start({ clock, ...(stream && { stream }) });
      (app.nest.getHttpServer() as Server).keepAliveTimeout = KEEP_ALIVE_MS;
      const connection = await Connection.open(app);
      connection.send({ path: `/notifications?topic=orders&${query}`, headers });
      await until(() => app.counts().waiters === 1);
      connection.socket.pause();
      return { app, clock };
    };

    test('its poll ends at the end of the wait, and its connection soon after', async () => {
      const { app, clock } = await vanish('wait=20', {});
      await clock.advance(19_999);
      expect(app.counts().waiters).toBe(1);
      await clock.advance(1);
      expect(app.counts().waiters).toBe(0);
      const startMs = performance.now();
      await until(() => app.sockets.size === 0);
      expect(performance.now() - startMs).toBeLessThan(5_000);
    });

    test('its stream ends at the stream’s lifetime', async () => {
      const stream = { lifetimeMs: 60_000, heartbeatMs: 15_000 };
      const { app, clock } = await vanish('', { Accept: 'text/event-stream' }, stream);
      // A lifetime has a jitter of 20 % in both directions.
      await clock.advance(47_000);
      expect(app.counts().waiters).toBe(1);
      await clock.advance(26_000);
      expect(app.counts().waiters).toBe(0);
      await until(() => app.sockets.size === 0);
    });
  });
}, ADAPTERS_AND_LANE);
