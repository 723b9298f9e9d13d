import { describe, expect, test } from '@jest/globals';
import { type DynamicModule, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { NotificationsModule, type NotificationsOptions } from 'nest-notifications';
import { nestLogger } from '../support/http/logs.js';
import { watchedStore } from '../support/watched-store.js';

async function start(module: DynamicModule): Promise<void> {
  @Module({ imports: [module] })
  class AppModule {}
  const testing = Test.createTestingModule({ imports: [AppModule] }).setLogger(nestLogger([]));
  await (await testing.compile()).createNestApplication().init();
}

const reject = (message: string) => () => Promise.reject(new Error(message));

describe('a start that fails', () => {
  test('closes the store when the log cannot be read', async () => {
    const { store, log } = watchedStore({ read: reject('no read') });
    await expect(start(NotificationsModule.forRoot({ store }))).rejects.toThrow('no read');
    expect(log).toMatchObject({ opened: 1, open: 0 });
  });

  test('closes the store when the log cannot be followed', async () => {
    const { store, log } = watchedStore({ tail: reject('no tail') });
    await expect(start(NotificationsModule.forRoot({ store }))).rejects.toThrow('no tail');
    expect(log).toMatchObject({ opened: 1, open: 0 });
  });

  test('keeps the first error when closing the store fails too', async () => {
    const { store } = watchedStore({ tail: reject('no tail'), close: reject('no close') });
    await expect(start(NotificationsModule.forRoot({ store }))).rejects.toThrow('no tail');
  });

  test.each<[string, NotificationsOptions['access']]>([
    ['the factory of the access rules', { useFactory: reject('no rules') }],
    ['a wrong rule in the result of that factory', { useFactory: () => ({ read: 'no rules' as 'public' }) }],
  ])('closes the store and its tail after %s', async (_, access) => {
    const { store, log } = watchedStore();
    await expect(start(NotificationsModule.forRoot({ store, access }))).rejects.toThrow('no rules');
    expect(log).toMatchObject({ opened: 1, open: 0, tails: 1 });
  });

  test('does not open the store when an option is wrong', async () => {
    const { store, log } = watchedStore();
    const access = { read: true } as unknown as NotificationsOptions['access'];
    await expect(start(NotificationsModule.forRoot({ store, access }))).rejects.toThrow('option access.read is true');
    expect(log.opened).toBe(0);
  });
});
