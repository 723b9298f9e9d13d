import { describe, expect, test } from '@jest/globals';
import { type HistoryPage, memoryStore } from 'nest-notifications';
import { ADAPTERS_AND_LANE, forEachAdapter } from '../support/http/adapters.js';
import { startApp } from '../support/http/app.js';
import { Connection, request } from '../support/http/connection.js';
import { numbers, poll, publish, upTo } from '../support/http/feed.js';
import { until } from '../support/time/until.js';

const CURSOR = /^[A-Za-z0-9_-]{36}$/;

forEachAdapter((adapter) => {
  describe('GET with before', () => {
    test('answers the newest notifications first, with the cursors of both ends of the page', async () => {
      const app = await startApp(adapter);
      await publish(app, 'orders', 30);
      const response = await poll(app, 'topic=orders&before=latest&limit=20');
      const { status, json } = response;
      expect(status).toBe(200);
      expect(response.header('content-type')).toBe('application/json; charset=utf-8');
      expect(response.header('cache-control')).toBe('no-cache, no-store');
      expect(Object.keys(json)).toEqual(['notifications', 'cursor', 'more', 'follow', 'trimmed']);
      expect(numbers(json.notifications)).toEqual(upTo(30).slice(10).reverse());
      expect(json).toMatchObject({
        cursor: expect.stringMatching(CURSOR),
        more: true,
        follow: expect.stringMatching(CURSOR),
        trimmed: false,
      });
    });

    test('pages back to the beginning, and then follows, without loss or repetition', async () => {
      const app = await startApp(adapter);
      await publish(app, 'orders', 45);
      await publish(app, 'others', 5);
      const pages: HistoryPage[] = [];
      do {
        const before = pages.at(-1)?.cursor ?? 'latest';
        pages.push((await poll(app, `topic=orders&before=${before}&limit=20`)).json);
        await publish(app, 'orders', 1, 45 + pages.length);
      } while (pages.at(-1)!.more);
      const shown = pages.flatMap(({ notifications }) => numbers(notifications as never)).reverse();
      const { json } = await poll(app, `topic=orders&cursor=${pages[0]!.follow}`);
      expect(pages).toHaveLength(3);
      expect([...shown, ...numbers(json.notifications)]).toEqual(upTo(48));
    });

    test('accepts the cursor of a poll: the page has all notifications up to it', async () => {
      const app = await startApp(adapter);
      await publish(app, 'orders', 5);
      const { json } = await poll(app, 'topic=orders&wait=0');
      await publish(app, 'orders', 1, 6);
      const history = await poll(app, `topic=orders&before=${json.cursor}`);
      expect(numbers(history.json.notifications)).toEqual(upTo(5).reverse());
    });

    test('has a cursor that a poll and a stream begin from', async () => {
      const app = await startApp(adapter);
      await publish(app, 'orders', 9);
      const { json } = await poll(app, 'topic=orders&before=latest&limit=4');
      const next = await poll(app, `topic=orders&cursor=${json.cursor}`);
      expect(numbers(next.json.notifications)).toEqual([6, 7, 8, 9]);
    });

    test('answers at once if the topic has no notifications', async () => {
      const app = await startApp(adapter);
      await publish(app, 'others', 3);
      const { status, json } = await poll(app, 'topic=orders&before=latest');
      expect([status, json.notifications, json.more, json.trimmed]).toEqual([200, [], false, false]);
      expect(json.follow).toBe(json.cursor);
      await publish(app, 'orders');
      expect(numbers((await poll(app, `topic=orders&cursor=${json.follow}`)).json.notifications)).toEqual([1]);
    });

    test('reports that retention has removed older notifications', async () => {
      const notifications = { access: 'public' as const, store: memoryStore({ retainCount: 10 }) };
      const app = await startApp(adapter, { notifications });
      await publish(app, 'orders', 25);
      const { json } = await poll(app, 'topic=orders&before=latest');
      expect(numbers(json.notifications)).toEqual(upTo(25).slice(15).reverse());
      expect([json.more, json.trimmed]).toEqual([false, true]);
    });

    test('has the same body for all callers of a page, so cursors reveal nothing about other topics', async () => {
      const app = await startApp(adapter);
      await publish(app, 'orders', 5);
      const ask = async () => (await poll(app, 'topic=orders&before=latest&limit=3')).text;
      const first = await ask();
      await publish(app, 'secret', 3);
      expect(await ask()).toBe(first);
    });

    test('answers HEAD with headers only', async () => {
      const app = await startApp(adapter);
      const head = await request(app, { method: 'HEAD', path: '/notifications?topic=orders&before=latest' });
      expect([head.status, head.text]).toEqual([200, '']);
    });

    test.each([
      ['before=latest&wait=0', /^before and wait exclude each other/],
      ['before=latest&cursor=earliest', /^before and cursor exclude each other/],
      ['before=latest&before=latest', /^before is given 2 times/],
      ['before=earliest', /^before is not a cursor of this feed/],
      [`before=${'A'.repeat(2_000)}`, /^before is not a cursor of this feed/],
      ['before=', /^before is not a cursor of this feed/],
    ])('rejects %s', async (query, message) => {
      const app = await startApp(adapter);
      const { status, json } = await poll(app, `topic=orders&${query}`);
      expect([status, json.code]).toEqual([400, 'before_invalid']);
      expect(json.message).toMatch(message);
    });

    test('rejects an event stream, and a limit out of range', async () => {
      const app = await startApp(adapter);
      const stream = await poll(app, 'topic=orders&before=latest', { Accept: 'text/event-stream' });
      expect([stream.status, stream.json.code]).toEqual([400, 'before_invalid']);
      const limit = await poll(app, 'topic=orders&before=latest&limit=1001');
      expect([limit.status, limit.json.code]).toEqual([400, 'limit_invalid']);
    });

    test('is for callers who may read the topics', async () => {
      const app = await startApp(adapter, { notifications: { access: { read: { open: true } } } });
      await app.service.publish('secret', { type: 'kept', data: null });
      const { status, json } = await poll(app, 'topic=secret&before=latest');
      expect([status, json.code]).toEqual([403, 'forbidden']);
      expect((await poll(app, 'topic=open&before=latest')).status).toBe(200);
    });

    test('counts towards the limits of a subscriber', async () => {
      const access = { subscriber: () => 'ann', read: 'public' as const };
      const app = await startApp(adapter, { notifications: { access, limits: { waitersPerSubscriberMax: 1 } } });
      const held = await Connection.open(app);
      held.send({ path: '/notifications?topic=orders' });
      await until(() => app.counts().waiters === 1);
      const { status, json } = await poll(app, 'topic=orders&before=latest');
      expect([status, json.code]).toEqual([429, 'subscriber_waiters_too_many']);
      await held.destroy();
    });
  });

  describe('service.history', () => {
    test('reads the pages that HTTP serves', async () => {
      const app = await startApp(adapter);
      await publish(app, 'orders', 7);
      const newest = await app.service.history({ topics: ['orders'], limit: 5 });
      expect(numbers(newest.notifications as never)).toEqual([7, 6, 5, 4, 3]);
      const older = await app.service.history({ topics: ['orders'], before: newest.cursor });
      expect(numbers(older.notifications as never)).toEqual([2, 1]);
      const { json } = await poll(app, `topic=orders&before=${newest.cursor}`);
      expect(json).toEqual(JSON.parse(JSON.stringify(older)));
      expect(Object.isFrozen(older)).toBe(true);
    });

    test.each([
      [{ topics: [] }, 'topic_missing'],
      [{ topics: ['not a topic'] }, 'topic_invalid'],
      [{ topics: ['orders'], before: 'earliest' }, 'before_invalid'],
      [{ topics: ['orders'], limit: 0 }, 'limit_invalid'],
      [{ topics: ['orders'], limit: 1.5 }, 'limit_invalid'],
    ])('rejects %j', async (wrong, code) => {
      const app = await startApp(adapter);
      await expect(app.service.history(wrong)).rejects.toMatchObject({ code });
    });
  });
});

forEachAdapter((adapter) => {
  test('a poll, a page of the history and a poll follow each other on one connection', async () => {
    const app = await startApp(adapter);
    const connection = await Connection.open(app);
    await publish(app, 'orders', 3);
    const ask = async (query: string) => {
      connection.send({ path: `/notifications?topic=orders&${query}` });
      return (await connection.response()).json;
    };
    let { cursor } = await ask('wait=0');
    for (let n = 4; n < 8; n++) {
      await publish(app, 'orders', 1, n);
      const page = await ask(`cursor=${cursor}&wait=0`);
      expect(numbers(page.notifications)).toEqual([n]);
      ({ cursor } = page);
      expect(numbers((await ask(`before=${cursor}&limit=2`)).notifications)).toEqual([n, n - 1]);
    }
    await connection.destroy();
  });
}, ADAPTERS_AND_LANE);
