import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Controller, type DynamicModule, Get, Inject, Injectable, Module, VersioningType } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import {
  getNotificationsToken,
  InjectNotifications,
  memoryStore,
  NotificationsModule,
  NotificationsService,
  type StoreFactory,
} from 'nest-notifications';
import { InboxModule } from 'nest-notifications/inbox';
import type { Store } from 'nest-notifications/store';
import { sqliteStore } from 'nest-notifications/stores/sqlite';
import { NotificationsHealthIndicator } from 'nest-notifications/terminus';
import { type Adapter, express, forEachAdapter, ONE_ADAPTER } from '../support/http/adapters.js';
import { type AppOptions, OPEN, startApp, type TestApp } from '../support/http/app.js';
import { atTestEnd } from '../support/http/cleanup.js';
import { Connection, request, type Target } from '../support/http/connection.js';
import { until } from '../support/time/until.js';
import { watchedStore } from '../support/watched-store.js';

const { forRoot, forRootAsync } = {
  forRoot: NotificationsModule.forRoot.bind(NotificationsModule),
  forRootAsync: NotificationsModule.forRootAsync.bind(NotificationsModule),
};

@Injectable()
class Publisher {
  constructor(
    @Inject(NotificationsService) readonly main: NotificationsService,
    @InjectNotifications('telemetry') readonly telemetry: NotificationsService,
  ) {}
}

@Controller('ready')
class ReadyController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(NotificationsHealthIndicator) private readonly notifications: NotificationsHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  ready() {
    return this.health.check([
      () => this.notifications.isReady(),
      () => this.notifications.isReady('telemetry', 'telemetry'),
    ]);
  }
}

async function topicsAt(target: Target, path: string, query = 'topic=a,b&cursor=earliest&wait=0'): Promise<string[]> {
  const { json } = await request(target, { path: `${path}?${query}` });
  return (json.notifications as { topic: string }[]).map(({ topic }) => topic);
}

