import { describe, expect, test } from '@jest/globals';
import { Controller, Get, Inject, Query } from '@nestjs/common';
import { NotificationsException, NotificationsService, type Page, type PollRequest } from 'nest-notifications';
import { firstValueFrom, lastValueFrom, type Observable, take, toArray } from 'rxjs';
import { z } from 'zod';
import { forEachAdapter } from '../support/http/adapters.js';
import { OPEN, startApp, type TestApp } from '../support/http/app.js';
import { Connection, request } from '../support/http/connection.js';
import { numbers, poll, post, publish, upTo } from '../support/http/feed.js';
import { turn, until } from '../support/time/until.js';

interface AppNotifications {
  orders: { 'order.shipped': { orderId: number }; 'order.cancelled': null };
  [user: `user.${string}`]: { mention: { by: string } };
}

/** A controller of the application that uses the service, in ten lines. */
@Controller('my/feed')
class OwnController {
  constructor(@Inject(NotificationsService) private readonly notifications: NotificationsService<AppNotifications>) {}

  @Get()
  read(@Query('cursor') cursor: string | undefined): Observable<Page> {
    return this.notifications.poll({ topics: ['orders'], cursor, waitMs: 20_000 });
  }
}

const SCHEMAS = {
  'order.shipped': z.object({ orderId: z.coerce.number().int(), carrier: z.string().default('post') }),
  'order.checked': z
    .object({ lines: z.array(z.object({ sku: z.string() })) })
    .refine(async () => Promise.resolve(true)),
};

forEachAdapter((adapter) => {
  const startBare = (): Promise<TestApp> => startApp(adapter, { notifications: { controller: false } });

  describe('a controller of the application’s own', () => {
    const start = (): Promise<TestApp> =>
      startApp(adapter, { notifications: { controller: false }, controllers: [OwnController] });

    test('holds a poll, answers with the page, and releases the waiter when the client disconnects', async () => {
      const app = await start();
      const held = await Connection.open(app);
      held.send({ path: '/my/feed' });
      await until(() => app.counts().waiters === 1);
      await publish(app, 'orders');
      const { status, json } = await held.response();
      expect(status).toBe(200);
      expect(Object.keys(json)).toEqual(['notifications', 'cursor', 'more']);
      expect(numbers(json.notifications)).toEqual([1]);

      held.send({ path: `/my/feed?cursor=${json.cursor}` });
      await until(() => app.counts().waiters === 1);
      await held.destroy();
      await until(() => app.counts().waiters === 0);
    });

    test('answers with a Nest exception when the service rejects', async () => {
      const app = await start();
      const { status, json } = await request(app, { path: '/my/feed?cursor=nonsense' });
      expect({ status, json }).toEqual({
        status: 400,
        json: { statusCode: 400, error: 'Bad Request', message: expect.any(String), code: 'cursor_invalid' },
      });
    });

    test('is answered when the application closes', async () => {
      const app = await start();
      const held = await Connection.open(app);
      held.send({ path: '/my/feed' });
      await until(() => app.counts().waiters === 1);
      await app.close();
      expect((await held.response()).json.notifications).toEqual([]);
    });
  });

  describe('poll', () => {
    test('completes after one page, and is cancelled by unsubscribing', async () => {
      const app = await startBare();
      const pages = lastValueFrom(app.service.poll({ topics: ['orders'] }).pipe(toArray()));
      await publish(app, 'orders', 2);
      expect((await pages).map(({ notifications }) => numbers(notifications as never))).toEqual([[1, 2]]);

      const subscription = app.service.poll({ topics: ['orders', 'returns'] }).subscribe();
      expect(app.counts()).toMatchObject({ waiters: 1, topics: 2, subscribers: 0, addresses: 0 });
      subscription.unsubscribe();
      expect(app.counts()).toMatchObject({ waiters: 0, topics: 0, subscribers: 0, addresses: 0 });
    });

    test('starts at subscription, and can be subscribed again', async () => {
      const app = await startBare();
      const pages = app.service.poll({ topics: ['orders'], cursor: 'earliest', waitMs: 0 });
      await publish(app, 'orders');
      expect(numbers((await firstValueFrom(pages)).notifications as never)).toEqual([1]);
      await publish(app, 'orders', 1, 2);
      expect(numbers((await firstValueFrom(pages)).notifications as never)).toEqual([1, 2]);
    });

    test.each<[code: string, request: object]>([
      ['topic_missing', { topics: [] }],
      ['topic_invalid', { topics: ['a b'] }],
      ['topics_too_many', { topics: Array.from({ length: 51 }, (_, n) => `t${n}`) }],
      ['cursor_invalid', { topics: ['a'], cursor: 'x' }],
      ['wait_invalid', { topics: ['a'], waitMs: -1 }],
      ['wait_invalid', { topics: ['a'], waitMs: Number.NaN }],
      ['wait_invalid', { topics: ['a'], waitMs: 2 ** 31 }],
      ['limit_invalid', { topics: ['a'], limit: 0 }],
      ['limit_invalid', { topics: ['a'], limit: 1_001 }],
    ])('errors with %s for %j', async (code, request) => {
      const app = await startBare();
      for (const method of ['poll', 'follow'] as const) {
        const error: unknown = await firstValueFrom(app.service[method](request as PollRequest)).catch(
          (e: unknown) => e,
        );
        expect(error).toBeInstanceOf(NotificationsException);
        expect((error as NotificationsException).code).toBe(code);
      }
    });
  });

  describe('follow', () => {
    test('delivers pages without a loss, and an empty page as heartbeat', async () => {
      const app = await startBare();
      const seen: number[] = [];
      let empty = 0;
      const subscription = app.service.follow({ topics: ['orders'], waitMs: 50, limit: 3 }).subscribe((page) => {
        seen.push(...numbers(page.notifications as never));
        if (page.notifications.length === 0) empty++;
      });
      for (let n = 1; n <= 20; n += 4) {
        await publish(app, 'orders', 4, n);
        await turn(2);
      }
      await until(() => seen.length === 20 && empty >= 2);
      expect(seen).toEqual(upTo(20));
      expect(app.counts().waiters).toBe(1);
      subscription.unsubscribe();
      expect(app.counts()).toMatchObject({ waiters: 0, topics: 0, subscribers: 0, addresses: 0 });
    });

    test('continues from a cursor, and may end in the middle of a replay', async () => {
      const app = await startBare();
      const cursor = await publish(app, 'orders', 5);
      await publish(app, 'orders', 50, 6);
      const pages = app.service.follow({ topics: ['orders'], cursor, limit: 10 }).pipe(take(2), toArray());
      const seen = (await lastValueFrom(pages)).flatMap(({ notifications }) => numbers(notifications as never));
      expect(seen).toEqual(upTo(20).map((n) => n + 5));
      expect(app.counts()).toMatchObject({ waiters: 0, topics: 0, subscribers: 0, addresses: 0 });
    });
  });

  describe('a schema', () => {
    const start = (): Promise<TestApp> => startApp(adapter, { notifications: { ...OPEN, schemas: SCHEMAS } });

    test('is enforced over HTTP and in process, with an error about field and type', async () => {
      const app = await start();
      const bad = { type: 'order.shipped', data: { orderId: 'seven' } };
      const { status, json } = await post(app, { ...bad, topic: 'orders' });
      expect({ status, code: json.code }).toEqual({ status: 400, code: 'data_invalid' });
      expect(json.message).toMatch(/^data\.orderId does not match the schema of order\.shipped: ./);
      await expect(app.service.publish('orders', bad)).rejects.toMatchObject({ code: 'data_invalid', status: 400 });
      const nested = { topic: 'orders', type: 'order.checked', data: { lines: [{ sku: 'a' }, {}] } };
      expect((await post(app, [nested, nested])).json.message).toMatch(/^item 0: data\.lines\.1\.sku does not match/);
    });

    test('changes the published data by its defaults and transforms', async () => {
      const app = await start();
      await post(app, { topic: 'orders', type: 'order.shipped', data: { orderId: '7', unknown: true } });
      await post(app, { topic: 'orders', type: 'order.checked', data: { lines: [] } });
      await post(app, { topic: 'orders', type: 'toString', data: { any: 'thing' } });
      const { json } = await poll(app, 'topic=orders&cursor=earliest');
      expect(json.notifications.map(({ data }: { data: unknown }) => data)).toEqual([
        { orderId: 7, carrier: 'post' },
        { lines: [] },
        { any: 'thing' },
      ]);
    });
  });
});

