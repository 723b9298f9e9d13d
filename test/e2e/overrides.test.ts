import { describe, expect, test } from '@jest/globals';
import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  getNotificationsOptionsToken,
  getNotificationsStoreToken,
  getNotificationsToken,
  memoryStore,
  NotificationsModule,
  type NotificationsOptions,
  NotificationsService,
} from 'nest-notifications';
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

function override(module: new () => object) {
  return Test.createTestingModule({ imports: [module] }).overrideProvider(NotificationsService);
}