forEachAdapter((adapter) => {
  const start = (imports: DynamicModule[], options: AppOptions = {}): Promise<TestApp> =>
    startApp(adapter, { ...options, imports: [...imports, ...(options.imports ?? [])] });

  describe('an application with two feeds', () => {
    test('gives each its own service, log and path', async () => {
      const app = await start([forRoot(OPEN), forRoot({ ...OPEN, name: 'telemetry' })], { providers: [Publisher] });
      const { main, telemetry } = app.nest.get(Publisher);
      await main.publish('a', { type: 't', data: 1 });
      await telemetry.publish('b', { type: 't', data: 1 });
      expect(await topicsAt(app, '/notifications')).toEqual(['a']);
      expect(await topicsAt(app, '/notifications/telemetry')).toEqual(['b']);
      expect(app.nest.get(NotificationsService)).toBe(main);
      expect(app.nest.get(getNotificationsToken('telemetry'))).toBe(telemetry);
    });

    test('may name both, configure both later, and make one of them global', async () => {
      const app = await startApp(adapter, {
        imports: [
          forRootAsync({ name: 'a', path: 'one', useFactory: () => OPEN }),
          forRootAsync({ name: 'telemetry', isGlobal: true, useFactory: () => ({ access: 'public' as const }) }),
          forRoot(OPEN),
          InjectingModule,
        ],
      });
      await app.nest.get(Reader, { strict: false }).telemetry.publish('b', { type: 't', data: 1 });
      expect(await topicsAt(app, '/notifications/telemetry')).toEqual(['b']);
      expect(await topicsAt(app, '/one')).toEqual([]);
      const body = JSON.stringify({ topic: 'b', type: 't', data: 1 });
      const headers = { 'Content-Type': 'application/json' };
      const forbidden = await request(app, { method: 'POST', path: '/notifications/telemetry', headers, body });
      expect(forbidden.json.code).toBe('forbidden');
      expect((await request(app, { method: 'POST', path: '/one', headers, body })).status).toBe(201);
    });

    test('a feed that is not global is not injected where its module is not imported', async () => {
      const imports = [forRoot({ name: 'telemetry' }), InjectingModule];
      await expect(startApp(adapter, { imports })).rejects.toThrow(/NotificationsService\(telemetry\)/);
    });

    test('keeps counts apart, and answers the waiters of both at shutdown', async () => {
      const app = await start([forRoot(OPEN), forRoot({ ...OPEN, name: 'telemetry' })], { providers: [Publisher] });
      const { main, telemetry } = app.nest.get(Publisher);
      const held = await Promise.all(['/notifications', '/notifications/telemetry'].map(() => Connection.open(app)));
      held[0]?.send({ path: '/notifications?topic=a' });
      held[1]?.send({ path: '/notifications/telemetry?topic=a' });
      await until(() => main.counts().waiters === 1 && telemetry.counts().waiters === 1);
      await app.close();
      for (const connection of held) expect((await connection.response()).json.notifications).toEqual([]);
      expect(await Promise.all([main.health(), telemetry.health()])).toEqual(['draining', 'draining']);
    });

    test('keeps revocations apart', async () => {
      const read = { read: 'public', publish: 'public', subscriber: () => 'ann' } as const;
      const imports = [forRoot({ access: read }), forRoot({ access: read, name: 'telemetry' })];
      const app = await start(imports, { providers: [Publisher] });
      const { main, telemetry } = app.nest.get(Publisher);
      await main.revoke('ann');
      for (const path of ['/notifications', '/notifications/telemetry']) expect(await topicsAt(app, path)).toEqual([]);
      await telemetry.revoke('ann');
      await telemetry.revoke('ann');
      for (const path of ['/notifications', '/notifications/telemetry']) expect(await topicsAt(app, path)).toEqual([]);
    });

    test('reports the health of each', async () => {
      let telemetryStore: Store | undefined;
      const store = async (runtime: Parameters<ReturnType<typeof memoryStore>>[0]) =>
        (telemetryStore = await memoryStore()(runtime));
      const imports = [forRoot(OPEN), forRoot({ name: 'telemetry', store }), TerminusModule.forRoot({ logger: false })];
      const app = await start(imports, { controllers: [ReadyController], providers: [NotificationsHealthIndicator] });
      expect((await request(app, { path: '/ready' })).json.info).toMatchObject({ telemetry: { status: 'up' } });
      await telemetryStore?.close();
      expect((await request(app, { path: '/ready' })).json).toMatchObject({
        info: { notifications: { status: 'up' } },
        error: { telemetry: { status: 'down', reason: 'store_unavailable' } },
      });
    });

    test('serves both under a global prefix and version, with the library’s own errors and headers', async () => {
      const app = await start(
        [forRoot({ ...OPEN, version: '2' }), forRoot({ ...OPEN, name: 'b', version: ['2', '3'] })],
        {
          configure: (nest) => nest.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI }),
        },
      );
      for (const path of ['/api/v2/notifications', '/api/v2/notifications/b', '/api/v3/notifications/b']) {
        expect(await topicsAt(app, path)).toEqual([]);
        const headers = { 'Content-Type': 'application/json' };
        const broken = await request(app, { method: 'POST', path, headers, body: '{' });
        expect([broken.json.code, broken.header('cache-control')]).toEqual([
          'body_invalid',
          expect.stringContaining('no-store'),
        ]);
      }
    });

    test('adds its hooks to the framework once', async () => {
      const count = async (imports: DynamicModule[]): Promise<number> => {
        let hooks = 0;
        const counting: Adapter = {
          ...adapter,
          create: async (module, options) => {
            const nest = await adapter.create(module, options);
            const http = nest.getHttpAdapter();
            if (http.getType() === 'fastify') {
              const fastify: { addHook: (...parts: unknown[]) => unknown } = http.getInstance();
              const addHook = fastify.addHook.bind(fastify);
              fastify.addHook = (...parts) => (hooks++, addHook(...parts));
            }
            return nest;
          },
        };
        const app = await startApp(counting, { imports });
        await app.close();
        return hooks;
      };
      const one = await count([forRoot(OPEN)]);
      expect(await count([forRoot(OPEN), forRoot({ ...OPEN, name: 'b' }), forRoot({ ...OPEN, name: 'c' })])).toBe(one);
    });

    test('has one feed if the same dynamic module is imported twice', async () => {
      const feed = forRoot(OPEN);
      @Module({ imports: [feed] })
      class OtherModule {}
      const app = await startApp(adapter, { imports: [feed, OtherModule] });
      expect(await topicsAt(app, '/notifications')).toEqual([]);
    });
  });

  describe('a start fails, and says what to do, if two feeds', () => {
    test.each([
      [
        'have no name',
        [{}, {}],
        /two feeds have no name\. To use one feed .*, call forRoot once with isGlobal: true\. .* forRoot\(\{ name \}\)/,
      ],
      ['have one name', [{ name: 'b' }, { name: 'b', path: 'c' }], /two feeds have the name "b"/],
      [
        'have one path',
        [{ path: 'Feed' }, { name: 'b', path: '/feed/' }],
        /the feed without a name and the feed "b" both serve \/feed\. Give one of them another path/,
      ],
      ['have the path of tickets', [{}, { name: 'tickets' }], /both serve \/notifications\/tickets/],
      [
        'have the path of the client',
        [{ serveClient: true }, { name: 'b', path: 'notifications/client.js' }],
        /both serve \/notifications\/client\.js/,
      ],
      [
        'have the path of the element',
        [{ serveClient: true }, { name: 'b', path: 'notifications/client/inbox-element.js' }],
        /both serve \/notifications\/client\/inbox-element\.js/,
      ],
      [
        'have one path, and the application does not use versioning',
        [{ version: '1' }, { name: 'b', path: 'notifications', version: '2' }],
        /both serve/,
      ],
    ])('%s', async (_, options, message) => {
      const { store, log } = watchedStore();
      const imports = options.map((feed) => forRoot({ ...feed, store }));
      await expect(startApp(adapter, { imports })).rejects.toThrow(message);
      if (/have (no|one) name/.test(_)) expect(log.opened).toBe(0);
    });

    test('use one log, which is closed again', async () => {
      const { store, log } = watchedStore();
      let one: ReturnType<typeof store> | undefined;
      const shared: typeof store = (runtime) => (one ??= store(runtime));
      const imports = [forRoot({ store: shared }), forRoot({ name: 'b', store: shared })];
      await expect(startApp(adapter, { imports })).rejects.toThrow(/use the same log.*redisStore: prefix/);
      expect(log).toMatchObject({ opened: 1, open: 0 });
    });

    test.each([
      ['for reads', (store: StoreFactory) => forRoot({ name: 'b', store })],
      ['with publishOnly', (store: StoreFactory) => forRoot({ name: 'b', store, publishOnly: true })],
      ['of an inbox', (store: StoreFactory) => InboxModule.forRoot({ access: { subscriber: () => 'ann' }, store })],
    ])('open one SQLite file, and the second one is a feed %s', async (_, second) => {
      const folder = await mkdtemp(join(tmpdir(), 'one-log-'));
      atTestEnd(() => rm(folder, { recursive: true, force: true }));
      const store = sqliteStore({ path: join(folder, 'log.db') });
      await expect(startApp(adapter, { imports: [forRoot({ store }), second(store)] })).rejects.toThrow(
        /use the same log.*sqliteStore: path/,
      );
    });

    test('have the same path and version', async () => {
      const imports = [forRoot({ version: '1' }), forRoot({ name: 'b', path: 'notifications', version: ['1', '2'] })];
      const configure: AppOptions['configure'] = (nest) => nest.enableVersioning({ type: VersioningType.URI });
      await expect(startApp(adapter, { imports, configure })).rejects.toThrow(/both serve/);
    });
  });

  test('two feeds may share a path with different versions', async () => {
    const imports = [
      forRoot({ ...OPEN, version: '1' }),
      forRoot({ ...OPEN, name: 'b', path: 'notifications', version: '2' }),
    ];
    const configure: AppOptions['configure'] = (nest) => nest.enableVersioning({ type: VersioningType.URI });
    const app = await startApp(adapter, { imports, configure });
    await app.nest.get<NotificationsService>(getNotificationsToken('b')).publish('b', { type: 't', data: 1 });
    expect(await topicsAt(app, '/v1/notifications')).toEqual([]);
    expect(await topicsAt(app, '/v2/notifications')).toEqual(['b']);
  });

  test('the module without options says how to import it', async () => {
    await expect(startApp(adapter, { imports: [NotificationsModule] })).rejects.toThrow(
      /NotificationsModule is imported without options\. Import NotificationsModule\.forRoot\(…\) once, with isGlobal/,
    );
  });

  test.each([[''], ['a.b'], ['a/b'], [7]])('a name %j is rejected', (name) => {
    expect(() => forRoot({ name: name as string })).toThrow(
      /option name is .*; it must be one or more characters, each a letter, a digit, - or _/,
    );
  });
}, ONE_ADAPTER);

