import { describe, expect, test } from '@jest/globals';
import {
  type CanActivate,
  type DynamicModule,
  type ExecutionContext,
  Inject,
  Injectable,
  Module,
  VersioningType,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  memoryStore,
  NotificationsModule,
  type NotificationsOptions,
  type NotificationsOptionsFactory,
  NotificationsService,
} from 'nest-notifications';
import { ADAPTERS, forEachAdapter } from '../support/http/adapters.js';
import { OPEN, startApp } from '../support/http/app.js';
import { request } from '../support/http/connection.js';
import { poll, post } from '../support/http/feed.js';

const QUERY = '?topic=orders&wait=0';

@Injectable()
class Config {
  readonly topicsMax = 1;
}

@Module({ providers: [Config], exports: [Config] })
class ConfigModule {}

@Injectable()
class Factory implements NotificationsOptionsFactory {
  constructor(@Inject(Config) private readonly config: Config) {}

  createNotificationsOptions(): NotificationsOptions {
    return { access: 'public', limits: { topicsMax: this.config.topicsMax } };
  }
}

@Module({ imports: [ConfigModule], providers: [Factory], exports: [Factory] })
class FactoryModule {}

const fromConfig = ({ topicsMax }: Config): NotificationsOptions => ({ access: 'public', limits: { topicsMax } });

const ASYNC: [how: string, module: () => DynamicModule][] = [
  [
    'useFactory',
    () => NotificationsModule.forRootAsync({ imports: [ConfigModule], inject: [Config], useFactory: fromConfig }),
  ],
  [
    'a useFactory that promises',
    () =>
      NotificationsModule.forRootAsync({
        imports: [ConfigModule],
        inject: [Config],
        useFactory: async (config: Config) => fromConfig(config),
      }),
  ],
  ['useClass', () => NotificationsModule.forRootAsync({ imports: [ConfigModule], useClass: Factory })],
  ['useExisting', () => NotificationsModule.forRootAsync({ imports: [FactoryModule], useExisting: Factory })],
];

const WRONG: [options: unknown, message: RegExp][] = [
  [{ poll: { waitMs: -1 } }, /option poll\.waitMs is -1; it must be a whole number from 0 to 300000/],
  [{ poll: { waitMs: '25s' } }, /option poll\.waitMs is the string "25s"; it must be a whole number/],
  [{ poll: { waitMs: Number.NaN } }, /option poll\.waitMs is NaN; it must be a whole number/],
  [{ poll: { waitMs: 60_000 } }, /option poll\.waitMs is 60000; it must be at most poll\.waitMsMax, which is 55000/],
  [{ poll: { limit: 1.5 } }, /option poll\.limit is 1\.5; it must be a whole number from 1 to 10000/],
  [{ poll: { limit: 2000 } }, /option poll\.limit is 2000; it must be at most poll\.limitMax, which is 1000/],
  [{ poll: { wait: 5 } }, /there is no option poll\.wait/],
  [{ poll: 5 }, /option poll is 5; it must be an object/],
  [{ stream: { heartbeatMs: 99 } }, /option stream\.heartbeatMs is 99; it must be a whole number from 100 to 300000/],
  [{ stream: { lifetimeMs: 0 } }, /option stream\.lifetimeMs is 0; it must be a whole number from 1000/],
  [{ publish: { notificationBytesMax: 1 } }, /option publish\.notificationBytesMax is 1; it must be/],
  [{ window: { count: 0 } }, /option window\.count is 0; it must be a whole number from 1/],
  [{ limits: { waitersMax: Infinity } }, /option limits\.waitersMax is Infinity; it must be/],
  [{ acces: 'public' }, /there is no option acces/],
  [
    { access: 'private' },
    /option access is the string "private"; it must be 'public', a class, a provider, or an object with one or more of: subscriber, requestFor, topics, ownedTopics, read/,
  ],
  [{ access: { raed: () => true } }, /there is no option access\.raed/],
  [{ access: { read: true } }, /option access\.read is true; it must be 'public', a function or patterns/],
  [{ store: {} }, /option store is an object; it must be the return value of a store driver/],
  [{ schemas: { 'order.shipped': {} } }, /option schemas\.order\.shipped is an object; it must be a Standard Schema/],
];

