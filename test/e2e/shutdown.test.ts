import { describe, expect, test } from '@jest/globals';
import { firstValueFrom, toArray } from 'rxjs';
import { ADAPTERS_AND_LANE, forEachAdapter } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { Connection } from '../support/http/connection.js';
import { backUp, holdPoll, numbers, poll, publish } from '../support/http/feed.js';
import { isNotification, namesOf, SseReader } from '../support/http/sse.js';
import { ownMs } from '../support/http/timing.js';
import { turn, until } from '../support/time/until.js';
import { inDepth } from '../support/depth.js';

const POLLS = inDepth(500, 2_000);
const STREAMS = inDepth(125, 500);
/**
 * The goal is 1 s. The limit is higher for busy machines. Each wait is much longer.
 */
const CLOSE_MS_MAX = 3_000;
/** The time limit to open all connections, one after another. */
const OPEN_MS_MAX = 90_000;
const STALLED = {
  access: 'public' as const,
  limits: { pageBytesMax: 16 * 1024 * 1024, unreadBytesMax: 256 * 1024 * 1024 },
  publish: {},
};

/** Closes an application, and returns the duration in milliseconds. */
async function timedClose(app: TestApp): Promise<number> {
  const ms = await ownMs(() => app.close());
  expect(app.counts()).toMatchObject({ waiters: 0, topics: 0, subscribers: 0, addresses: 0, unreadBytes: 0 });
  expect(ms).toBeLessThan(CLOSE_MS_MAX);
  return ms;
}

forEachAdapter((adapter) => {
  describe('closing the application', () => {
    test(
      `answers ${POLLS} polls and ends ${STREAMS} streams within a second`,
      async () => {
        const app = await startApp(adapter);
        const cursor = await publish(app, 'orders');
        const polls: Connection[] = [];
        const streams: SseReader[] = [];
        for (let i = 0; i < POLLS; i++) {
          const connection = await Connection.open(app);
          connection.send({ path: `/notifications?topic=orders&topic=user.${i}&cursor=${cursor}` });
          polls.push(connection);
        }
        for (let i = 0; i < STREAMS; i++) streams.push(await SseReader.open(app, `topic=orders&topic=user.${i}`));
        await until(() => app.counts().waiters === POLLS + STREAMS);

        const ms = await timedClose(app);
        process.stdout.write(`platform-${adapter.name}: closed in ${Math.round(ms)} ms\n`);

        for (const connection of polls) {
          const response = await connection.response();
          expect(response.status).toBe(200);
          expect(response.header('connection')).toBe('close');
          expect(response.json).toEqual({ notifications: [], cursor, more: false });
        }
        for (const reader of streams) {
          const blocks = await reader.rest();
          expect(reader.text).toMatch(/\n\nretry: \d+\n$/);
          expect(blocks.some(isNotification)).toBe(false);
        }
      },
      OPEN_MS_MAX,
    );

    test('rejects new requests while it drains: polls with 503, streams with a longer retry and an end', async () => {
      const app = await startApp(adapter);
      // A client that does not read delays the end of the drain.
      const stalled = await SseReader.open(app, 'topic=orders');
      await stalled.opening();
      stalled.connection.socket.pause();
      await backUp(app);
      const used = await Connection.open(app);
      used.send({ path: '/notifications?topic=orders&wait=0' });
      await used.response();

      const closing = timedClose(app);
      await until(() => app.counts().waiters === 0);
      const fresh = await poll(app, 'topic=orders');
      used.send({ path: '/notifications?topic=orders&cursor=earliest' });
      for (const response of [fresh, await used.response()]) {
        expect(response.status).toBe(503);
        expect(response.json).toMatchObject({ statusCode: 503, error: 'Service Unavailable', code: 'draining' });
        expect(response.header('retry-after')).toMatch(/^[1-3]$/);
        expect(response.header('connection')).toBe('close');
        expect(response.header('cache-control')).toContain('no-store');
      }
      const reader = await SseReader.open(app, 'topic=orders');
      expect(reader.head.status).toBe(200);
      const { retry } = await reader.opening();
      const blocks = await reader.rest();
      expect(blocks.map(namesOf)).toEqual([['retry']]);
      expect(Number(blocks[0]!.retry)).toBeGreaterThan(3 * Number(retry));
      await closing;
    });

    test('loses no notification that was published just before', async () => {
      const app = await startApp(adapter);
      const cursor = app.service.cursor();
      const held = await holdPoll(app, `topic=orders&cursor=${cursor}`);
      const reader = await SseReader.open(app, 'topic=orders');
      await reader.opening();
      await until(() => app.counts().waiters === 2);
      await publish(app, 'orders', 3);
      await timedClose(app);
      const { status, json } = await held.response();
      // The last answer either has the notifications, or keeps the client's position.
      expect({ status, seen: numbers(json.notifications), at: json.cursor }).toEqual(
        json.notifications.length > 0
          ? { status: 200, seen: [1, 2, 3], at: expect.any(String) }
          : { status: 200, seen: [], at: cursor },
      );
      const blocks = await reader.rest();
      const seen = blocks.filter(isNotification);
      expect([0, 3]).toContain(seen.length);
    });

    test.each([
      ['a stream that is not read', { Accept: 'text/event-stream' }],
      ['a poll’s answer that is not read', {}],
    ])('is not delayed by %s', async (_, headers) => {
      const app = await startApp(adapter, { notifications: STALLED });
      const data = 'x'.repeat(60 * 1024);
      for (let i = 0; i < 256; i++) await app.service.publish('orders', { type: 'padded', data });
      const connection = await Connection.open(app);
      connection.socket.pause();
      connection.send({ path: '/notifications?topic=orders&cursor=earliest&limit=1000', headers: headers as never });
      await until(() => [...app.sockets].some(({ writableLength }) => writableLength > 0));
      await timedClose(app);
    });

    test('ends connections that are kept alive', async () => {
      const app = await startApp(adapter);
      const connection = await Connection.open(app);
      connection.send({ path: '/notifications?topic=orders&wait=0' });
      await connection.response();
      await timedClose(app);
      await connection.whenClosed();
    });

    test('closes connections without a request, such as those that browsers open in advance', async () => {
      const app = await startApp(adapter);
      const connection = await Connection.open(app);
      await until(() => app.sockets.size === 1);
      await timedClose(app);
      await connection.whenClosed();
    });

    test('answers polls also with `forceCloseConnections`', async () => {
      const app = await startApp(adapter, { nest: { forceCloseConnections: true } });
      const held = await Promise.all(Array.from({ length: 50 }, () => holdPoll(app, 'topic=orders')));
      const reader = await SseReader.open(app, 'topic=orders');
      await timedClose(app);
      for (const connection of held) expect((await connection.response()).status).toBe(200);
      await reader.rest();
      expect(reader.text).toMatch(/\n\nretry: \d+\n$/);
    });

    test('completes the application’s own streams after a last page', async () => {
      const app = await startApp(adapter);
      const pages = firstValueFrom(app.service.follow({ topics: ['orders'] }).pipe(toArray()));
      await publish(app, 'orders');
      await turn(3);
      await timedClose(app);
      expect((await pages).map(({ notifications }) => notifications.length)).toEqual([1, 0]);
    });

    test('a second close has no effect', async () => {
      const app = await startApp(adapter);
      const held = await holdPoll(app, 'topic=orders');
      await Promise.all([app.nest.close(), app.nest.close()].map((closing) => closing.catch(() => undefined)));
      expect((await held.response()).status).toBe(200);
    });
  });
}, ADAPTERS_AND_LANE);
