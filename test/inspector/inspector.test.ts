import { describe, expect, test } from '@jest/globals';
import {
  type CanActivate,
  type ExecutionContext,
  Inject,
  Injectable,
  Module,
  Scope,
  UnauthorizedException,
  VersioningType,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { NotificationsModule, type NotificationsOptions } from 'nest-notifications';
import {
  type InspectorModuleExtras,
  type InspectorOptions,
  type InspectorState,
  NotificationsInspectorModule,
} from 'nest-notifications/inspector';
import { type Adapter, forEachAdapter } from '../support/http/adapters.js';
import { type AppOptions, OPEN, startApp, type TestApp } from '../support/http/app.js';
import { request } from '../support/http/connection.js';
import { backUp, holdPoll, poll, publish } from '../support/http/feed.js';
import { SseReader } from '../support/http/sse.js';
import { ManualClock } from '../../src/testing/index.js';

type Given = Partial<InspectorOptions & InspectorModuleExtras>;

const PATH = '/notifications-inspector';
const ADMIN = { authorization: 'admin' };

/** Accepts the credentials of an administrator only. */
@Injectable()
class AdminGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
    if (headers.authorization === undefined) throw new UnauthorizedException();
    return headers.authorization === 'admin';
  }
}

interface Setup extends Omit<AppOptions, 'notifications'> {
  readonly notifications?: NotificationsOptions;
  readonly inspector?: Given;
}

function start(adapter: Adapter, { notifications = OPEN, inspector, imports = [], ...rest }: Setup = {}) {
  const page = NotificationsInspectorModule.forRoot({ guards: [AdminGuard], ...inspector });
  return startApp(adapter, {
    ...rest,
    imports: [NotificationsModule.forRoot(notifications), ...imports, page],
  });
}

const get = (app: TestApp, path = '/state', headers: Record<string, string> = ADMIN) =>
  request(app, { path: `${PATH}${path}`, headers });

async function stateOf(app: TestApp, query = ''): Promise<InspectorState> {
  const { status, json } = await get(app, `/state${query}`);
  expect(status).toBe(200);
  return json as unknown as InspectorState;
}

