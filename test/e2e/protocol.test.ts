import { describe, expect, test } from '@jest/globals';
import { memoryStore } from 'nest-notifications';
import { ADAPTERS_AND_LANE, forEachAdapter } from '../support/http/adapters.js';
import { startApp } from '../support/http/app.js';
import { Connection, request } from '../support/http/connection.js';
import { holdPoll, numbers, poll, publish, upTo } from '../support/http/feed.js';
import { until } from '../support/time/until.js';
import { TimerClock } from '../support/timer-clock.js';

const CURSOR = /^[A-Za-z0-9_-]{36}$/;
/**
 * The headers of a page, except `Date` and the headers of the connection.
 */
const FRAMING = ['Date', 'Connection', 'Keep-Alive', 'Content-Length'];

forEachAdapter((adapter) => {
  describe('the answer to a poll', () => {
    test('has the same shape with and without notifications', async () => {
      const app = await startApp(adapter);
      const start = app.service.cursor();
      const { ids } = await app.service.publish('orders', { type: 'order.shipped', data: { orderId: 7 } });

      const news = await poll(app, `topic=orders&cursor=${start}`);
      const nothing = await poll(app, `topic=orders&cursor=${news.json.cursor}&wait=0`);

      expect(news.status).toBe(200);
      expect(news.json).toEqual({
        notifications: [
          { id: ids[0], topic: 'orders', type: 'order.shipped', time: expect.any(String), data: { orderId: 7 } },
        ],
        cursor: expect.stringMatching(CURSOR),
        more: false,
      });
      const [{ time }] = news.json.notifications;
      expect(new Date(time).toISOString()).toBe(time);
      expect(nothing.status).toBe(200);
      expect(nothing.json).toEqual({ notifications: [], cursor: expect.stringMatching(CURSOR), more: false });
    });

    test.each([
      ['with notifications', 'cursor=earliest'],
      ['without', 'wait=0'],
    ])('has exactly the headers of the protocol, %s', async (_, query) => {
      const app = await startApp(adapter);
      await publish(app, 'orders');
      const response = await poll(app, `topic=orders&${query}`);

      const own = response.rawHeaders.filter(([name]) => !FRAMING.includes(name) && name !== 'X-Powered-By');
      expect(own.sort()).toEqual([
        ['Cache-Control', 'no-cache, no-store'],
        ['Content-Type', 'application/json; charset=utf-8'],
      ]);
      expect(response.header('content-length')).toBe(String(Buffer.byteLength(response.text)));
    });

    test('is byte for byte the same for all waiting clients, except date and cursor', async () => {
      const app = await startApp(adapter);
      const cursor = app.service.cursor();
      const held = await Promise.all(
        ['', `&cursor=${cursor}`, '&wait=20', '&limit=100'].map((more) => holdPoll(app, `topic=orders${more}`)),
      );
      await until(() => app.counts().waiters === 4);
      await app.service.publish('orders', { type: 'greeting', data: 'grüß 😀 \u2028' });

      const [first, ...others] = await Promise.all(held.map((connection) => connection.response()));
      expect(first!.json.notifications).toHaveLength(1);
      for (const other of others) {
        expect(other.text).toBe(first!.text.replace(first!.json.cursor as string, other.json.cursor as string));
        const dateless = (message: typeof other) => message.rawHeaders.filter(([name]) => name !== 'Date');
        expect(dateless(other)).toEqual(dateless(first!));
      }
    });

    test('is never 304 and has no ETag, also for conditional requests', async () => {
      const app = await startApp(adapter);
      const query = 'topic=orders&cursor=earliest&wait=0';
      const first = await poll(app, query);
      const etags = ['*', first.header('etag') ?? 'W/"2-vyGp6PvFo4RvsFtPoIWeCReyIC8"'];
      for (const etag of etags) {
        const date = first.header('date')!;
        const again = await poll(app, query, { 'If-None-Match': etag, 'If-Modified-Since': date });
        expect(again.status).toBe(200);
        expect(again.header('etag')).toBeUndefined();
        expect(again.header('last-modified')).toBeUndefined();
      }
    });
  });

  describe('a poll without notifications', () => {
    test('is held, and answered when something is published to one of its topics', async () => {
      const app = await startApp(adapter);
      const held = await holdPoll(app, 'topic=orders&topic=returns');
      expect(app.counts()).toMatchObject({ waiters: 1, topics: 2, subscribers: 0, addresses: 1 });
      await publish(app, 'others');
      await publish(app, 'returns');
      const { json } = await held.response();
      expect(json.notifications).toHaveLength(1);
      expect(json.notifications[0].topic).toBe('returns');
      expect(app.counts()).toMatchObject({ waiters: 0, topics: 0, subscribers: 0, addresses: 0 });
    });

    test('is answered with an empty page after the wait of the request or of the option', async () => {
      const clock = new TimerClock();
      const poll1s = { waitMs: 1000, waitMsMax: 1000 };
      const app = await startApp(adapter, { notifications: { access: 'public', clock, poll: poll1s } });
      const requests: [query: string, prefer?: string][] = [
        ['wait=1'],
        ['', 'wait=1'],
        ['', 'respond-async, WAIT = 1; x=y'],
        ['wait=1', 'wait=0'],
        [''],
        // Above the maximum, the maximum applies.
        ['', 'wait=900'],
      ];
      const polls = requests.map(async ([query, prefer]) => {
        const { status, json } = await poll(app, `topic=orders&${query}`, prefer ? { Prefer: prefer } : {});
        expect({ status, notifications: json.notifications }).toEqual({ status: 200, notifications: [] });
      });
      await until(() => app.counts().waiters === requests.length);
      await clock.advance(999);
      expect(app.counts().waiters).toBe(requests.length);
      await clock.advance(1);
      await Promise.all(polls);
    });

    test.each([
      ['wait=0', 'wait=0', {}],
      ['Prefer: wait=0', '', { Prefer: 'wait=0' }],
      ['the query, which has precedence over Prefer', 'wait=0', { Prefer: 'wait=50' }],
    ])('is answered at once with %s', async (_, query, headers) => {
      // No timer of this clock ever fires.
      const app = await startApp(adapter, { notifications: { access: 'public', clock: new TimerClock() } });
      const { json } = await poll(app, `topic=orders&${query}`, headers as Record<string, string>);
      expect(json.notifications).toEqual([]);
    });
  });

  describe('topics', () => {
    test.each([
      ['repeated', 'topic=a&topic=b'],
      ['separated by commas', 'topic=a,b'],
      ['both', 'topic=a,a&topic=b&topic=a'],
      ['escaped', 'topic=a%2Cb'],
    ])('may be %s', async (_, query) => {
      const app = await startApp(adapter);
      for (const topic of ['a', 'c', 'b', 'a']) await publish(app, topic);
      const { json } = await poll(app, `${query}&cursor=earliest`);
      expect(json.notifications.map(({ topic }: { topic: string }) => topic)).toEqual(['a', 'b', 'a']);
    });

    test('are the caller’s own topics if the query has no topic', async () => {
      const topics = ({ request: { headers } }: { request: { headers: Record<string, string> } }) => [
        `user.${headers['x-user']}`,
        'news',
      ];
      const app = await startApp(adapter, { notifications: { access: { topics } } });
      for (const topic of ['user.7', 'user.8', 'news']) await publish(app, topic);
      const { json } = await poll(app, 'cursor=earliest', { 'X-User': '7' });
      expect(json.notifications.map(({ topic }: { topic: string }) => topic)).toEqual(['user.7', 'news']);
    });

    test('topics of every allowed form are accepted', async () => {
      const app = await startApp(adapter);
      const topic = `Az09._:@/~=-${'x'.repeat(188)}`;
      await publish(app, topic);
      const { json } = await poll(app, `topic=${encodeURIComponent(topic)}&cursor=earliest`);
      expect(json.notifications[0].topic).toBe(topic);
    });
  });

  describe('limit', () => {
    test('bounds a page, and `more` reports another page', async () => {
      const app = await startApp(adapter);
      await publish(app, 'orders', 5);
      const pages: number[][] = [];
      let cursor = 'earliest';
      for (let more = true; more;) {
        const { json } = await poll(app, `topic=orders&limit=2&cursor=${cursor}`);
        pages.push(numbers(json.notifications));
        ({ cursor, more } = json);
      }
      expect(pages).toEqual([[1, 2], [3, 4], [5]]);
    });

    test('is not the only bound: bytes bound a page too, but it has at least one notification', async () => {
      const app = await startApp(adapter, { notifications: { access: 'public', limits: { pageBytesMax: 1024 } } });
      for (const length of [600, 300, 5000, 10]) {
        await app.service.publish('orders', { type: 'padded', data: 'x'.repeat(length) });
      }
      const lengths: number[][] = [];
      let cursor = 'earliest';
      for (let more = true; more;) {
        const { json } = await poll(app, `topic=orders&cursor=${cursor}`);
        lengths.push(json.notifications.map(({ data }: { data: string }) => data.length));
        ({ cursor, more } = json);
      }
      expect(lengths).toEqual([[600], [300], [5000], [10]]);
    });
  });

  describe('HEAD', () => {
    test.each([
      ['a poll', {}, 'application/json; charset=utf-8', 'no-cache, no-store'],
      ['a stream', { Accept: 'text/event-stream' }, 'text/event-stream', 'no-cache, no-store, no-transform'],
    ])('answers at once with the headers of %s and no body', async (_, headers, type, caching) => {
      const app = await startApp(adapter);
      const connection = await Connection.open(app);
      connection.send({ method: 'HEAD', path: '/notifications?topic=orders', headers: headers as never });
      const response = await connection.response();
      expect(response.status).toBe(200);
      expect(response.header('content-type')).toBe(type);
      expect(response.header('cache-control')).toBe(caching);
      expect(app.counts().waiters).toBe(0);
      // The client would read a body as the next response.
      connection.send({ path: '/notifications?topic=orders&wait=0' });
      expect((await connection.response()).json.notifications).toEqual([]);
    });

    test('checks access like GET', async () => {
      const app = await startApp(adapter, { notifications: {} });
      const { status, text } = await request(app, { method: 'HEAD', path: '/notifications?topic=orders' });
      expect({ status, text }).toEqual({ status: 403, text: '' });
    });
  });

  describe('a connection', () => {
    test('is kept alive after a poll', async () => {
      const app = await startApp(adapter);
      const connection = await Connection.open(app);
      for (const n of upTo(20)) {
        connection.send({ path: '/notifications?topic=orders' });
        await until(() => app.counts().waiters === 1);
        await publish(app, 'orders', 1, n);
        expect(numbers((await connection.response()).json.notifications)).toEqual([n]);
      }
      expect(app.sockets.size).toBe(1);
    });

    test('may carry pipelined polls, which are answered in order', async () => {
      const app = await startApp(adapter);
      const connection = await Connection.open(app);
      for (const topic of ['a', 'b', 'c']) connection.send({ path: `/notifications?topic=${topic}` });
      await until(() => app.counts().waiters === 3);
      for (const topic of ['c', 'b', 'a']) await publish(app, topic);
      const topics = [];
      for (let i = 0; i < 3; i++) topics.push((await connection.response()).json.notifications[0].topic);
      expect(topics).toEqual(['a', 'b', 'c']);
    });
  });

  test('a log with retention reports a gap, and continues from its oldest notification', async () => {
    const store = memoryStore({ retainCount: 3 });
    const app = await startApp(adapter, { notifications: { access: 'public', store, window: { count: 1 } } });
    const start = app.service.cursor();
    await publish(app, 'orders', 5);
    const { json } = await poll(app, `topic=orders&cursor=${start}`);
    expect(json).toMatchObject({ gap: { reason: 'expired' }, more: false });
    expect(Object.keys(json)).toEqual(['notifications', 'cursor', 'more', 'gap']);
    expect(numbers(json.notifications)).toEqual([3, 4, 5]);
    expect((await poll(app, `topic=orders&cursor=${json.cursor}&wait=0`)).json.gap).toBeUndefined();
  });
}, ADAPTERS_AND_LANE);
