import { describe, expect, test } from '@jest/globals';
import {
  type CanActivate,
  type ExecutionContext,
  Inject,
  Injectable,
  Module,
  Scope,
  type Type,
  UnauthorizedException,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import {
  getNotificationsOptionsToken,
  getNotificationsStoreToken,
  getNotificationsToken,
  memoryStore,
  NotificationsModule,
  type NotificationsOptions,
  NotificationsService,
} from 'nest-notifications';
import { type Observable, of } from 'rxjs';
import { watchedStore } from '../support/watched-store.js';

/** An application whose stores a test must not open. */
function application() {
  const real = watchedStore();
  const telemetry = watchedStore();
  const options: NotificationsOptions = { access: { read: 'public' }, limits: { topicsMax: 1 }, store: real.store };
  @Module({
    imports: [
      NotificationsModule.forRootAsync({ useFactory: () => options }),
      NotificationsModule.forRoot({ name: 'telemetry', store: telemetry.store }),
    ],
  })
  class AppModule {}
  return { AppModule, real: real.log, telemetry: telemetry.log };
}

describe('a test of an application', () => {
  test('swaps the store, and keeps all other options', async () => {
    const { AppModule, real, telemetry } = application();
    const swapped = watchedStore();
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(getNotificationsStoreToken())
      .useValue(swapped.store)
      .compile();
    const service = module.get(NotificationsService);
    expect((await service.publish('a', { type: 't', data: 1 })).ids).toHaveLength(1);
    expect(() => service.iterate({ topics: ['a', 'b'] })).toThrow(/topics/);
    expect([real.opened, telemetry.opened, swapped.log.appends]).toEqual([0, 1, 1]);
    await module.close();
    expect(swapped.log.open).toBe(0);
  });

  test('swaps the store of a named feed', async () => {
    const { AppModule, real, telemetry } = application();
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(getNotificationsStoreToken('telemetry'))
      .useValue(memoryStore())
      .compile();
    expect([real.opened, telemetry.opened]).toEqual([1, 0]);
    await module.close();
  });

  test('swaps all options, before the factory runs', async () => {
    const { AppModule, real } = application();
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(getNotificationsOptionsToken())
      .useValue({ access: 'public' } satisfies NotificationsOptions)
      .compile();
    expect(module.get(NotificationsService).iterate({ topics: ['a', 'b'] })).toBeDefined();
    expect(real.opened).toBe(0);
    await module.close();
  });

  test.each([
    ['a value', (testing: ReturnType<typeof override>) => testing.useValue({ publish: () => 'mock' })],
    [
      'a class',
      (testing: ReturnType<typeof override>) =>
        testing.useClass(
          class Mock {
            readonly isMock = true;
          },
        ),
    ],
    [
      'a factory',
      (testing: ReturnType<typeof override>) => testing.useFactory({ factory: () => ({ publish: () => 'mock' }) }),
    ],
  ])('replaces the service by %s without opening its store', async (_, by) => {
    const { AppModule, real, telemetry } = application();
    const app = (await by(override(AppModule)).compile()).createNestApplication();
    await app.init();
    expect([real.opened, telemetry.opened]).toEqual([0, 1]);
    await app.close();
  });

  test('replaces the service of a named feed without opening its store', async () => {
    const { AppModule, real, telemetry } = application();
    const mock = {};
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(getNotificationsToken('telemetry'))
      .useValue(mock)
      .compile();
    expect(module.get(getNotificationsToken('telemetry'))).toBe(mock);
    expect([real.opened, telemetry.opened]).toEqual([1, 0]);
    await module.close();
  });
});

describe('a guard of the module', () => {
  @Injectable()
  class Users {
    has(name: string | undefined): boolean {
      return name === 'ann';
    }
  }
  @Module({ providers: [Users], exports: [Users] })
  class UsersModule {}

  @Injectable()
  class AuthGuard implements CanActivate {
    constructor(@Inject(Users) private readonly users: Users) {}

    canActivate(context: ExecutionContext): boolean {
      const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string | undefined> }>();
      if (!this.users.has(headers.authorization)) throw new UnauthorizedException();
      return true;
    }
  }

  /** A guard that Nest creates for each request, with the request as a dependency. */
  @Injectable({ scope: Scope.REQUEST })
  class ScopedGuard implements CanActivate {
    constructor(
      @Inject(REQUEST) private readonly request: { headers: Record<string, string | undefined> },
      @Inject(Users) private readonly users: Users,
    ) {}

    canActivate(): Observable<boolean> {
      return of(this.users.has(this.request.headers.authorization));
    }
  }

  @Injectable({ scope: Scope.TRANSIENT })
  class TransientGuard extends AuthGuard {}

  const GUARDS: [string, Type<CanActivate>, number][] = [
    ['of default scope', AuthGuard, 401],
    ['of request scope', ScopedGuard, 403],
    ['of transient scope', TransientGuard, 401],
  ];

  async function statuses(builder: TestingModuleBuilder): Promise<number[]> {
    const app = (await builder.compile()).createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    const url = `${await app.getUrl()}/notifications`;
    const ask = async (path: string, init: RequestInit = {}) => (await fetch(url + path, init)).status;
    const headers = { Authorization: 'ann' };
    const read = '?topic=a&wait=0';
    const asked = [await ask(read), await ask(read, { headers }), await ask('/tickets', { method: 'POST', headers })];
    await app.close();
    return asked;
  }

  const testing = (guard: Type<CanActivate>): TestingModuleBuilder => {
    const access = { subscriber: () => 'ann', topics: () => ['a'], read: 'public' } as const;
    const forRoot = NotificationsModule.forRoot({ access, tickets: {}, guards: [guard], imports: [UsersModule] });
    return Test.createTestingModule({ imports: [forRoot] });
  };

  test.each(GUARDS)('%s runs with its injected dependencies', async (_, guard, status) => {
    expect(await statuses(testing(guard))).toEqual([status, 200, 201]);
  });

  test.each(GUARDS)('%s is replaced by overrideGuard', async (_, guard) => {
    const open = { canActivate: () => true };
    expect(await statuses(testing(guard).overrideGuard(guard).useValue(open))).toEqual([200, 200, 201]);
    class Closed implements CanActivate {
      canActivate(): boolean {
        return false;
      }
    }
    expect(await statuses(testing(guard).overrideGuard(guard).useClass(Closed))).toEqual([403, 403, 403]);
  });

  test('keeps its order with guards that are objects', async () => {
    const order: string[] = [];
    const log = (name: string): CanActivate => ({ canActivate: () => order.push(name) > 0 });
    class First implements CanActivate {
      canActivate(): Promise<boolean> {
        return Promise.resolve(order.push('first') > 0);
      }
    }
    class Third extends First {
      override canActivate(): Promise<boolean> {
        return Promise.resolve(order.push('third') > 0);
      }
    }
    const guards = [First, log('second'), Third, log('fourth')];
    const forRoot = NotificationsModule.forRoot({ access: 'public', guards });
    await statuses(Test.createTestingModule({ imports: [forRoot] }));
    expect(order.slice(0, 4)).toEqual(['first', 'second', 'third', 'fourth']);
  });
});

function override(module: new () => object) {
  return Test.createTestingModule({ imports: [module] }).overrideProvider(NotificationsService);
}
