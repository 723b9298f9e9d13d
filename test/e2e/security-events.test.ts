import { describe, expect, test } from '@jest/globals';
import {
  type CanActivate,
  ForbiddenException,
  Module,
  type NestInterceptor,
  UnauthorizedException,
} from '@nestjs/common';
import {
  getNotificationsToken,
  memoryStore,
  NotificationsModule,
  type NotificationsOptions,
  NotificationsService,
  type SecurityEvent,
  type StoreFactory,
} from 'nest-notifications';
import { NotificationsError } from 'nest-notifications/store';
import { systemClock } from '../../src/core/clock.js';
import { forEachAdapter } from '../support/http/adapters.js';
import { type AppOptions, startApp, type TestApp } from '../support/http/app.js';
import { Connection, request } from '../support/http/connection.js';
import { backUp, holdPoll, poll, post, publish } from '../support/http/feed.js';
import { LANE, Poller, startCounting } from '../support/http/lane.js';
import type { Message } from '../support/http/message.js';
import { SseReader } from '../support/http/sse.js';
import { until } from '../support/time/until.js';

interface UserRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
}

const STREAM = { Accept: 'text/event-stream' };
const AS_ANN = { 'X-User': 'ann' };
const ANN = { subscriber: 'ann', address: '127.0.0.1' };
const NOBODY = { subscriber: undefined, address: '127.0.0.1' };
const ITEM = { topic: 'orders', type: 't', data: 1 };
/** A secret in the requests of these tests. No event may contain it. */
const SECRET = 's3cret';

const subscriber = ({ request }: { request: UserRequest }): string | undefined => request.headers['x-user'];
const OPEN = { subscriber, read: 'public', publish: 'public' } as const;
/** Every caller may use `orders`, and no other topic. */
const ORDERS = { subscriber, read: { orders: true }, publish: { orders: true } } as const;

const refused = (route: string, code: string | undefined, status: number, caller: object = ANN) => ({
  type: 'refused',
  at: expect.any(Date),
  route,
  code,
  status,
  ...caller,
});
const limited = (limit: string, route: string, code: string | undefined, status: number, caller: object = ANN) => ({
  ...refused(route, code, status, caller),
  type: 'limited',
  limit,
});

/** Collects the events of a service from now on. */
function watch(service: NotificationsService): SecurityEvent[] {
  const events: SecurityEvent[] = [];
  service.securityEvents.subscribe((event) => {
    expect(JSON.stringify(event)).not.toContain(SECRET);
    events.push(event);
  });
  return events;
}

function postTicket(app: TestApp, body: unknown, headers: Record<string, string> = AS_ANN): Promise<Message> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const json = { 'Content-Type': 'application/json', ...headers };
  return request(app, { method: 'POST', path: '/notifications/tickets', headers: json, body: text });
}

async function ticketOf(app: TestApp): Promise<string> {
  const { status, json } = await postTicket(app, { topics: ['orders'] });
  expect(status).toBe(201);
  return json.ticket as string;
}

