import 'reflect-metadata';
// Loads Angular's just-in-time compiler, because the packages are only partially compiled.
import '@angular/compiler';
import { createEnvironmentInjector, type EnvironmentInjector, Injector } from '@angular/core';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { asyncScheduler, firstValueFrom, Subscription } from 'rxjs';
import { NotificationsException, type Page } from 'nest-notifications';
import { AppModule as AccessModule } from '../../examples/access.js';
import { OrderSubscriptions } from '../../examples/iterate.js';
import { AppModule as InspectorModule, Support } from '../../examples/inspector.js';
import { AppModule as NamedFeedsModule } from '../../examples/named-feeds.js';
import { createTestApp } from '../../examples/testing.js';
import { workerModule } from '../../examples/worker.js';
import { AppModule as OwnControllerModule } from '../../examples/own-controller.js';
import { followOrders } from '../../examples/client.js';
import { showUntilRetracted } from '../../examples/client-retract.js';
import { showOrders } from '../../examples/history.js';
import { AppModule as HistoryModule } from '../../examples/history-service.js';
import { AppModule as PatternsModule } from '../../examples/patterns.js';
import { OrdersFeed } from '../../examples/client-angular.js';
import { poll, Refused } from '../../examples/poll-loop.js';
import { AppModule as QuickStartModule } from '../../examples/quick-start.js';
import { AppModule as SecurityModule, SecurityLog } from '../../examples/security-events.js';
import { AppModule as StateModule } from '../../examples/state-and-feed.js';
import { AppModule as TypedModule, Shipping } from '../../examples/typed.js';
import { NotificationsService } from '../../src/index.js';
import { watchedStore } from '../support/watched-store.js';
import { type Logs, nestLogger } from '../support/http/logs.js';
import { until } from '../support/time/until.js';

let app: INestApplication | undefined;

afterEach(async () => {
  delete process.env.OPERATOR_PASSWORD;
  await app?.close();
  app = undefined;
});

async function start(module: Type): Promise<string> {
  app = await NestFactory.create(module, { logger: ['error', 'warn'] });
  await app.listen(0, '127.0.0.1');
  return app.getUrl();
}

async function getJson<T>(url: string, init?: RequestInit): Promise<T> {
  const response = await fetch(url, init);
  expect({ url, ok: response.ok }).toEqual({ url, ok: true });
  return (await response.json()) as T;
}