@Injectable()
class Reader {
  constructor(@InjectNotifications('telemetry') readonly telemetry: NotificationsService) {}
}

@Module({ providers: [Reader] })
class InjectingModule {}

test('each feed has its own direct lane, also on one connection', async () => {
  const lane = { directLane: { grantMs: 30_000 } };
  let whole = 0;
  const app = await startApp(express, {
    imports: [forRoot({ ...OPEN, ...lane }), forRoot({ ...OPEN, ...lane, name: 'telemetry' })],
    providers: [Publisher],
    configure: (nest) =>
      nest.use((_request: unknown, _response: unknown, next: () => void) => {
        whole++;
        next();
      }),
  });
  const { main, telemetry } = app.nest.get(Publisher);
  const connection = await Connection.open(app);
  const cursors = new Map([
    [main, main.cursor()],
    [telemetry, telemetry.cursor()],
  ]);
  const turn = async (service: NotificationsService, n: number): Promise<void> => {
    const path = service === main ? '/notifications' : '/notifications/telemetry';
    await service.publish('a', { type: 't', data: n });
    connection.send({ path: `${path}?topic=a&cursor=${cursors.get(service)}` });
    const { json } = await connection.response();
    expect(json.notifications).toMatchObject([{ data: n }]);
    cursors.set(service, json.cursor as string);
  };
  for (let n = 0; n < 5; n++) await turn(main, n);
  const first = whole;
  expect(first).toBeLessThan(5);
  for (let n = 0; n < 5; n++) await turn(telemetry, n);
  expect(whole - first).toBeLessThan(5);
  for (let n = 5; n < 15; n++) await turn(n % 2 ? main : telemetry, n);
  for (let n = 15; n < 20; n++) await turn(main, n);
  await connection.destroy();
  await app.close();
});
