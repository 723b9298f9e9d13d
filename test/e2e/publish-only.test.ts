import { describe, expect, test } from '@jest/globals';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { memoryStore, NotificationsException, NotificationsModule, NotificationsService } from 'nest-notifications';
import type { Store } from 'nest-notifications/store';
import { lastValueFrom, type Observable } from 'rxjs';
import { express } from '../support/http/adapters.js';
import { startApp } from '../support/http/app.js';
import { request } from '../support/http/connection.js';
import { poll } from '../support/http/feed.js';
import { until } from '../support/time/until.js';
import { watchedStore } from '../support/watched-store.js';

/** A worker beside a node, on one store. */
async function startBoth() {
  let log: Promise<Store> | undefined;
  const shared = (runtime: Parameters<ReturnType<typeof memoryStore>>[0]) =>
    (log ??= Promise.resolve(memoryStore()(runtime)));
  const access = { read: 'public', subscriber: () => 'ann' } as const;
  const node = await startApp(express, { notifications: { access, store: shared } });
  const watched = watchedStore({
    append: async (drafts) => (await log!).append(drafts),
    read: async (query) => (await log!).read(query),
    tail: async (after, onAppended) => (await log!).tail(after, onAppended),
  });
  @Module({ imports: [NotificationsModule.forRoot({ publishOnly: true, store: watched.store })] })
  class WorkerModule {}
  const worker = await NestFactory.createApplicationContext(WorkerModule, { logger: false, abortOnError: false });
  return { node, worker, service: worker.get(NotificationsService), log: watched.log };
}

describe('a feed that only publishes', () => {
  test('opens no tail and reads nothing that others publish', async () => {
    const { node, worker, log } = await startBoth();
    const { reads } = log;
    const data = 'x'.repeat(1024);
    for (let n = 0; n < 30_000; n += 100) {
      await node.service.publish(
        'a',
        Array.from({ length: 100 }, () => ({ type: 't', data })),
      );
    }
    expect(log).toEqual({ open: 1, opened: 1, tails: 0, appends: 0, reads });
    expect(reads).toBe(1);
    await worker.close();
    expect(log.open).toBe(0);
    await node.close();
  });

  test('publishes and revokes', async () => {
    const { node, worker, service } = await startBoth();
    const { cursor } = await service.publish('a', { type: 't', data: 1 });
    await service.publishAll([{ topic: 'b', type: 't', data: 2 }]);
    const { json } = await poll(node, `topic=a,b&cursor=${cursor}&wait=0`);
    expect(json.notifications).toMatchObject([{ topic: 'b', data: 2 }]);
    const held = poll(node, 'topic=a');
    await until(() => node.counts().waiters === 1);
    await service.revoke('ann');
    expect((await held).json.notifications).toEqual([]);
    await worker.close();
    await node.close();
  });

  test('rejects reads with a message, and reports its health', async () => {
    const { node, worker, service } = await startBoth();
    const observables: [string, Observable<unknown>][] = [
      ['poll', service.poll({ topics: ['a'] })],
      ['follow', service.follow({ topics: ['a'] })],
    ];
    for (const [method, observable] of observables) {
      const message = `this feed has the option publishOnly, so ${method}() is not available`;
      await expect(lastValueFrom(observable)).rejects.toMatchObject({
        code: 'publish_only',
        message: expect.stringContaining(message),
      });
    }
    expect(() => service.cursor()).toThrow(NotificationsException);
    expect(service.counts()).toMatchObject({ waiters: 0, topics: 0, subscribers: 0, addresses: 0 });
    expect(await service.health()).toBe('ready');
    await worker.close();
    expect(await service.health()).toBe('draining');
    await node.close();
  });

  test('reports a store that does not answer', async () => {
    const { store, log } = watchedStore();
    let opened: Store | undefined;
    const kept: typeof store = async (runtime) => (opened = await store(runtime));
    const app = await startApp(express, { notifications: { publishOnly: true, store: kept } });
    expect(await app.service.health()).toBe('ready');
    await opened?.close();
    expect(await app.service.health()).toBe('store_unavailable');
    expect(log.tails).toBe(0);
    await app.close();
  });

  test('has no route', async () => {
    const app = await startApp(express, { notifications: { publishOnly: true } });
    expect((await request(app, { path: '/notifications?topic=a&wait=0' })).status).toBe(404);
    await app.close();
  });
});