forEachAdapter((adapter) => {
  describe('the routes of the inspector', () => {
    test.each(['', '/state', '/explain?id=a', '/inspector.js', '/inspector.css'])('have guards: %s', async (path) => {
      const app = await start(adapter);
      expect((await get(app, path, {})).status).toBe(401);
      expect((await get(app, path, { authorization: 'user' })).status).toBe(403);
      expect((await get(app, path)).status).toBe(200);
    });

    test.each([
      ['', 'text/html'],
      ['/inspector.js', 'text/javascript'],
      ['/inspector.css', 'text/css'],
      ['/state', 'application/json'],
      ['/explain?id=a', 'application/json'],
    ])('have strict headers: %s', async (path, type) => {
      const app = await start(adapter);
      const answer = await get(app, path);
      expect(answer.header('content-type')).toBe(`${type}; charset=utf-8`);
      expect(answer.header('cache-control')).toBe('no-store');
      expect(answer.header('x-content-type-options')).toBe('nosniff');
      const policy = answer.header('content-security-policy') ?? '';
      for (const rule of ["default-src 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"]) {
        expect(policy).toContain(rule);
      }
      expect(policy).not.toContain('unsafe');
    });

    test('serve a page without inline code, whose files are beside it', async () => {
      const app = await start(adapter, {
        inspector: { path: '/ops/feeds/' },
        configure: (nest) => nest.setGlobalPrefix('api'),
      });
      const { text } = await request(app, { path: '/api/ops/feeds', headers: ADMIN });
      expect(text).not.toMatch(/<script(?![^>]*\bsrc=)|\bstyle=|<style|\bon\w+=/);
      const files = [...text.matchAll(/(?:src|href)="(?!data:)([^"]+)"/g)].map(([, name]) => name!);
      expect(files.length).toBeGreaterThanOrEqual(2);
      for (const name of files) {
        const { pathname } = new URL(name, 'http://localhost/api/ops/feeds');
        expect((await request(app, { path: pathname, headers: ADMIN })).status).toBe(200);
      }
    });

    test('have a version', async () => {
      const app = await start(adapter, {
        inspector: { version: '2' },
        configure: (nest) => nest.enableVersioning({ type: VersioningType.URI }),
      });
      expect((await request(app, { path: `/v2${PATH}/state`, headers: ADMIN })).status).toBe(200);
    });

    test('are not in the OpenAPI document', async () => {
      const app = await start(adapter);
      const { paths } = SwaggerModule.createDocument(app.nest, new DocumentBuilder().build());
      expect(Object.keys(paths).filter((path) => path.includes('inspector'))).toEqual([]);
    });

    test('accept guards that are request-scoped and inject providers of another module', async () => {
      class Admins {
        readonly names = ['admin'];
      }
      @Module({ providers: [Admins], exports: [Admins] })
      class AdminsModule {}
      @Injectable({ scope: Scope.REQUEST })
      class InjectedGuard implements CanActivate {
        constructor(
          @Inject(Admins) private readonly admins: Admins,
          @Inject(REQUEST) private readonly request: { headers: Record<string, string> },
        ) {}

        canActivate(): boolean {
          return this.admins.names.includes(this.request.headers.authorization ?? '');
        }
      }
      const app = await start(adapter, { inspector: { guards: [InjectedGuard], imports: [AdminsModule] } });
      expect((await get(app)).status).toBe(200);
      expect((await get(app, '/state', { authorization: 'user' })).status).toBe(403);
    });
  });

  describe('wrong requests', () => {
    test.each([
      ['/state?feed=other', 404, 'feed_unknown', 'feed'],
      ['/state?feed=default&feed=default', 404, 'feed_unknown', 'feed'],
      ['/explain', 400, 'id_invalid', 'id'],
      [`/explain?id=${'a'.repeat(201)}`, 400, 'id_invalid', 'id'],
      ['/explain?id=a&id=b', 400, 'id_invalid', 'id'],
      ['/explain?id=%3Cscript%3E', 400, 'id_invalid', 'id'],
      ['/explain?id=a&topic=$revoked', 400, 'topic_invalid', 'topic'],
      [`/explain?id=a&subscriber=${'a'.repeat(201)}`, 400, 'subscriber_invalid', 'subscriber'],
      ['/explain?id=a&data=yes', 400, 'option_invalid', 'data'],
      ['/explain?id=a&feed=__proto__', 404, 'feed_unknown', 'feed'],
    ])('are rejected: %s', async (path, status, code, field) => {
      const app = await start(adapter);
      const answer = await get(app, path);
      expect([answer.status, answer.json.code, answer.json.field]).toEqual([status, code, field]);
      expect(answer.header('cache-control')).toBe('no-store');
      expect(answer.header('notifications-error')).toBe(code);
    });

    test('without a feed are rejected if the application has several feeds', async () => {
      const app = await start(adapter, { imports: [NotificationsModule.forRoot({ ...OPEN, name: 'audit' })] });
      const { status, json } = await get(app, '/explain?id=a');
      expect([status, json.message]).toEqual([404, 'feed must be one of: default, audit']);
      expect((await get(app, '/explain?id=a&feed=audit')).status).toBe(200);
    });
  });

  describe('the state', () => {
    test('has waiters, topics and rates of a feed', async () => {
      const clock = new ManualClock();
      const app = await start(adapter, { notifications: { ...OPEN, clock } });
      await stateOf(app);
      const held = await holdPoll(app, 'topic=orders');
      const stream = await SseReader.open(app, 'topic=orders');
      await stream.opening();
      await publish(app, 'orders', 10);
      await clock.settle();
      await held.response();
      await stream.notifications(10);
      await poll(app, 'topic=');
      await clock.advance(5_000);
      const [feed] = (await stateOf(app)).feeds;
      expect(feed).toMatchObject({
        name: 'default',
        health: 'ready',
        publishOnly: false,
        waiters: { poll: 0, stream: 1, history: 0 },
        topics: 1,
        window: { entries: 10 },
        now: { published: 2, waiters: 1, refusals: 0.2, tailLagMs: 0, deliveryP50Ms: expect.any(Number) },
        refusals: [{ code: 'topic_invalid', count: 1 }],
        topTopics: {
          byPublishes: [{ topic: 'orders', publishesPerMinute: 10, waiters: 1 }],
          byWaiters: [{ topic: 'orders', publishesPerMinute: 10, waiters: 1 }],
          complete: true,
        },
        store: { calls: expect.arrayContaining([expect.objectContaining({ operation: 'append', count: 10 })]) },
      });
      expect(feed!.now.delivered).toBeGreaterThanOrEqual(2);
      expect(feed!.series.published).toEqual([2]);
    });

    test('is computed once a second for all callers', async () => {
      const clock = new ManualClock();
      const app = await start(adapter, { notifications: { ...OPEN, clock } });
      const { time } = await stateOf(app);
      await clock.advance(999);
      expect((await stateOf(app)).time).toBe(time);
      await clock.advance(1);
      expect((await stateOf(app)).time).not.toBe(time);
    });

    test('the state and an explanation name the subscriber of a waiter', async () => {
      const subscriber = ({ request: { headers } }: { request: { headers: Record<string, string> } }) => headers.user;
      const app = await start(adapter, { notifications: { access: { subscriber, read: 'public' } } });
      await stateOf(app);
      const stream = await SseReader.open(app, 'topic=orders', { user: 'ann' });
      await stream.opening();
      const { ids } = await app.service.publish('orders', { type: 'numbered', data: { n: 1 } });
      await stream.notifications(1);
      const { json } = await get(app, `/explain?id=${ids[0]}&subscriber=ann&topic=`);
      expect(json).toMatchObject({
        access: { subscriber: 'ann', allowed: 'yes', waiters: 1 },
        deliveries: { recorded: 'complete', list: [{ transport: 'stream', subscriber: 'ann' }] },
      });
    });

    test('lists clients that do not read', async () => {
      const app = await start(adapter, {
        notifications: { access: { subscriber: () => 'ann', read: 'public' }, stream: { unreadBytesMax: 1_024 } },
      });
      const stream = await SseReader.open(app, 'topic=orders,other');
      await stream.opening();
      stream.connection.socket.pause();
      await backUp(app);
      const { slowReaders } = (await stateOf(app)).feeds[0]!;
      expect(slowReaders).toMatchObject({
        connections: 1,
        list: [{ subscriber: 'ann', transport: 'stream', topics: 2, unreadBytes: expect.any(Number) }],
      });
    });
  });
});
