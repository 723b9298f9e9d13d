import { describe, expect, test } from '@jest/globals';
import { inDepth } from '../support/depth.js';
import { ADAPTERS, express, fastify, forEachAdapter } from '../support/http/adapters.js';
import { OPEN, startApp, type TestApp } from '../support/http/app.js';
import { Connection, request, type Target } from '../support/http/connection.js';
import { numbers, poll, post, publish, upTo } from '../support/http/feed.js';
import {
  PROXIES,
  type Proxy,
  startProxy,
  withHaproxyOption,
  withNginxGzip,
  withTimeouts,
} from '../support/http/proxies.js';
import { SseReader } from '../support/http/sse.js';
import { until } from '../support/time/until.js';

/** A proxy that buffers needs seconds, or never delivers. */
const PROMPT_MS = 2_000;

/** Proxies see the same bytes of every adapter. */
const adaptersFor = (proxy: Proxy) => inDepth([proxy.name === 'nginx' ? express : fastify], ADAPTERS);

describe.each(PROXIES)('behind $name', (proxy) => {
  if (proxy.program === undefined && process.env.CI !== 'true') {
    process.stdout.write(`${proxy.name} is not installed: its tests are skipped\n`);
    test.skip('is not installed', () => undefined);
    return;
  }

  forEachAdapter((adapter) => {
    async function start(): Promise<{ app: TestApp; front: Target }> {
      const app = await startApp(adapter, { notifications: { ...OPEN, stream: { heartbeatMs: 200 } } });
      return { app, front: await startProxy(proxy, app) };
    }

    test('a poll is held, and answered promptly', async () => {
      const { app, front } = await start();
      const connection = await Connection.open(front);
      let cursor = app.service.cursor();
      for (const n of upTo(3)) {
        connection.send({
          path: `/notifications?topic=orders&cursor=${cursor}`,
          headers: { 'Accept-Encoding': 'gzip, deflate, br' },
        });
        await until(() => app.counts().waiters === 1);
        const published = performance.now();
        await publish(app, 'orders', 1, n);
        const response = await connection.response();
        expect(performance.now() - published).toBeLessThan(PROMPT_MS);
        expect(numbers(response.json.notifications)).toEqual([n]);
        expect(response.header('cache-control')).toBe('no-cache, no-store');
        expect(response.header('content-encoding')).toBeUndefined();
        ({ cursor } = response.json);
      }
    });

    if (proxy.name === 'nginx') {
      test('a held poll may be compressed by the proxy', async () => {
        const { app } = await start();
        const front = await startProxy(withNginxGzip(proxy), app);
        const answered = fetch(`http://127.0.0.1:${front.port}/notifications?topic=orders`);
        await until(() => app.counts().waiters === 1);
        await publish(app, 'orders');
        const response = await answered;
        expect(response.headers.get('content-encoding')).toBe('gzip');
        const { notifications } = (await response.json()) as { notifications: { data: { n: number } }[] };
        expect(numbers(notifications)).toEqual([1]);
      });
    }

    test('a stream begins at once, and delivers every notification promptly', async () => {
      const { app, front } = await start();
      const opened = performance.now();
      const reader = await SseReader.open(front, 'topic=orders', { 'Accept-Encoding': 'gzip, deflate, br' });
      await reader.opening();
      expect(performance.now() - opened).toBeLessThan(PROMPT_MS);
      expect(reader.head.header('content-type')).toBe('text/event-stream');
      expect(reader.head.header('content-encoding')).toBeUndefined();
      for (const n of upTo(5)) {
        const published = performance.now();
        await publish(app, 'orders', 1, n);
        expect(numbers(await reader.notifications(1))).toEqual([n]);
        expect(performance.now() - published).toBeLessThan(PROMPT_MS);
      }
      await until(() => reader.text.endsWith(':\n'));
    });

    test('a request above the proxy’s timeout is cut by it, and continues with the same cursor', async () => {
      const app = await startApp(adapter, { notifications: { ...OPEN, stream: { heartbeatMs: 60_000 } } });
      const front = await startProxy(withTimeouts(proxy, 1), app);
      const { cursor } = (await poll(front, 'topic=orders&wait=0')).json;
      expect((await poll(front, `topic=orders&wait=20&cursor=${cursor}`)).status).toBe(504);
      const reader = await SseReader.open(front, 'topic=orders');
      await reader.opening();
      await reader.connection.whenClosed();
      await publish(app, 'orders', 3);
      expect(numbers((await poll(front, `topic=orders&cursor=${cursor}`)).json.notifications)).toEqual(upTo(3));
      const again = await SseReader.open(front, 'topic=orders', { 'Last-Event-ID': reader.lastId });
      await again.opening();
      expect(numbers(await again.notifications(3))).toEqual(upTo(3));
    });

    test('a heartbeat interval below the timeouts keeps a stream open; a shorter wait is answered', async () => {
      const { app } = await start();
      const front = await startProxy(withTimeouts(proxy, 2), app);
      const reader = await SseReader.open(front, 'topic=orders');
      await reader.opening();
      const { status, json } = await poll(front, 'topic=orders&wait=1');
      expect([status, json.notifications]).toEqual([200, []]);
      await until(() => reader.text.split('\n:').length > 12);
      await publish(app, 'orders');
      expect(numbers(await reader.notifications(1))).toEqual([1]);
    });

    test('a stream replays thousands of notifications', async () => {
      const { app, front } = await start();
      await publish(app, 'orders', 3_000);
      const reader = await SseReader.open(front, 'topic=orders&cursor=earliest');
      await reader.opening();
      expect(numbers(await reader.notifications(3_000))).toEqual(upTo(3_000));
    });

    test('the waiter of a poll is released when the client disconnects, at the latest after the wait', async () => {
      const { app, front } = await start();
      await leave(app, front, proxy.reportsLeaving ? 20 : 2);
    });

    if (proxy.name === 'haproxy') {
      test('with option abortonclose, the waiter of a poll is released when the client disconnects', async () => {
        const app = await startApp(adapter, { notifications: OPEN });
        const front = await startProxy(withHaproxyOption(proxy, 'abortonclose'), app);
        await leave(app, front, 20);
      });
    }

    /**
     * Disconnects during a poll. The waiter is released long before the end of the wait.
     */
    async function leave(app: TestApp, front: Target, wait: number): Promise<void> {
      const connection = await Connection.open(front);
      connection.send({ path: `/notifications?topic=orders&wait=${wait}` });
      await until(() => app.counts().waiters === 1);
      await connection.destroy();
      await until(() => app.counts().waiters === 0);
    }

    test('the waiter of a stream is released when the client disconnects', async () => {
      const { app, front } = await start();
      const reader = await SseReader.open(front, 'topic=orders');
      await until(() => app.counts().waiters === 1);
      await reader.close();
      await until(() => app.counts().waiters === 0);
    });

    test('a publish and its errors pass the proxy', async () => {
      const { app, front } = await start();
      const item = { topic: 'orders', type: 't', data: { n: 1 } };
      const published = await post(front, item, { 'Idempotency-Key': 'k' });
      expect(published.status).toBe(201);
      expect((await post(front, item, { 'Idempotency-Key': 'k' })).json.duplicate).toBe(true);
      expect((await post(front, '{')).json).toMatchObject({ statusCode: 400, code: 'body_invalid' });
      expect((await poll(front, 'topic=')).json).toMatchObject({ statusCode: 400, code: 'topic_invalid' });
      expect((await request(front, { method: 'HEAD', path: '/notifications?topic=orders' })).status).toBe(200);
      expect(numbers((await poll(app, 'topic=orders&cursor=earliest')).json.notifications)).toEqual([1]);
    });

    test('closing the application ends polls and streams in order', async () => {
      const { app, front } = await start();
      const cursor = app.service.cursor();
      const connection = await Connection.open(front);
      connection.send({ path: `/notifications?topic=orders&cursor=${cursor}` });
      const reader = await SseReader.open(front, 'topic=orders');
      await until(() => app.counts().waiters === 2);
      await app.close();
      expect((await connection.response()).json).toEqual({ notifications: [], cursor, more: false });
      await reader.rest();
      expect(reader.text).toMatch(/\n\nretry: \d+\n$/);
    });
  }, adaptersFor(proxy));
});