describe('the examples of the documents', () => {
  test('quick start: a poll that waits sees what another route publishes', async () => {
    const url = await start(QuickStartModule);
    const { cursor } = await getJson<Page>(`${url}/notifications?topic=orders&wait=0`);
    const held = getJson<Page>(`${url}/notifications?topic=orders&cursor=${cursor}`);
    await fetch(`${url}/orders/42/ship`, { method: 'POST' });
    expect((await held).notifications).toMatchObject([{ type: 'order.shipped', data: { id: '42' } }]);
  });

  test('history in process: reads pages of twenty, newest first', async () => {
    const url = await start(HistoryModule);
    const service = app!.get(NotificationsService);
    for (let id = 1; id <= 25; id++) await service.publish('orders', { type: 'numbered', data: { id } });
    const newest = await getJson<Page>(`${url}/orders/history`);
    const older = await getJson<Page>(`${url}/orders/history?before=${newest.cursor}`);
    expect([newest, older].map(({ notifications, more }) => [notifications.length, more])).toEqual([
      [20, true],
      [5, false],
    ]);
  });

  test('inspector: an operator opens the page and explains a notification', async () => {
    process.env.OPERATOR_PASSWORD = 'secret';
    const url = `${await start(InspectorModule)}/notifications-inspector`;
    const refused = await fetch(url);
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="operators"']);
    const headers = { Authorization: `Basic ${btoa('operator:secret')}` };
    expect((await fetch(url, { headers })).headers.get('content-type')).toContain('text/html');
    expect(await getJson(`${url}/state`, { headers })).toMatchObject({ feeds: [{ name: 'default' }] });
    await app!.get(NotificationsService).publish('orders', { id: 'order-17', type: 'shipped', data: {} });
    const story = await app!.get(Support).whyNotReceived('order-17', 'ann');
    expect(story).toMatchObject({ status: 'deliverable', access: { allowed: 'yes' } });
    expect(await getJson(`${url}/explain?id=order-17`, { headers })).toMatchObject({ status: 'deliverable' });
  });

  test('patterns: a client reads the orders of all shops that it may read', async () => {
    const url = await start(PatternsModule);
    for (const order of ['red/1', 'blue/2', 'red/3']) await fetch(`${url}/orders/${order}/ship`, { method: 'POST' });
    const topicsOf = async (user: string) => {
      const { notifications } = await getJson<{ notifications: readonly { topic: string }[] }>(
        `${url}/notifications?topic=orders.*&cursor=earliest&wait=0`,
        { headers: { 'X-User': user } },
      );
      return notifications.map(({ topic }) => topic);
    };
    expect(await topicsOf('admin')).toEqual(['orders.red.1', 'orders.blue.2', 'orders.red.3']);
    expect(await topicsOf('red')).toEqual(['orders.red.1', 'orders.red.3']);
    expect(await topicsOf('green')).toEqual([]);
  });

  test('history: shows the newest orders, new ones, and older ones on demand', async () => {
    const url = await start(QuickStartModule);
    const ship = async (id: number) => fetch(`${url}/orders/${id}/ship`, { method: 'POST' });
    for (let id = 1; id <= 25; id++) await ship(id);
    const shown: string[] = [];
    const idOf = (notification: object) => (notification as { data: { id: string } }).data.id;
    const view = {
      showOlder: (notifications: readonly object[]) => shown.push(...notifications.map(idOf)),
      showNewer: (notification: object) => shown.unshift(idOf(notification)),
      showThatOlderWereRemoved: () => shown.push('removed'),
    };
    const leaving = new AbortController();
    const showOlder = await showOrders(`${url}/notifications`, view, leaving.signal);
    await ship(26);
    await until(() => shown[0] === '26');
    expect(shown).toHaveLength(21);
    await showOlder();
    await showOlder();
    expect(shown).toEqual(Array.from({ length: 26 }, (_, index) => String(26 - index)));
    leaving.abort();
  });

  test('client-retract: shows a notification until it is retracted', async () => {
    const url = await start(QuickStartModule);
    const list = new Map<string, object>();
    const leaving = new AbortController();
    showUntilRetracted(`${url}/notifications?topic=orders&cursor=earliest`, list, leaving.signal);
    const service = app!.get(NotificationsService);
    const { ids } = await service.publish(
      'orders',
      [1, 2].map((data) => ({ type: 't', data })),
    );
    await until(() => list.size === 2);
    await service.retract('orders', ids[0]!);
    await until(() => list.size === 1);
    expect([...list.keys()]).toEqual([`orders ${ids[1]}`]);
    leaving.abort();
  });

  test('client: follows orders over a reload', async () => {
    const url = await start(QuickStartModule);
    const values = new Map<string, string>();
    const storage = {
      getItem: (key: string) => values.get(key) ?? null,
      setItem: (key: string, value: string) => void values.set(key, value),
    };
    const shown: string[] = [];
    const view = {
      show: (text: string) => void shown.push(text),
      refetch: () => Promise.resolve(),
      setLive: () => undefined,
    };
    const follow = async (expected: string): Promise<void> => {
      const page = new AbortController();
      const followed = followOrders(`${url}/notifications`, view, storage, page.signal);
      await until(() => shown.includes(expected));
      page.abort();
      await followed;
    };
    values.set('orders', app?.get(NotificationsService).cursor() ?? '');
    const service = app?.get(NotificationsService);
    await service?.publish('orders', { type: 'order.placed', data: { orderId: '42' } });
    await follow('42 is placed');
    await service?.publish('orders', { type: 'order.shipped', data: { orderId: '42', carrier: 'ship' } });
    await follow('42 is on its way with ship');
    expect(shown).toEqual(['42 is placed', '42 is on its way with ship']);
    app?.getHttpServer().closeAllConnections();
  });

  test('client for Angular: a service with signals and an Observable, which ends with its injector', async () => {
    const url = await start(QuickStartModule);
    // A page has an address, and the URL of the feed is relative to it.
    const { fetch: ofNode } = globalThis;
    globalThis.fetch = (input, init) => ofNode(new URL(input as string, url), init);
    const injector = createEnvironmentInjector([OrdersFeed], Injector.NULL as EnvironmentInjector);
    try {
      const { notifications$, latest, state } = injector.get(OrdersFeed);
      const first = firstValueFrom(notifications$);
      await until(() => state().phase === 'live');
      await app?.get(NotificationsService).publish('orders', { type: 'order.placed', data: 1 });
      expect(await first).toMatchObject({ type: 'order.placed' });
      expect(latest()).toMatchObject({ type: 'order.placed' });
      injector.destroy();
      expect(state()).toMatchObject({ phase: 'closed' });
      await until(() => app?.get(NotificationsService).counts().waiters === 0);
    } finally {
      globalThis.fetch = ofNode;
      app?.getHttpServer().closeAllConnections();
    }
  });

  test('own controller: answers an arrival, and rejects a wrong cursor', async () => {
    const url = await start(OwnControllerModule);
    const page = getJson<Page>(`${url}/inbox/ann?cursor=earliest`);
    await app?.get(NotificationsService).publish('user.ann', { type: 'hello', data: 1 });
    expect((await page).notifications).toMatchObject([{ topic: 'user.ann', data: 1 }]);
    expect((await fetch(`${url}/notifications?topic=user.ann`)).status).toBe(404);
    expect((await fetch(`${url}/inbox/ann?cursor=nonsense`)).status).toBe(400);
  });

  test('own controller: loses nothing and leaves no waiter if a notification arrives at the timeout', async () => {
    const url = await start(OwnControllerModule);
    const service = app?.get(NotificationsService);
    if (!service) throw new Error('the application has not started');
    const sent: number[] = [];
    // The timeout of 20 s fires right after an append, before a waiter is woken.
    const timers = jest.spyOn(asyncScheduler, 'schedule').mockImplementation((work, _delayMs, state) => {
      const timer = new Subscription();
      const data = sent.length;
      sent.push(data);
      void service.publish('user.ann', { type: 'hello', data }).then(() => {
        if (!timer.closed) work.call(undefined as never, state as never);
      });
      return timer;
    });
    const received: unknown[] = [];
    let empty = 0;
    let cursor = service.cursor();
    const take = (page: Page) => {
      expect(page.gap).toBeUndefined();
      received.push(...page.notifications.map(({ data }) => data));
      if (page.notifications.length === 0) empty++;
      ({ cursor } = page);
    };
    try {
      for (let polls = 0; polls < 20; polls++) take(await getJson<Page>(`${url}/inbox/ann?cursor=${cursor}`));
      expect(timers).toHaveBeenCalledWith(expect.any(Function), 20_000);
    } finally {
      timers.mockRestore();
    }
    take(await firstValueFrom(service.poll({ topics: ['user.ann'], cursor, waitMs: 0 })));
    expect(received).toEqual(sent);
    expect(empty).toBeGreaterThan(0);
    expect(service.counts().waiters).toBe(0);
  });

  test('typed: schemas are enforced on publish', async () => {
    await start(TypedModule);
    const shipping = app?.get(Shipping);
    expect(await shipping?.ship(1, 'post')).toMatchObject({ duplicate: false });
    expect(await shipping?.mention('ann', 'bob')).toMatchObject({ duplicate: false });
    await expect(shipping?.ship(1, '')).rejects.toThrow(/data\.carrier does not match the schema of order\.shipped/);
    await expect(shipping?.ship(1.5, 'post')).rejects.toBeInstanceOf(NotificationsException);
  });

  test('access: callers read only their own topics and the public one', async () => {
    const url = `${await start(AccessModule)}/notifications`;
    const as = (user: string) => ({ headers: { authorization: `Bearer user-${user}` } });
    expect((await fetch(`${url}?topic=news`)).status).toBe(401);
    expect((await fetch(`${url}?topic=user.bob&wait=0`, as('ann'))).status).toBe(403);
    await app?.get(NotificationsService).publish('user.ann', { type: 'hello', data: null });
    const own = await getJson<Page>(`${url}?cursor=earliest`, as('ann'));
    expect(own.notifications).toMatchObject([{ topic: 'user.ann' }]);
    const publish = (user: string) =>
      fetch(url, {
        method: 'POST',
        headers: { ...as(user).headers, 'content-type': 'application/json' },
        body: JSON.stringify({ topic: 'news', type: 'headline', data: 'hi' }),
      });
    expect((await publish('ann')).status).toBe(403);
    expect((await publish('root')).status).toBe(201);
  });

  test('security events: all are counted, and one a second of each name is logged', async () => {
    const logs: Logs = [];
    app = await NestFactory.create(SecurityModule, { logger: nestLogger(logs) });
    await app.listen(0, '127.0.0.1');
    const url = `${await app.getUrl()}/notifications`;
    for (let count = 0; count < 5; count++) expect((await fetch(`${url}?topic=orders`)).status).toBe(403);
    expect((await fetch(`${url}?topic=`)).status).toBe(400);
    await app.get(NotificationsService).revoke('ann');
    const counts = { 'refused forbidden': 5, 'refused topic_invalid': 1, revoked: 1 };
    expect(Object.fromEntries(app.get(SecurityLog).counts)).toEqual(counts);
    expect(logs).toEqual(Array(3).fill(expect.stringMatching(/^warn .* Security$/)));
  });

  test('named feeds: each has its own path and log', async () => {
    const url = await start(NamedFeedsModule);
    expect((await fetch(`${url}/measure`, { method: 'POST' })).status).toBe(201);
    const read = (path: string) => getJson<Page>(`${url}/${path}?topic=alarms,temperature&cursor=earliest&wait=0`);
    expect((await read('notifications')).notifications).toMatchObject([{ topic: 'alarms' }]);
    expect((await read('notifications/telemetry')).notifications).toMatchObject([{ topic: 'temperature' }]);
  });

  test('iterate: a loop and a subscription, which leave nothing behind', async () => {
    await start(QuickStartModule);
    const service = app!.get<NotificationsService>(NotificationsService);
    const orders = new OrderSubscriptions(service);
    const subscription = orders.orderChanged();
    const abort = new AbortController();
    const handled: unknown[] = [];
    const loop = orders.handleOrders((data) => {
      handled.push(data);
      abort.abort();
      return Promise.resolve();
    }, abort.signal);
    await service.publish('orders', { type: 'order.shipped', data: 1 });
    expect(await subscription.next()).toMatchObject({ value: { data: 1 } });
    const pending = subscription.next();
    await loop;
    await subscription.return();
    expect([handled, await pending, service.counts().waiters]).toEqual([[1], { done: true, value: undefined }, 0]);
  });

  test('worker: publishes to the store of the nodes', async () => {
    const { store, log } = watchedStore();
    const worker = await NestFactory.createApplicationContext(workerModule(store), { logger: false });
    await worker.get(NotificationsService).publish('orders', { type: 'order.shipped', data: 1 });
    await worker.close();
    expect(log).toMatchObject({ appends: 1, tails: 0, open: 0 });
  });

  test('testing: an application with a store in memory', async () => {
    const real = watchedStore();
    app = await createTestApp(workerModule(real.store));
    expect(await app.get(NotificationsService).publish('a', { type: 't', data: 1 })).toMatchObject({
      duplicate: false,
    });
    expect(real.log.opened).toBe(0);
  });

  test('state and feed: a state with its cursor misses nothing', async () => {
    const url = await start(StateModule);
    const { items, cursor } = await getJson<{ items: number; cursor: string }>(`${url}/basket`);
    await fetch(`${url}/basket`, { method: 'POST' });
    const page = await getJson<Page>(`${url}/notifications?topic=basket&cursor=${cursor}`);
    expect({ items, after: page.notifications }).toMatchObject({ items: 0, after: [{ data: { items: 1 } }] });
  });

  test('poll loop: continues with its cursor until it is aborted, and ends on a refusal', async () => {
    const url = await start(QuickStartModule);
    const abort = new AbortController();
    const seen: unknown[] = [];
    const ship = () => fetch(`${url}/orders/${seen.length}/ship`, { method: 'POST' });
    const loop = poll(
      `${url}/notifications?topic=orders`,
      (page) => {
        seen.push(...page.notifications.map(({ data }) => data));
        if (seen.length === 3) abort.abort();
        else void ship();
      },
      abort.signal,
    );
    await loop;
    expect(seen).toEqual([{ id: '0' }, { id: '1' }, { id: '2' }]);
    await expect(poll(`${url}/notifications?topic=`, () => undefined, new AbortController().signal)).rejects.toThrow(
      Refused,
    );
  });
});
