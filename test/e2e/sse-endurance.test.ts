import { describe, expect, test } from '@jest/globals';
import { forEachAdapter, ONE_ADAPTER } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { openEventSource, WITH_FETCH } from '../support/http/event-source.js';
import { numbers, poll, publish, upTo } from '../support/http/feed.js';
import { SseReader } from '../support/http/sse.js';
import { turn, until } from '../support/time/until.js';
import { inDepth } from '../support/depth.js';
import { TimerClock } from '../support/timer-clock.js';

const MIB = 1024 * 1024;
/** The number of notifications. It is many pages, and more than the window of the second case. */
const REPLAYED = inDepth(2_000, 5_000);
const LIFETIME_MS = 60_000;
/** A lifetime has a jitter of 20 % in both directions. */
const LIFETIME_MS_MIN = LIFETIME_MS * 0.8;
const LIFETIME_MS_MAX = LIFETIME_MS * 1.2;
const STREAM = { lifetimeMs: LIFETIME_MS, heartbeatMs: LIFETIME_MS, retryMs: 10 };

forEachAdapter((adapter) => {
  describe('a long replay', () => {
    test.each([
      ['in pages of the window', {}],
      ['in pages of the store, from before the window', { window: { count: 10 } }],
    ])('is complete and in order, and others are served meanwhile, %s', async (_, more) => {
      const app = await startApp(adapter, { notifications: { access: 'public', ...more } });
      await publish(app, 'orders', REPLAYED);
      const reader = await SseReader.open(app, 'topic=orders&cursor=earliest&limit=20');
      await reader.opening();
      const replayed = reader.notifications(REPLAYED);
      const meanwhile = await poll(app, 'topic=others&wait=0');
      expect(meanwhile.status).toBe(200);
      expect(reader.text.match(/\ndata:/g)?.length ?? 0).toBeLessThan(REPLAYED);
      expect(numbers(await replayed)).toEqual(upTo(REPLAYED));
      await publish(app, 'orders', 1, REPLAYED + 1);
      expect(numbers(await reader.notifications(1))).toEqual([REPLAYED + 1]);
    });
  });

  describe('a reader that does not read', () => {
    const padding = 'x'.repeat(60 * 1024);
    const BATCH = 10;
    /** 60 MiB, more than any kernel buffers. */
    const COUNT_MAX = 1_000;

    async function publishLarge(app: TestApp, from: number): Promise<void> {
      for (let n = from; n < from + BATCH; n++) {
        await app.service.publish('orders', { type: 'padded', data: { n, padding } });
        await turn();
      }
    }

    test('has no queue, does not slow other readers, and receives everything after it reads again', async () => {
      const app = await startApp(adapter);
      const slow = await SseReader.open(app, 'topic=orders&cursor=earliest');
      await slow.opening();
      slow.connection.socket.pause();
      const fast = await SseReader.open(app, 'topic=orders&cursor=earliest');
      await fast.opening();

      let queuedMax = 0;
      let count = 0;
      // Publishes until the stream has been full for 50 notifications.
      for (let left = 50; left > 0 && count < COUNT_MAX; count += BATCH) {
        await publishLarge(app, count + 1);
        expect(numbers(await fast.notifications(BATCH))).toEqual(upTo(BATCH).map((n) => n + count));
        for (const { writableLength } of app.sockets) queuedMax = Math.max(queuedMax, writableLength);
        if (queuedMax > 0) left -= BATCH;
      }

      // The queue holds one page and the bytes around it, not more.
      expect(queuedMax).toBeGreaterThan(0);
      expect(queuedMax).toBeLessThan(2 * MIB);
      slow.connection.socket.resume();
      expect(numbers(await slow.notifications(count))).toEqual(upTo(count));
    });
  });

  describe('a stream ends', () => {
    test('at its lifetime, and continues where it ended', async () => {
      const clock = new TimerClock();
      const app = await startApp(adapter, { notifications: { access: 'public', clock, stream: STREAM } });
      const reader = await SseReader.open(app, 'topic=orders');
      await reader.opening();
      await publish(app, 'orders', 3);
      expect(numbers(await reader.notifications(3))).toEqual([1, 2, 3]);
      await clock.advance(LIFETIME_MS_MIN - 1);
      expect(app.counts().waiters).toBe(1);
      await clock.advance(LIFETIME_MS_MAX - LIFETIME_MS_MIN + 1);
      await reader.rest();

      await publish(app, 'orders', 2, 4);
      const again = await SseReader.open(app, 'topic=orders', { 'Last-Event-ID': reader.lastId });
      await again.opening();
      expect(numbers(await again.notifications(2))).toEqual([4, 5]);
    });

    test('when the caller’s credentials expire, and a poll ends too', async () => {
      const clock = new TimerClock();
      const expires = new Date(clock.now() + 10_000);
      const access = { read: 'public', expiresAt: () => expires } as const;
      const app = await startApp(adapter, { notifications: { access, clock } });
      const reader = await SseReader.open(app, 'topic=orders');
      const polled = poll(app, 'topic=orders');
      await until(() => app.counts().waiters === 2);
      await clock.advance(9_999);
      expect(app.counts().waiters).toBe(2);
      await clock.advance(1);
      await reader.rest();
      expect((await polled).json.notifications).toEqual([]);
    });

    test('at once when they have expired already', async () => {
      const expiresAt = async () => new Date(0);
      const app = await startApp(adapter, { notifications: { access: { read: 'public', expiresAt } } });
      const reader = await SseReader.open(app, 'topic=orders');
      await reader.rest();
      expect((await poll(app, 'topic=orders')).json.notifications).toEqual([]);
    });

    test('does not end for credentials that do not expire', async () => {
      const expiresAt = () => undefined;
      const clock = new TimerClock();
      const access = { read: 'public', expiresAt } as const;
      const app = await startApp(adapter, { notifications: { access, clock } });
      const reader = await SseReader.open(app, 'topic=orders');
      await reader.opening();
      await clock.advance(40_000);
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

    test('reconnects when the server has ended its stream, and misses nothing', async () => {
      const clock = new TimerClock();
      const notifications = { access: 'public', clock, stream: STREAM } as const;
      const app = await startApp(adapter, { nest: WITH_FETCH, notifications });
      const heard = openEventSource(app, 'topic=orders');
      await until(() => app.counts().waiters === 1);
      let published = 0;
      while (heard.opened < 3) {
        await publish(app, 'orders', 1, ++published);
        // The stream ends while it delivers, or right after.
        await clock.advance(LIFETIME_MS_MAX);
        const opened = heard.opened;
        await until(() => heard.opened > opened || app.counts().waiters === 1);
      }
      await until(() => heard.notifications.length === published);
      expect(numbers(heard.notifications)).toEqual(upTo(published));
      expect(heard.gaps).toEqual([]);
    });

    test('misses nothing between two streams if the first stream delivered no notification', async () => {
      const clock = new TimerClock();
      const notifications = { access: 'public', clock, stream: { ...STREAM, retryMs: 200 } } as const;
      const app = await startApp(adapter, { nest: WITH_FETCH, notifications });
      const heard = openEventSource(app, 'topic=orders');
      await until(() => app.counts().waiters === 1);
      await clock.advance(LIFETIME_MS_MAX);
      await until(() => app.counts().waiters === 0);
      await publish(app, 'orders', 3);
      await until(() => app.counts().waiters === 1);
      await publish(app, 'orders', 1, 4);
      await until(() => numbers(heard.notifications).includes(4));
      expect(numbers(heard.notifications)).toEqual(upTo(4));
    });

    test('receives a gap, and continues', async () => {
      const earlier = await startApp(adapter, { nest: WITH_FETCH });
      const cursor = earlier.service.cursor();
      const app = await startApp(adapter, { nest: WITH_FETCH });
      await publish(app, 'orders', 2);
      const heard = openEventSource(app, `topic=orders&lastEventId=${cursor}`);
      await until(() => heard.notifications.length === 2);
      expect(heard.gaps).toEqual([{ reason: 'reset' }]);
    });
  });
}, ONE_ADAPTER);