forEachAdapter((adapter) => {
  describe('options', () => {
    test.each(ASYNC)('may come from %s', async (_, module) => {
      const app = await startApp(adapter, { imports: [module()] });
      expect((await poll(app, 'topic=a&wait=0')).status).toBe(200);
      expect((await poll(app, 'topic=a,b&wait=0')).json.code).toBe('topics_too_many');
    });

    test.each(WRONG)('are checked at the start: %j', async (options, message) => {
      for (const module of [
        () => NotificationsModule.forRoot(options as NotificationsOptions),
        () => NotificationsModule.forRootAsync({ useFactory: () => options as NotificationsOptions }),
      ]) {
        await expect(start(module())).rejects.toThrow(message);
      }
    });

    test.each(['isGlobal', 'controller', 'path', 'serveClient', 'guards', 'version', 'imports'])(
      'an option of forRootAsync is rejected in the result of useFactory: %s',
      async (name) => {
        const module = NotificationsModule.forRootAsync({
          useFactory: () => ({ access: 'public', [name]: undefined }),
        });
        await expect(start(module)).rejects.toThrow(`${name} belongs beside useFactory, not in its result`);
      },
    );

    test('for the memory store are checked in the call of `memoryStore`', () => {
      expect(() => memoryStore({ retainCount: 0 })).toThrow(
        /option retainCount is 0; it must be a whole number of at least 1/,
      );
    });

    async function start(module: DynamicModule): Promise<void> {
      @Module({ imports: [module] })
      class AppModule {}
      const app = await adapter.create(AppModule, { logger: false, abortOnError: false });
      await app.init().finally(() => app.close());
    }
  });

  describe('the path', () => {
    test.each([
      ['events', '/events'],
      ['/api/feed/', '/api/feed'],
    ])('%s is served at its URL', async (path, url) => {
      const app = await startApp(adapter, { notifications: { ...OPEN, path } });
      expect((await request(app, { path: `${url}${QUERY}` })).status).toBe(200);
      expect((await request(app, { path: `/notifications${QUERY}` })).status).toBe(404);
    });

    test('must not be empty', () => {
      expect(() => NotificationsModule.forRoot({ path: '/' })).toThrow(
        /option path is the string "\/"; it must .*not .*empty/,
      );
    });

    test('is below a global prefix and version, also for parser errors of the module', async () => {
      const app = await startApp(adapter, {
        notifications: { ...OPEN, version: '2' },
        configure: (nest) => nest.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI }),
      });
      const path = '/api/v2/notifications';
      expect((await request(app, { path: `${path}${QUERY}` })).status).toBe(200);
      expect((await request(app, { path: `/api/notifications${QUERY}` })).status).toBe(404);
      const headers = { 'Content-Type': 'application/json' };
      const { json } = await request(app, { method: 'POST', path, headers, body: '{' });
      expect(json).toMatchObject({ statusCode: 400, code: 'body_invalid' });
    });

    test('works with a version in a header', async () => {
      const app = await startApp(adapter, {
        notifications: { ...OPEN, version: '2' },
        configure: (nest) => nest.enableVersioning({ type: VersioningType.HEADER, header: 'X-Version' }),
      });
      expect((await poll(app, 'topic=a&wait=0', { 'X-Version': '2' })).status).toBe(200);
      expect((await poll(app, 'topic=a&wait=0', { 'X-Version': '1' })).status).toBe(404);
    });

    test('is found with a trailing slash, and with a slash in the query', async () => {
      const app = await startApp(adapter, { notifications: OPEN });
      const body = '{';
      const headers = { 'Content-Type': 'application/json' };
      const { json } = await request(app, { method: 'POST', path: '/notifications?back=/x/', headers, body });
      expect(json.code).toBe('body_invalid');
    });
  });

  describe('the module', () => {
    test('without a controller has no route, and its service works', async () => {
      const app = await startApp(adapter, { notifications: { ...OPEN, controller: false } });
      expect((await request(app, { path: `/notifications${QUERY}` })).status).toBe(404);
      expect((await post(app, { topic: 'a', type: 't' })).status).toBe(404);
      expect((await app.service.publish('orders', { type: 't', data: 1 })).ids).toHaveLength(1);
    });

    test('is available in every module if it is global, otherwise only in modules that import it', async () => {
      @Injectable()
      class Publisher {
        constructor(@Inject(NotificationsService) readonly notifications: NotificationsService) {}
      }
      @Module({ providers: [Publisher] })
      class OtherModule {}
      const imports = (isGlobal: boolean) => [NotificationsModule.forRoot({ ...OPEN, isGlobal }), OtherModule];
      const app = await startApp(adapter, { imports: imports(true) });
      expect(app.nest.get(Publisher, { strict: false }).notifications).toBe(app.service);

      @Module({ imports: imports(false) })
      class AppModule {}
      await expect(adapter.create(AppModule, { logger: false, abortOnError: false })).rejects.toThrow(
        /Nest can't resolve dependencies of the Publisher/,
      );
    });

    test('takes guards, whose dependencies come from its imports', async () => {
      @Injectable()
      class ConfigGuard implements CanActivate {
        constructor(@Inject(Config) private readonly config: Config) {}

        canActivate(context: ExecutionContext): boolean {
          const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
          return headers['x-count'] === String(this.config.topicsMax);
        }
      }
      const extras = { guards: [ConfigGuard], imports: [ConfigModule] };
      for (const module of [
        NotificationsModule.forRoot({ ...OPEN, ...extras }),
        NotificationsModule.forRootAsync({ ...extras, useFactory: () => OPEN }),
      ]) {
        const app = await startApp(adapter, { imports: [module] });
        expect((await poll(app, 'topic=a&wait=0')).status).toBe(403);
        expect((await poll(app, 'topic=a&wait=0', { 'X-Count': '1' })).status).toBe(200);
        expect((await post(app, { topic: 'a', type: 't' })).status).toBe(403);
        expect((await post(app, { topic: 'a', type: 't' }, { 'X-Count': '1' })).status).toBe(201);
      }
    });
  });
}, ADAPTERS);

test('the module works in an application context without HTTP', async () => {
  @Module({ imports: [NotificationsModule.forRoot(OPEN)] })
  class AppModule {}
  const context = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
  const { ids } = await context.get(NotificationsService).publish('orders', { type: 't', data: 1 });
  expect(ids).toHaveLength(1);
  await context.close();
});
