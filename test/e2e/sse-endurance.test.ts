import { describe, expect, test } from '@jest/globals';
import { forEachAdapter } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { openEventSource, WITH_FETCH } from '../support/http/event-source.js';
import { numbers, poll, publish, upTo } from '../support/http/feed.js';
import { SseReader } from '../support/http/sse.js';
import { turn, until } from '../support/http/until.js';

const MIB = 1024 * 1024;
/** Far below every default that would end something later. */
const SOON_MS = 8_000;
/** A second, give or take 20 %: the shortest life that may be configured. */
const SHORT = { lifetimeMs: 1000, retryMs: 10 };

forEachAdapter((adapter) => {
  describe('a long replay', () => {
    test.each([
      ['in pages of the window', {}],
      ['in pages of the store, from before the window', { window: { count: 10 } }],
    ])('is complete and in order, and others are served meanwhile, %s', async (_, more) => {
      const app = await startApp(adapter, { notifications: { access: 'public', ...more } });
      await publish(app, 'orders', 5_000);
      const reader = await SseReader.open(app, 'topic=orders&cursor=earliest&limit=20');
      await reader.opening();
      const replayed = reader.notifications(5_000);
      const meanwhile = await poll(app, 'topic=others&wait=0');
      expect(meanwhile.status).toBe(200);
      expect(reader.text.match(/\ndata:/g)?.length ?? 0).toBeLessThan(5_000);
      expect(numbers(await replayed)).toEqual(upTo(5_000));
      await publish(app, 'orders', 1, 5_001);
      expect(numbers(await reader.notifications(1))).toEqual([5_001]);
    });
  });

  describe('a reader that does not read', () => {
    /** More than the kernel takes in on the way, so that the server feels it: some 18 MiB. */
    const COUNT = 300;
    const padding = 'x'.repeat(60 * 1024);

    async function publishLarge(app: TestApp, from: number, count: number): Promise<void> {
      for (let n = from; n < from + count; n++) {
        await app.service.publish('orders', { type: 'padded', data: { n, padding } });
        await turn();
      }
    }

    test('holds no queue, disturbs nobody, and gets everything once it reads on', async () => {
      const app = await startApp(adapter);
      const slow = await SseReader.open(app, 'topic=orders&cursor=earliest');
      await slow.opening();
      slow.connection.socket.pause();
      const fast = await SseReader.open(app, 'topic=orders&cursor=earliest');
      await fast.opening();

      let queuedMax = 0;
      for (let from = 1; from <= COUNT; from += 10) {
        await publishLarge(app, from, 10);
        expect(numbers(await fast.notifications(10))).toEqual(upTo(10).map((n) => n + from - 1));
        for (const { writableLength } of app.sockets) queuedMax = Math.max(queuedMax, writableLength);
      }

      // It did back up, or this would have shown nothing; and then by a page and what a write adds to it, not more.
      expect(queuedMax).toBeGreaterThan(0);
      expect(queuedMax).toBeLessThan(2 * MIB);
      slow.connection.socket.resume();
      expect(numbers(await slow.notifications(COUNT))).toEqual(upTo(COUNT));
    });
  });

  describe('a stream ends', () => {
    test('at its lifetime, and goes on where it ended', async () => {
      const app = await startApp(adapter, { notifications: { access: 'public', stream: SHORT } });
      const started = performance.now();
      const reader = await SseReader.open(app, 'topic=orders');
      await reader.opening();
      await publish(app, 'orders', 3);
      expect(numbers(await reader.notifications(3))).toEqual([1, 2, 3]);
      await reader.rest();
      const ms = performance.now() - started;
      expect(ms).toBeGreaterThan(790);
      expect(ms).toBeLessThan(SOON_MS);

      await publish(app, 'orders', 2, 4);
      const again = await SseReader.open(app, 'topic=orders', { 'Last-Event-ID': reader.lastId });
      await again.opening();
      expect(numbers(await again.notifications(2))).toEqual([4, 5]);
    });

    test('when the caller’s credentials expire, and so does a poll', async () => {
      const expiresAt = () => new Date(Date.now() + 300);
      const app = await startApp(adapter, { notifications: { access: { read: 'public', expiresAt } } });
      const started = performance.now();
      const [stream, polled] = await Promise.all([
        SseReader.open(app, 'topic=orders').then(async (reader) => {
          await reader.rest();
          return performance.now() - started;
        }),
        poll(app, 'topic=orders').then(({ json }) => {
          expect(json.notifications).toEqual([]);
          return performance.now() - started;
        }),
      ]);
      for (const ms of [stream, polled]) {
        expect(ms).toBeGreaterThan(280);
        expect(ms).toBeLessThan(SOON_MS);
      }
    });

    test('at once when they have expired already', async () => {
      const expiresAt = async () => new Date(0);
      const app = await startApp(adapter, { notifications: { access: { read: 'public', expiresAt } } });
      const reader = await SseReader.open(app, 'topic=orders');
      await reader.rest();
      expect((await poll(app, 'topic=orders')).json.notifications).toEqual([]);
    });

    test('never for credentials that do not expire', async () => {
      const expiresAt = () => undefined;
      const stream = { heartbeatMs: 100 };
      const app = await startApp(adapter, { notifications: { access: { read: 'public', expiresAt }, stream } });
      const reader = await SseReader.open(app, 'topic=orders');
      await until(() => reader.text.endsWith(':\n:\n'));
      expect(reader.ended).toBe(false);
    });
  });

  describe('an EventSource', () => {
    test('gets what is published, live', async () => {
      const app = await startApp(adapter, { nest: WITH_FETCH });
      const heard = openEventSource(app, 'topic=orders');
      await until(() => app.counts().waiters === 1);
      await publish(app, 'orders', 10);
      await until(() => heard.notifications.length === 10);
      expect(numbers(heard.notifications)).toEqual(upTo(10));
    });

    test('comes back when the server has ended its stream, and misses nothing', async () => {
      const app = await startApp(adapter, { nest: WITH_FETCH, notifications: { access: 'public', stream: SHORT } });
      const heard = openEventSource(app, 'topic=orders');
      await until(() => app.counts().waiters === 1);
      let published = 0;
      while (heard.opened < 3) {
        await publish(app, 'orders', 1, ++published);
        await turn();
        await until(() => heard.notifications.length === published || app.counts().waiters === 0);
      }
      await until(() => heard.notifications.length === published);
      expect(numbers(heard.notifications)).toEqual(upTo(published));
      expect(heard.gaps).toEqual([]);
    });

    test('that got nothing before its stream ended misses nothing of what came in between', async () => {
      const app = await startApp(adapter, {
        nest: WITH_FETCH,
        notifications: { access: 'public', stream: { ...SHORT, retryMs: 200 } },
      });
      const heard = openEventSource(app, 'topic=orders');
      await until(() => app.counts().waiters === 1);
      await until(() => app.counts().waiters === 0);
      await publish(app, 'orders', 3);
      await until(() => app.counts().waiters === 1);
      await publish(app, 'orders', 1, 4);
      await until(() => numbers(heard.notifications).includes(4));
      expect(numbers(heard.notifications)).toEqual(upTo(4));
    });

    test('is told of a gap, and goes on', async () => {
      const earlier = await startApp(adapter, { nest: WITH_FETCH });
      const cursor = earlier.service.cursor();
      const app = await startApp(adapter, { nest: WITH_FETCH });
      await publish(app, 'orders', 2);
      const heard = openEventSource(app, `topic=orders&lastEventId=${cursor}`);
      await until(() => heard.notifications.length === 2);
      expect(heard.gaps).toEqual([{ reason: 'reset' }]);
    });
  });
});
