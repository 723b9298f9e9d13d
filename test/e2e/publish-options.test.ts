import { describe, expect, test } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import { memoryStore, type StoreFactory } from 'nest-notifications';
import { ADAPTERS_AND_LANE, forEachAdapter } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { holdPoll, poll, post } from '../support/http/feed.js';
import { SseReader } from '../support/http/sse.js';
import { TimerClock } from '../support/timer-clock.js';

const ITEM = { topic: 'orders', type: 'order.shipped', data: { orderId: 7 } };
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** Every caller may read and publish. The header `x-user` names the subscriber. */
const ACCESS = {
  subscriber: ({ request }: { request: { headers: Record<string, string | undefined> } }) => request.headers['x-user'],
  read: 'public' as const,
  publish: 'public' as const,
};
const ANN = { 'x-user': 'ann' };

interface Started {
  readonly app: TestApp;
  readonly clock: TimerClock;
}

forEachAdapter((adapter) => {
  async function start(store: StoreFactory = memoryStore()): Promise<Started> {
    const clock = new TimerClock();
    return { app: await startApp(adapter, { notifications: { access: ACCESS, clock, store } }), clock };
  }
  const log = async (app: TestApp) =>
    (await poll(app, 'topic=orders&cursor=earliest&wait=0')).json as { notifications: object[]; cursor: string };

  test('options that come over HTTP are fields of the notification, for every reader', async () => {
    const { app, clock } = await start();
    const held = await holdPoll(app, 'topic=orders');
    const reader = await SseReader.open(app, 'topic=orders');
    await reader.opening();
    const options = { ttlMs: 1_000, key: 'order-7', priority: 'high', traceparent: TRACE };
    expect((await post(app, { ...ITEM, ...options }, ANN)).status).toBe(201);
    const expected = {
      ...ITEM,
      expiresAt: new Date(clock.now() + 1_000).toISOString(),
      key: 'order-7',
      keyScope: 'publisher',
      priority: 'high',
      publisher: 'ann',
      traceparent: TRACE,
    };
    expect((await held.response()).json.notifications).toMatchObject([expected]);
    expect(await reader.notifications(1)).toMatchObject([expected]);
    expect((await log(app)).notifications).toMatchObject([expected]);
    const page = await firstValueFrom(app.service.poll({ topics: ['orders'], cursor: 'earliest' }));
    expect(page.notifications).toMatchObject([expected]);
  });

  test('a notification without options has no field for them', async () => {
    const { app } = await start();
    await post(app, ITEM);
    const [stored] = (await log(app)).notifications;
    expect(Object.keys(stored!)).toEqual(['id', 'topic', 'type', 'time', 'data']);
  });

  test('the publisher is the subscriber of the caller, who cannot set it', async () => {
    const { app } = await start();
    const forged = await post(app, { ...ITEM, publisher: 'bob' }, ANN);
    expect([forged.status, forged.json.code]).toEqual([400, 'body_invalid']);
    await post(app, [{ ...ITEM }, { ...ITEM }], ANN);
    await app.service.publish('orders', { type: 'order.shipped', data: 1, publisher: 'the shop' });
    expect((await log(app)).notifications).toMatchObject([
      { publisher: 'ann' },
      { publisher: 'ann' },
      { publisher: 'the shop' },
    ]);
  });

  test('an item of an array that has a wrong option rejects the array', async () => {
    const { app } = await start();
    const { status, json } = await post(app, [ITEM, { ...ITEM, priority: 'urgent' }], ANN);
    expect([status, json.code, json.message]).toEqual([
      400,
      'option_invalid',
      'item 1: priority is the text "urgent"; it must be low, normal or high',
    ]);
    expect((await log(app)).notifications).toEqual([]);
  });

  test('a prepared publication keeps its options, which are checked', async () => {
    const { app, clock } = await start();
    const item = { type: 'order.shipped', data: 1, key: 'k', ttlMs: 1_000, publisher: 'shop' };
    const { text } = await app.service.prepare('orders', item);
    const [draft] = JSON.parse(text) as { json: string }[];
    const expiresAt = new Date(clock.now() + 1_000).toISOString();
    expect(JSON.parse(draft!.json)).toMatchObject({ expiresAt, key: 'k', publisher: 'shop' });
    const wrong = app.service.prepareAll([{ ...item, topic: 'orders', ttlMs: 0 }]);
    await expect(wrong).rejects.toMatchObject({ code: 'option_invalid' });
  });

  test('a slow loop receives no expired notification of its page', async () => {
    const { app, clock } = await start();
    await app.service.publish(
      'orders',
      ['a', 'b', 'c'].map((data) => ({ type: 't', data, ttlMs: data === 'b' ? 100 : 900 })),
    );
    const iterator = app.service.iterate({ topics: ['orders'], cursor: 'earliest' });
    expect((await iterator.next()).value).toMatchObject({ data: 'a' });
    await clock.advance(100);
    expect((await iterator.next()).value).toMatchObject({ data: 'c' });
    await iterator.return();
  });

  describe('a repeat with the same id', () => {
    test('and ttlMs publishes nothing, also at a later time', async () => {
      const { app, clock } = await start();
      await post(app, { ...ITEM, id: 'x', ttlMs: 1_000, traceparent: TRACE }, ANN);
      await clock.advance(500);
      const { status, json } = await post(app, { ...ITEM, id: 'x', ttlMs: 1_000 }, ANN);
      expect([status, json.duplicate]).toEqual([201, true]);
    });

    test('does not bring an expired notification back', async () => {
      const { app, clock } = await start();
      await post(app, { ...ITEM, id: 'x', ttlMs: 1_000 }, ANN);
      await clock.advance(1_000);
      const { json } = await post(app, { ...ITEM, id: 'x', ttlMs: 1_000 }, ANN);
      expect(json.duplicate).toBe(true);
      expect((await log(app)).notifications).toEqual([]);
    });

    test.each([[{ ttlMs: 2_000 }], [{}], [{ ttlMs: 1_000, key: 'k' }], [{ ttlMs: 1_000, priority: 'low' }]])(
      'and other options is a conflict: %j',
      async (options) => {
        const { app } = await start();
        await post(app, { ...ITEM, id: 'x', ttlMs: 1_000 }, ANN);
        const { status, json } = await post(app, { ...ITEM, id: 'x', ...options }, ANN);
        expect([status, json.code]).toEqual([409, 'id_reused']);
        expect((await log(app)).notifications).toHaveLength(1);
      },
    );
  });
});

forEachAdapter((adapter) => {
  test('no poll receives an expired notification, and its cursor moves beyond it', async () => {
    const clock = new TimerClock();
    const app = await startApp(adapter, { notifications: { access: ACCESS, clock, store: memoryStore() } });
    await post(app, { ...ITEM, ttlMs: 1_000 });
    await post(app, ITEM);
    const live = await poll(app, 'topic=orders&cursor=earliest&wait=0');
    expect(live.json.notifications).toHaveLength(2);
    await clock.advance(1_000);
    const late = await poll(app, 'topic=orders&cursor=earliest&wait=0');
    expect(late.json.notifications).toHaveLength(1);
    const next = await poll(app, `topic=orders&cursor=${late.json.cursor}&wait=0`);
    expect(next.json.notifications).toEqual([]);
  });
}, ADAPTERS_AND_LANE);