const CANCELLED = { type: 'order.cancelled', data: null } as const;

/** Compiled and never run: the types of a declared map accept these calls, and reject those. */
export function typesOfADeclaredMap(service: NotificationsService<AppNotifications>): unknown[] {
  return [
    service.publish('orders', { type: 'order.shipped', data: { orderId: 7 } }),
    service.publish('orders', [{ type: 'order.cancelled', data: null, id: 'id-1' }]),
    service.publish('user.7', { type: 'mention', data: { by: 'ann' } }),
    // @ts-expect-error there is no such topic
    service.publish('order', { type: 'order.shipped', data: { orderId: 7 } }),
    // @ts-expect-error the topic has no such type
    service.publish('orders', { type: 'mention', data: { by: 'ann' } }),
    // @ts-expect-error the type has other data
    service.publish('orders', { type: 'order.shipped', data: { orderId: '7' } }),
    // @ts-expect-error one of them is wrong
    service.publish('orders', [CANCELLED, { type: 'order.shipped', data: null }]),
    // @ts-expect-error data is missing
    service.publish('orders', { type: 'order.shipped' }),
    service.poll({ topics: ['orders', 'user.7'] }),
    // @ts-expect-error there is no such topic
    service.poll({ topics: ['order'] }),
    // @ts-expect-error there is no such topic
    service.follow({ topics: ['orders', 'admin'] }),
  ];
}

/** As above: a page of a pattern has the types of all topics that it matches. */
export async function typesOfAPattern(service: NotificationsService<AppNotifications>): Promise<unknown> {
  for await (const { topic, data } of service.iterate({ topics: ['user.*'] })) {
    topic satisfies `user.${string}`;
    return data satisfies { by: string };
  }
  const { notifications } = await service.history({ topics: ['*'] });
  const [first] = notifications;
  if (first?.topic === 'orders' && first.type === 'order.shipped') return first.data satisfies { orderId: number };
  // @ts-expect-error a pattern is no topic of a publish
  return service.publish('orders.*', CANCELLED);
}

/** As above: a page is a union, discriminated by topic and type. */
export function typesOfAPage(service: NotificationsService<AppNotifications>): void {
  service.poll({ topics: ['orders'] }).subscribe(({ notifications }) => {
    for (const notification of notifications) {
      if (notification.type === 'order.shipped') notification.data.orderId.toFixed();
      // @ts-expect-error the data of a cancelled order is null
      else notification.data.orderId.toFixed();
      // @ts-expect-error no such type on this topic
      if (notification.type === 'mention') return;
      // @ts-expect-error notifications do not change
      notification.id = '';
    }
  });
}
