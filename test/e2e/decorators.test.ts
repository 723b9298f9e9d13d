import { describe, expect, test } from '@jest/globals';
import {
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  SetMetadata,
  UnauthorizedException,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { APP_GUARD, Reflector } from '@nestjs/core';
import { NotificationsModule } from 'nest-notifications';
import { type Observable, tap } from 'rxjs';
import { forEachAdapter } from '../support/http/adapters.js';
import { OPEN, startApp } from '../support/http/app.js';
import { request } from '../support/http/connection.js';
import { poll, post } from '../support/http/feed.js';

const IS_PUBLIC = 'isPublic';
const Public = () => SetMetadata(IS_PUBLIC, true);

/** A decorator in the form of Nest's documentation. */
@Injectable()
class AuthGuard implements CanActivate {
  readonly #reflector = new Reflector();

  canActivate(context: ExecutionContext): boolean {
    if (this.#reflector.getAllAndOverride<boolean>(IS_PUBLIC, [context.getHandler(), context.getClass()])) return true;
    throw new UnauthorizedException();
  }
}

forEachAdapter((adapter) => {
  describe('decorators of the mounted controllers', () => {
    const start = (extras: Parameters<typeof NotificationsModule.forRoot>[0]) =>
      startApp(adapter, {
        notifications: { ...OPEN, ...extras },
        providers: [{ provide: APP_GUARD, useClass: AuthGuard }],
      });
    const client = { path: '/notifications/client.js' };

    test('exempt feed and client file from a guard of the application', async () => {
      const app = await start({ serveClient: true, decorators: [Public()] });
      expect((await poll(app, 'topic=a&wait=0')).status).toBe(200);
      expect((await post(app, { topic: 'a', type: 't' })).status).toBe(201);
      expect((await request(app, client)).status).toBe(200);
    });

    test('are absent by default', async () => {
      const app = await start({ serveClient: true });
      expect((await poll(app, 'topic=a&wait=0')).status).toBe(401);
      expect((await request(app, client)).status).toBe(401);
    });

    test('may apply to the client file alone', async () => {
      const app = await start({ serveClient: true, clientDecorators: [Public()] });
      expect((await poll(app, 'topic=a&wait=0')).status).toBe(401);
      expect((await request(app, client)).status).toBe(200);
    });

    test('do not leak to another feed', async () => {
      const app = await startApp(adapter, {
        imports: [
          NotificationsModule.forRoot({ ...OPEN, decorators: [Public()] }),
          NotificationsModule.forRoot({ ...OPEN, name: 'b' }),
        ],
        providers: [{ provide: APP_GUARD, useClass: AuthGuard }],
      });
      expect((await poll(app, 'topic=a&wait=0')).status).toBe(200);
      expect((await request(app, { path: '/notifications/b?topic=a&wait=0' })).status).toBe(401);
    });

    test('apply like decorators of a class: the first has precedence, and its guards run before those of the module', async () => {
      const order: string[] = [];
      const guard = (name: string): CanActivate => ({ canActivate: () => order.push(name) > 0 });
      const app = await startApp(adapter, {
        notifications: {
          ...OPEN,
          guards: [guard('own')],
          decorators: [SetMetadata(IS_PUBLIC, true), SetMetadata(IS_PUBLIC, false), UseGuards(guard('decorator'))],
        },
        providers: [{ provide: APP_GUARD, useClass: AuthGuard }],
      });
      expect((await poll(app, 'topic=a&wait=0')).status).toBe(200);
      expect(order).toEqual(['decorator', 'own']);
    });

    test('may put interceptors on the controllers, which see the pages', async () => {
      const seen: unknown[] = [];
      class Watching implements NestInterceptor {
        intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
          return next.handle().pipe(tap((page) => seen.push(page)));
        }
      }
      const app = await startApp(adapter, { notifications: { ...OPEN, decorators: [UseInterceptors(Watching)] } });
      await app.service.publish('a', { type: 't', data: 1 });
      const { json } = await poll(app, 'topic=a&cursor=earliest&wait=0');
      expect(seen).toMatchObject([{ notifications: [{ data: 1 }], cursor: json.cursor as string }]);
    });

    test.each([
      ['decorators', 'Public'],
      ['decorators', [{}]],
      ['guards', {}],
    ])('%s must be an array: %j', (name, value) => {
      expect(() => NotificationsModule.forRoot({ [name]: value })).toThrow(/it must be an array/);
    });
  });
});