forEachAdapter((adapter) => {
  const start = async (notifications: NotificationsOptions, more: AppOptions = {}) => {
    const app = await startApp(adapter, { notifications, ...more });
    return { app, events: watch(app.service) };
  };

  describe('a refusal is one event', () => {
    test('on every route has code, status and caller, and no data of the request', async () => {
      const { app, events } = await start({ access: ORDERS, tickets: {} });
      await poll(app, `topic=${SECRET}&wait=0`, AS_ANN);
      await poll(app, `topic=${SECRET}`, { ...AS_ANN, ...STREAM });
      await poll(app, `topic=${SECRET}`);
      await post(app, { ...ITEM, topic: SECRET }, AS_ANN);
      await postTicket(app, { topics: [SECRET] });
      await postTicket(app, { topics: ['orders'] }, {});
      expect(events).toEqual([
        refused('poll', 'forbidden', 403),
        refused('stream', 'forbidden', 403),
        refused('poll', 'forbidden', 403, NOBODY),
        refused('publish', 'forbidden', 403),
        refused('ticket', 'forbidden', 403),
        refused('ticket', 'forbidden', 403, NOBODY),
      ]);
    });

    test('of requests that are wrong, also where the body’s parser rejects them', async () => {
      const { app, events } = await start({ access: OPEN, tickets: {} });
      await poll(app, `topic=orders&cursor=${SECRET}`, AS_ANN);
      await poll(app, 'topic=orders', { ...AS_ANN, Accept: 'image/png' });
      await post(app, { ...ITEM, type: `${SECRET} ${SECRET}` }, AS_ANN);
      await post(app, ITEM, { ...AS_ANN, 'Content-Type': 'application/xml' });
      await post(app, `{"${SECRET}":`, AS_ANN);
      await postTicket(app, `{"${SECRET}":`);
      await postTicket(app, { [SECRET]: 1 });
      // Fastify parses no XML; the others leave the body to the guard, which knows the caller.
      const parserRejects = adapter.name === 'fastify';
      expect(events).toEqual([
        refused('poll', 'cursor_invalid', 400, NOBODY),
        refused('poll', 'not_acceptable', 406, NOBODY),
        refused('publish', 'type_invalid', 400),
        { ...refused('publish', 'media_type_unsupported', 415), subscriber: parserRejects ? undefined : 'ann' },
        refused('publish', 'body_invalid', 400, NOBODY),
        refused('ticket', 'body_invalid', 400, NOBODY),
        refused('ticket', 'body_invalid', 400),
      ]);
    });

    test('of a publish that fails after access was granted', async () => {
      const { app, events } = await start({ access: OPEN });
      const headers = { ...AS_ANN, 'Idempotency-Key': SECRET };
      await post(app, ITEM, headers);
      expect((await post(app, { ...ITEM, data: 2 }, headers)).status).toBe(409);
      expect(events).toEqual([refused('publish', 'id_reused', 409)]);
    });

    test('of other origins, before the caller is known', async () => {
      const { app, events } = await start({ access: OPEN, tickets: {}, origins: [] });
      const headers = { ...AS_ANN, Origin: `https://${SECRET}.example` };
      await poll(app, 'topic=orders', headers);
      await poll(app, 'topic=orders', { ...headers, ...STREAM });
      await post(app, ITEM, headers);
      await postTicket(app, {}, headers);
      const routes = ['poll', 'stream', 'publish', 'ticket'];
      expect(events).toEqual(routes.map((route) => refused(route, 'origin_forbidden', 403, NOBODY)));
    });

    test('of tickets: forged, spent, expired and revoked', async () => {
      let laterMs = 0;
      const clock = { ...systemClock, now: () => Date.now() + laterMs };
      const { app, events } = await start({ access: ORDERS, tickets: {}, clock });
      const use = async (ticket: string) => (await poll(app, `ticket=${ticket}`, STREAM)).json.code as string;
      await use(SECRET);
      const spent = await ticketOf(app);
      const stream = await SseReader.open(app, `ticket=${spent}`);
      await use(spent);
      await stream.close();
      const old = await ticketOf(app);
      laterMs = 60_000;
      await use(old);
      const revoked = await ticketOf(app);
      await app.service.revoke('ann');
      await use(revoked);
      expect(events).toEqual([
        refused('stream', 'ticket_invalid', 401, NOBODY),
        refused('stream', 'ticket_spent', 401),
        refused('stream', 'ticket_expired', 401),
        { type: 'revoked', at: expect.any(Date), subscriber: 'ann', topics: undefined },
        refused('stream', 'ticket_invalid', 401),
      ]);
      for (const ticket of [spent, old, revoked]) expect(JSON.stringify(events)).not.toContain(ticket.slice(0, 20));
    });

    test('when an access rule throws, on arrival and at delivery', async () => {
      let isBanned = true;
      const read = (): boolean => {
        if (isBanned) throw new ForbiddenException(SECRET);
        return true;
      };
      const { app, events } = await start({ access: { subscriber, read } });
      await poll(app, 'topic=orders&wait=0', AS_ANN);
      isBanned = false;
      const held = await holdPoll(app, 'topic=orders', AS_ANN);
      const stream = await SseReader.open(app, 'topic=orders', AS_ANN);
      await until(() => app.counts().waiters === 2);
      isBanned = true;
      await publish(app, 'orders');
      expect((await held.response()).status).toBe(403);
      await stream.rest();
      expect(app.logs.splice(0)).toEqual([expect.stringContaining('ForbiddenException')]);
      const [arrival, ...deliveries] = events;
      expect(arrival).toEqual(refused('poll', undefined, 403));
      expect(
        deliveries.sort((one, other) => ('route' in one && 'route' in other && one.route > other.route ? 1 : -1)),
      ).toEqual([refused('poll', undefined, 403), refused('stream', undefined, 403)]);
    });

    test('when an application has interceptors', async () => {
      const interceptor: NestInterceptor = { intercept: (_, next) => next.handle() };
      const notifications = { access: OPEN, limits: { waitersMax: 1 }, directLane: { grantMs: 0 } };
      const app = await startApp(adapter, {
        notifications,
        configure: (nest) => nest.useGlobalInterceptors(interceptor),
      });
      const events = watch(app.service);
      await holdPoll(app, 'topic=orders', AS_ANN);
      await poll(app, 'topic=orders', AS_ANN);
      await (await SseReader.open(app, 'topic=orders', AS_ANN)).rest();
      expect(events).toEqual([
        limited('limits.waitersMax', 'poll', 'waiters_too_many', 503),
        limited('limits.waitersMax', 'stream', 'waiters_too_many', 503),
      ]);
    });
  });

  describe('a reached limit emits an event with the name of the limit', () => {
    test.each([
      ['limits.waitersMax', { waitersMax: 1 }, 'waiters_too_many', 503],
      ['limits.waitersPerSubscriberMax', { waitersPerSubscriberMax: 1 }, 'subscriber_waiters_too_many', 429],
      ['limits.waitersPerAddressMax', { waitersPerAddressMax: 1 }, 'address_waiters_too_many', 429],
    ])('%s', async (name, limits, code, status) => {
      const { app, events } = await start({ access: OPEN, limits });
      await holdPoll(app, 'topic=orders', AS_ANN);
      await poll(app, 'topic=orders', AS_ANN);
      await (await SseReader.open(app, 'topic=orders', AS_ANN)).rest();
      expect(events).toEqual([limited(name, 'poll', code, status), limited(name, 'stream', code, status)]);
    });

    test('publish.perMinuteMax', async () => {
      const { app, events } = await start({ access: OPEN, publish: { perMinuteMax: 1 } });
      await post(app, ITEM, AS_ANN);
      await post(app, ITEM, AS_ANN);
      expect(events).toEqual([limited('publish.perMinuteMax', 'publish', 'publish_too_fast', 429)]);
    });

    test('tickets.perMinuteMax and tickets.usesPerMinuteMax', async () => {
      const tickets = { perMinuteMax: 2, usesPerMinuteMax: 1 };
      const { app, events } = await start({ access: ORDERS, tickets });
      const [first, second] = [await ticketOf(app), await ticketOf(app)];
      await postTicket(app, {});
      await SseReader.open(app, `ticket=${first}`);
      await (await SseReader.open(app, `ticket=${second}`)).rest();
      expect(events).toEqual([
        limited('tickets.perMinuteMax', 'ticket', 'tickets_too_fast', 429),
        limited('tickets.usesPerMinuteMax', 'stream', 'tickets_too_fast', 429),
      ]);
    });
  });

  describe('disconnecting a client emits an event', () => {
    const cut = { type: 'cut', at: expect.any(Date), limit: 'stream.unreadMsMax', ...ANN };

    test('on a stream', async () => {
      const { app, events } = await start({ access: OPEN, stream: { unreadMsMax: 300 } });
      const stalled = await SseReader.open(app, 'topic=orders', AS_ANN);
      await stalled.opening();
      stalled.connection.socket.pause();
      await backUp(app);
      await until(() => app.counts().waiters === 0);
      expect(events).toEqual([{ ...cut, route: 'stream', unreadBytes: expect.any(Number) }]);
      expect((events[0] as { unreadBytes: number }).unreadBytes).toBeGreaterThan(60_000);
    });

    test('on a poll', async () => {
      const limits = { pageBytesMax: 16 * 1024 * 1024, unreadBytesMax: 256 * 1024 * 1024 };
      const { app, events } = await start({ access: OPEN, stream: { unreadMsMax: 300 }, limits });
      const data = 'x'.repeat(60_000);
      for (let count = 0; count < 150; count++) await app.service.publish('orders', { type: 't', data });
      const connection = await Connection.open(app);
      connection.socket.pause();
      connection.send({ path: '/notifications?topic=orders&cursor=earliest&limit=1000', headers: AS_ANN });
      await until(() => app.counts().unreadConnections > 0);
      await until(() => app.sockets.size === 0);
      expect(events).toEqual([{ ...cut, route: 'poll', unreadBytes: expect.any(Number) }]);
    });
  });

  test('a revocation is an event on the node that revokes, once it is in the log', async () => {
    const { app, events } = await start({ access: OPEN });
    const worker = await startApp(adapter, {
      imports: [NotificationsModule.forRoot({ publishOnly: true })],
    });
    const ofWorker = watch(worker.service);
    await app.service.revoke('ann', ['orders']);
    await worker.service.revoke('bob');
    expect(events).toEqual([{ type: 'revoked', at: expect.any(Date), subscriber: 'ann', topics: ['orders'] }]);
    expect(ofWorker).toEqual([{ type: 'revoked', at: expect.any(Date), subscriber: 'bob', topics: undefined }]);
  });

  describe('cases without an event', () => {
    test('a refusal by a guard of the application, a request that is served, or an error in process', async () => {
      class Guard implements CanActivate {
        canActivate(): boolean {
          if (isClosed) throw new UnauthorizedException();
          return true;
        }
      }
      let isClosed = true;
      const app = await startApp(adapter, {
        notifications: { access: OPEN, guards: [Guard], limits: { waitersMax: 1 } },
      });
      const events = watch(app.service);
      expect((await poll(app, 'topic=orders', AS_ANN)).status).toBe(401);
      isClosed = false;
      expect((await poll(app, 'topic=orders&wait=0', AS_ANN)).status).toBe(200);
      expect((await post(app, ITEM, AS_ANN)).status).toBe(201);
      await expect(app.service.publish('no topic', { type: 't', data: 1 })).rejects.toMatchObject({
        code: 'topic_invalid',
      });
      await holdPoll(app, 'topic=orders', AS_ANN);
      const error = new Promise((_, reject) => {
        app.service.poll({ topics: ['orders'] }).subscribe({ error: reject });
      });
      await expect(error).rejects.toMatchObject({ code: 'waiters_too_many' });
      expect(events).toEqual([]);
    });

    test('a failure of the store or of a rule, or a shutdown', async () => {
      const failure = new NotificationsError('store_unavailable', 'the engine has failed');
      let isFailing = false;
      const store: StoreFactory = async (runtime) => {
        const memory = await memoryStore()(runtime);
        const append = memory.append.bind(memory);
        return Object.assign(memory, {
          append: (drafts: Parameters<typeof append>[0]) => (isFailing ? Promise.reject(failure) : append(drafts)),
        });
      };
      let open = (): void => undefined;
      const opened = new Promise<void>((resolve) => (open = resolve));
      let isClosing = false;
      let isWaiting = false;
      const read = async (): Promise<boolean> => {
        if (isFailing) throw new TypeError('a defect of the application');
        isWaiting = isClosing;
        if (isClosing) await opened;
        return true;
      };
      const { app, events } = await start({ access: { ...OPEN, read }, store });
      let completed = false;
      app.service.securityEvents.subscribe({ complete: () => (completed = true) });
      isFailing = true;
      expect((await post(app, ITEM, AS_ANN)).status).toBe(503);
      await expect(app.service.revoke('ann')).rejects.toMatchObject({ code: 'store_unavailable' });
      expect((await poll(app, 'topic=orders', AS_ANN)).status).toBe(500);
      expect(app.logs.splice(0)).toEqual([expect.stringContaining('a defect of the application')]);
      isFailing = false;
      const [held, late] = [await holdPoll(app, 'topic=orders', AS_ANN), await Connection.open(app)];
      // The access check of this request is in progress when the shutdown begins.
      isClosing = true;
      late.send({ path: '/notifications?topic=orders', headers: AS_ANN });
      await until(() => isWaiting);
      const closed = app.close();
      await held.response();
      open();
      expect((await late.response()).status).toBe(503);
      await closed;
      expect([events, completed]).toEqual([[], true]);
    });
  });

  test('a listener that throws changes no answer', async () => {
    const { app, events } = await start({ access: ORDERS });
    app.service.securityEvents.subscribe(() => {
      throw new Error('of a listener');
    });
    const { status, json } = await poll(app, 'topic=other', AS_ANN);
    expect([status, json.code]).toEqual([403, 'forbidden']);
    expect((await poll(app, 'topic=orders&wait=0', AS_ANN)).status).toBe(200);
    expect(events).toHaveLength(1);
    expect(app.logs.splice(0)).toEqual([expect.stringContaining('A listener of an Observable of this library failed')]);
  });

  test('each feed has its own events, those of the body’s parser too', async () => {
    @Module({
      imports: [
        NotificationsModule.forRoot({ access: ORDERS }),
        NotificationsModule.forRoot({ access: ORDERS, name: 'other', path: 'team/notifications' }),
      ],
    })
    class Feeds {}
    const app = await startApp(adapter, { imports: [Feeds], configure: (nest) => nest.setGlobalPrefix('api') });
    const other = app.nest.get<NotificationsService>(getNotificationsToken('other'), { strict: false });
    const [events, ofOther] = [watch(app.service), watch(other)];
    for (const path of ['/api/team/notifications', '/api/notifications']) {
      await request(app, { path: `${path}?topic=x`, headers: AS_ANN });
      await request(app, { method: 'POST', path, headers: { 'Content-Type': 'application/json' }, body: '{' });
    }
    const expected = [refused('poll', 'forbidden', 403), refused('publish', 'body_invalid', 400, NOBODY)];
    expect(events).toEqual(expected);
    expect(ofOther).toEqual(expected);
  });

  describe('on the direct lane', () => {
    test('a rule that throws at delivery emits one event, and so does a reached limit', async () => {
      let isBanned = false;
      const read = (): boolean => {
        if (isBanned) throw new ForbiddenException();
        return true;
      };
      const options = { ...LANE, access: { subscriber, read }, limits: { waitersPerSubscriberMax: 2 } };
      const { app, wholeWays } = await startCounting(adapter, options);
      const events = watch(app.service);
      const poller = await Poller.open(app, AS_ANN);
      await poller.turns(2);
      poller.send();
      await until(() => app.counts().waiters === 1);
      isBanned = true;
      await publish(app, 'orders');
      expect((await poller.connection.response()).status).toBe(403);
      expect(wholeWays()).toBe(2);
      expect(events.splice(0)).toEqual([refused('poll', undefined, 403)]);
      isBanned = false;
      for (let count = 0; count < 2; count++) await holdPoll(app, 'topic=others', AS_ANN);
      poller.cursor = app.service.cursor();
      expect((await poller.answer()).status).toBe(429);
      const expected = limited('limits.waitersPerSubscriberMax', 'poll', 'subscriber_waiters_too_many', 429);
      expect(events.splice(0)).toEqual([expected]);
    });

    test('a client that does not read is cut, with its caller', async () => {
      const limits = { pageBytesMax: 16 * 1024 * 1024, unreadBytesMax: 256 * 1024 * 1024 };
      const access = { subscriber, read: 'public' } as const;
      const options = { ...LANE, access, limits, stream: { unreadMsMax: 300 }, poll: { limit: 1_000 } };
      const { app, wholeWays } = await startCounting(adapter, options);
      const events = watch(app.service);
      const poller = await Poller.open(app, AS_ANN);
      const start = poller.cursor;
      await poller.turns(2);
      const data = 'x'.repeat(60_000);
      for (let count = 0; count < 150; count++) await app.service.publish('orders', { type: 't', data });
      poller.cursor = start;
      poller.connection.socket.pause();
      poller.send();
      await until(() => app.sockets.size === 0);
      expect(wholeWays()).toBe(2);
      expect(events).toEqual([
        {
          type: 'cut',
          at: expect.any(Date),
          limit: 'stream.unreadMsMax',
          route: 'poll',
          unreadBytes: expect.any(Number),
          ...ANN,
        },
      ]);
    });
  });
});
