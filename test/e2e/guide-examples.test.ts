import 'reflect-metadata';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { type INestApplication, Logger, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { EventSource } from 'eventsource';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { firstValueFrom } from 'rxjs';
import { NotificationsModule, NotificationsService } from 'nest-notifications';
import { AppModule as AccessClassModule } from '../../examples/access-class.js';
import { Accounts, AppModule as ErasureModule } from '../../examples/erasure.js';
import { readOrders } from '../../examples/event-source.js';
import { AppModule as ConfigModule } from '../../examples/from-config.js';
import { AppModule as HealthModule } from '../../examples/health.js';
import { bootstrap } from '../../examples/main.js';
import { pollWithoutWaiting } from '../../examples/manual-clock.js';
import { AppModule as MetricsModule } from '../../examples/metrics.js';
import { Announcements } from '../../examples/publish-many.js';
import { Billing } from '../../examples/publish.js';
import { Tracking } from '../../examples/publish-options.js';
import { AppModule as RetractModule, Comments } from '../../examples/retract.js';
import { AppModule as QuickStartModule } from '../../examples/quick-start.js';
import { openWithTicket } from '../../examples/tickets.js';
import { until } from '../support/time/until.js';

Logger.overrideLogger(['error', 'warn']);

let app: INestApplication | undefined;
const realFetch = globalThis.fetch;

afterEach(async () => {
  Object.assign(globalThis, { fetch: realFetch, EventSource: undefined });
  await app?.close();
  app = undefined;
});

async function start(module: unknown, configure?: (nest: INestApplication) => void): Promise<string> {
  app = await NestFactory.create(module as Type, { logger: ['error', 'warn'], forceCloseConnections: true });
  configure?.(app);
  await app.listen(0, '127.0.0.1');
  return app.getUrl();
}

const service = (): NotificationsService => app!.get<NotificationsService>(NotificationsService);

/** The globals of a page at this address. */
function openPage(url: string): void {
  class PageEventSource extends EventSource {
    constructor(path: string) {
      super(new URL(path, url));
    }
  }
  const fetch: typeof realFetch = (path, init) => realFetch(new URL(path as string, url), init);
  Object.assign(globalThis, { EventSource: PageEventSource, fetch });
}

describe('the examples of the guides', () => {
  test('erasure: erases the topics of an account, and nothing else', async () => {
    const url = await start(ErasureModule);
    for (const topic of ['user.7', 'user.70', 'news']) await service().publish(topic, { type: 't', data: topic });
    expect(await app!.get(Accounts).close('7')).toBe(1);
    const { notifications } = (await (
      await fetch(`${url}/notifications?topic=news&cursor=earliest&wait=0`)
    ).json()) as {
      notifications: unknown[];
    };
    expect(notifications).toHaveLength(1);
    expect((await service().erase({ topic: 'user.70' })).count).toBe(1);
  });

  test('main: starts the application', async () => {
    app = await bootstrap(QuickStartModule, 0);
    expect((await fetch(`${await app.getUrl()}/notifications?topic=orders&wait=0`)).status).toBe(200);
  });

  test('from-config: without the variable, the log is in memory', async () => {
    const url = await start(ConfigModule);
    await service().publish('orders', { type: 'order.shipped', data: 1 });
    expect((await fetch(`${url}/notifications?topic=orders&cursor=earliest`)).status).toBe(200);
  });

  test('event-source: shows notifications until it is ended', async () => {
    openPage(await start(QuickStartModule));
    const shown: string[] = [];
    const view = {
      show: ({ type }: { type: string }) => void shown.push(type),
      refetch: () => void shown.push('refetch'),
      stopped: () => void shown.push('stopped'),
    };
    const end = readOrders(view);
    await until(() => service().counts().waiters === 1);
    await service().publish('orders', { type: 'order.shipped', data: 1 });
    await until(() => shown.length > 0);
    end();
    await until(() => service().counts().waiters === 0);
    expect(shown).toEqual(['order.shipped']);
  });

  test('tickets: a stream of the subscriber', async () => {
    interface UserRequest {
      headers: { authorization?: string };
    }
    const subscriber = ({ request }: { request: UserRequest }) => request.headers.authorization?.split(' ')[1];
    const topics = ({ subscriber: id }: { subscriber: string | undefined }) => (id ? [`user.${id}`] : []);
    const feed = NotificationsModule.forRoot({ tickets: {}, access: { subscriber, topics } });
    openPage(await start(feed));
    const shown: unknown[] = [];
    const source = await openWithTicket('ann', ({ data }) => void shown.push(data));
    await until(() => service().counts().waiters === 1);
    await service().publish('user.ann', { type: 'hello', data: 1 });
    await until(() => shown.length === 1);
    source.close();
    await until(() => service().counts().waiters === 0);
  });

  test('client for Vue: a composable that ends with its component', async () => {
    const url = await start(QuickStartModule);
    openPage(url);
    let unmount = (): void => undefined;
    const vue = { ref: (value: unknown) => ({ value }), onScopeDispose: (end: () => void) => (unmount = end) };
    jest.unstable_mockModule('vue', () => vue, { virtual: true });
    const { useOrders } = (await import('../../examples/client-vue.js')) as { useOrders(): { value: unknown[] } };
    const orders = useOrders();
    await until(() => service().counts().waiters === 1);
    await service().publish('orders', { type: 'order.shipped', data: { id: '42' } });
    await until(() => orders.value.length === 1);
    expect(orders.value).toMatchObject([{ data: { id: '42' } }]);
    unmount();
    await until(() => service().counts().waiters === 0);
  });

  test('access-class: the rules have dependencies', async () => {
    const url = await start(AccessClassModule, (nest) => {
      nest.use((request: IncomingMessage & { user?: object }, _: ServerResponse, next: () => void) => {
        request.user = { id: request.headers['x-user'] };
        next();
      });
    });
    const read = async (user: string, topic: string) =>
      (await fetch(`${url}/notifications?topic=${topic}&wait=0`, { headers: { 'x-user': user } })).status;
    expect([await read('ann', 'team.red'), await read('bob', 'team.red'), await read('ann', 'team.blue')]).toEqual([
      200, 403, 403,
    ]);
  });

  test('publish: ids, arrays and several topics', async () => {
    const module = await Test.createTestingModule({
      imports: [NotificationsModule.forRoot({ publishOnly: true })],
      providers: [Billing],
    }).compile();
    await module.init();
    const billing = module.get(Billing);
    expect([await billing.paid('7'), await billing.paid('7')]).toMatchObject([
      { duplicate: false },
      { ids: ['invoice-paid:7'], duplicate: true },
    ]);
    expect((await billing.reminders(['7', '8'])).ids).toHaveLength(2);
    expect((await billing.refunded('7', 'auth0|5f')).ids).toHaveLength(2);
    await module.close();
  });

  test('publish options: the newest position of each order', async () => {
    const module = await Test.createTestingModule({
      imports: [NotificationsModule.forRoot({ access: 'public' })],
      providers: [Tracking],
    }).compile();
    await module.init();
    const tracking = module.get(Tracking);
    for (const [order, place] of [
      [7, 'Rome'],
      [8, 'Oslo'],
      [7, 'Pisa'],
    ] as const)
      await tracking.moved(order, place);
    const page$ = module.get(NotificationsService).poll({ topics: ['orders'], cursor: 'earliest' });
    expect((await firstValueFrom(page$)).notifications).toMatchObject([
      {
        data: { orderId: 8, place: 'Oslo' },
        key: 'order-8',
        priority: 'high',
        expiresAt: expect.any(String) as unknown,
      },
      { data: { orderId: 7, place: 'Pisa' } },
    ]);
    await module.close();
  });

  test('publish-many: a copy for each user', async () => {
    const module = await Test.createTestingModule({
      imports: [NotificationsModule.forRoot({ publishOnly: true })],
      providers: [Announcements],
    }).compile();
    module.useLogger(false);
    await module.init();
    async function* userIds(): AsyncGenerator<string> {
      for (let n = 0; n < 250; n++) yield await Promise.resolve(`user ${n}`);
    }
    const announcements = module.get(Announcements);
    expect(await announcements.announce('1.2', userIds())).toEqual({ id: 'release:1.2', topics: 250, duplicates: 0 });
    expect(await announcements.announce('1.2', userIds())).toMatchObject({ duplicates: 250 });
    await module.close();
  });

  test('retract: removing a comment retracts its notification', async () => {
    const url = await start(RetractModule, (nest) => {
      nest.use((request: { user?: object }, _: unknown, next: () => void) => {
        request.user = { id: 'ann' };
        next();
      });
    });
    const comments = app!.get(Comments);
    for (const comment of ['1', '2', '3']) await comments.added('ann', comment);
    await comments.removed('ann', '2');
    const answer = await fetch(`${url}/notifications/${encodeURIComponent('comment:3')}?topic=user.ann`, {
      method: 'DELETE',
    });
    expect(answer.status).toBe(204);
    const page = await (await fetch(`${url}/notifications?topic=user.ann&cursor=earliest&wait=0`)).json();
    expect(page).toMatchObject({
      notifications: [{ id: 'comment:1' }],
      retracted: [{ id: 'comment:2', topic: 'user.ann' }, { id: 'comment:3' }],
    });
    const other = await fetch(`${url}/notifications/x?topic=user.bob`, { method: 'DELETE' });
    expect(other.status).toBe(403);
  });

  test('health: liveness and readiness', async () => {
    const url = await start(HealthModule);
    const [live, ready] = [await fetch(`${url}/health/live`), await fetch(`${url}/health/ready`)];
    expect([live.status, ready.status, await ready.json()]).toMatchObject([
      200,
      200,
      { info: { notifications: { status: 'up', lagMs: 0 } } },
    ]);
  }, 20_000);

  test('metrics: Prometheus scrapes the registry', async () => {
    const url = await start(MetricsModule);
    await service().publish('orders', { type: 'order.shipped', data: 1 });
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await response.text();
    expect(text).toContain('# TYPE notifications_waiters gauge\n');
    expect(text).toContain('notifications_published_total{feed="default",topic="orders"} 1\n');
  });

  test('manual-clock: a poll ends when the clock has moved', async () => {
    expect(await pollWithoutWaiting()).toEqual([]);
  });
});
