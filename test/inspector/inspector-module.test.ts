import 'reflect-metadata';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { CanActivate, DynamicModule } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import { NotificationsModule, NotificationsService } from 'nest-notifications';
import { InboxModule, InboxService } from 'nest-notifications/inbox';
import {
  type InspectorModuleExtras,
  type InspectorOptions,
  type InspectorState,
  NotificationsInspectorModule,
} from 'nest-notifications/inspector';
import { DRAFT_LIMITS, makeDraft } from '../../src/core/draft.js';
import { logEntry } from '../../src/core/notification.js';
import type { ObservedRead } from '../../src/core/observer.js';
import { Inspector } from '../../src/inspector/inspector.js';
import { namedContextsIn } from '../../src/nest/module/feeds.js';
import { CONTEXT } from '../../src/nest/module/tokens.js';
import type { ReadContext } from '../../src/nest/context.js';
import { ManualClock } from '../../src/testing/index.js';
import { atTestEnd, endTest } from '../support/http/cleanup.js';
import { watchedStore } from '../support/watched-store.js';

type Given = Partial<InspectorOptions & InspectorModuleExtras>;

class Guard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

const inspectorWith = (options: Given = {}): DynamicModule =>
  NotificationsInspectorModule.forRoot({ guards: [Guard], ...options });

async function open(imports: DynamicModule[]) {
  const module = await Test.createTestingModule({ imports }).compile();
  atTestEnd(() => module.close());
  await module.init();
  const inspector = module.get(Inspector, { strict: false });
  const stateOf = async (feed?: string) => JSON.parse(await inspector.state(feed)) as InspectorState;
  return { module, inspector, stateOf };
}

const serviceOf = (module: TestingModule) => module.get<NotificationsService>(NotificationsService, { strict: false });

/** A feed on a clock that the test moves. */
async function openFeed(options: Given = {}) {
  const clock = new ManualClock();
  const opened = await open([NotificationsModule.forRoot({ access: 'public', clock }), inspectorWith(options)]);
  const { observers, insight } = opened.module.get<ReadContext>(CONTEXT, { strict: false });
  return { clock, observers, insight, service: serviceOf(opened.module), ...opened };
}

afterEach(endTest);

describe('the module', () => {
  test.each<[what: string, given: object, shown: string]>([
    ['no guards', {}, 'undefined'],
    ['guards that are undefined', { guards: undefined }, 'undefined'],
    ['an empty list', { guards: [] }, 'an array'],
    ['a guard that is undefined, as with a circular import', { guards: [undefined] }, 'an array'],
    ['a thing that is no guard', { guards: [{}] }, 'an array'],
  ])('does not start with %s', (_, given, shown) => {
    const options = given as InspectorModuleExtras;
    const message = `NotificationsInspectorModule: option guards is ${shown}; it must be an array with at least one guard`;
    expect(() => NotificationsInspectorModule.forRoot(options)).toThrow(message);
    expect(() => NotificationsInspectorModule.forRootAsync({ guards: options.guards, useFactory: () => ({}) })).toThrow(
      message,
    );
  });

  test.each<[what: string, options: object, message: RegExp]>([
    ['a path with a parameter', { path: ':tenant/inspector' }, /option path is the string ":tenant\/inspector"/],
    ['an empty path', { path: '/' }, /option path/],
    ['a path that leaves its parent', { path: 'a/../b' }, /option path is the string "a\/..\/b"/],
    ['a path of a dot', { path: '.' }, /option path/],
    ['an empty segment', { path: 'a//b' }, /option path/],
  ])('does not start with %s', (_, options, message) => {
    expect(() => inspectorWith(options)).toThrow(message);
  });

  test.each<[what: string, options: object, message: RegExp]>([
    ['an unknown option', { interval: 1 }, /there is no option interval/],
    ['a short idle time', { idleMs: 1 }, /option idleMs is 1; it must be a whole number from 10000/],
    ['a record that is slow to search', { deliveryBytesMax: 2 ** 25 }, /from 16384 to 16777216/],
    ['no feeds', { feeds: [] }, /option feeds is an array; it must be an array of 1 to 10 names/],
    ['an unknown feed', { feeds: ['other'] }, /option feeds has "other"; the feeds are: default/],
    ['a wrong switch', { alwaysOn: 'yes' }, /option alwaysOn is the string "yes"/],
  ])('does not start with %s', async (_, options, message) => {
    await expect(open([NotificationsModule.forRoot(), inspectorWith(options)])).rejects.toThrow(message);
  });

  test('does not start without a feed, or with too many', async () => {
    await expect(open([inspectorWith()])).rejects.toThrow('there is no feed to show');
    const feeds = Array.from({ length: 11 }, (_, n) => NotificationsModule.forRoot({ name: `feed${n}` }));
    await expect(open([...feeds, inspectorWith()])).rejects.toThrow('the application has 11 feeds; list at most 10 in');
  });

  test('closes the stores of all feeds if it does not start', async () => {
    const { store, log } = watchedStore();
    const feed = NotificationsModule.forRoot({ store });
    await expect(open([feed, inspectorWith({ feeds: ['other'] })])).rejects.toThrow('the feeds are: default');
    expect([log.opened, log.open]).toEqual([1, 0]);
  });

  test('takes options from a factory', async () => {
    const inspector = NotificationsInspectorModule.forRootAsync({
      guards: [Guard],
      useFactory: () => ({ feeds: ['audit'] }),
    });
    const feeds = [NotificationsModule.forRoot(), NotificationsModule.forRoot({ name: 'audit' })];
    const { stateOf } = await open([...feeds, inspector]);
    expect((await stateOf()).feeds.map(({ name }) => name)).toEqual(['audit']);
  });
});

describe('the record', () => {
  test('costs nothing before the first request and after the idle time', async () => {
    const { clock, observers, insight, stateOf } = await openFeed({ idleMs: 60_000 });
    const parts = () => [
      observers.observes('appended'),
      observers.observes('appended'),
      insight.deliveries !== undefined,
    ];
    expect(parts()).toEqual([false, false, false]);
    await stateOf();
    expect(parts()).toEqual([true, true, true]);
    await clock.advance(59_000);
    await stateOf();
    await clock.advance(59_000);
    expect(parts()).toEqual([true, true, true]);
    await clock.advance(10_000);
    expect(parts()).toEqual([false, false, false]);
  });

  test('runs all the time with `alwaysOn`, and ends with the application', async () => {
    const { clock, observers, module, stateOf } = await openFeed({ alwaysOn: true, idleMs: 10_000 });
    await clock.advance(3_600_000);
    const [feed] = (await stateOf()).feeds;
    expect(feed!.series.published).toHaveLength(60);
    await module.close();
    expect(observers.observes('appended')).toBe(false);
    await expect(stateOf()).rejects.toMatchObject({ code: 'draining' });
  });

  test('explains deliveries while it runs', async () => {
    const { clock, inspector, service, stateOf } = await openFeed();
    await service.publish('orders', { id: 'before', type: 'x', data: 1 });
    expect((await inspector.explain({ id: 'before', feed: undefined })).deliveries.recorded).toBe('unknown');
    await stateOf();
    await clock.advance(1);
    await service.publish('orders', { id: 'after', type: 'x', data: 1 });
    await service.history({ topics: ['orders'] });
    expect((await inspector.explain({ id: 'after', feed: undefined })).deliveries).toMatchObject({
      recorded: 'complete',
      counts: { poll: 0, stream: 0, history: 1 },
      list: [{ transport: 'history' }],
    });
  });
});

describe('an erasure', () => {
  const read: ObservedRead = {
    ...{ kind: 'stream', startedAt: 0 },
    request: { topics: ['shared'], limit: 1, subscriber: 'ann' },
  };

  /** Records a delivery to ann on a shared topic. Returns the deliveries after the erasure. */
  async function deliveriesAfter(context: ReadContext, erase: () => Promise<unknown>): Promise<unknown[]> {
    const { feed, observers, insight, clock } = context;
    const entry = logEntry(1, makeDraft({ topic: 'shared', type: 'x' }, new Date(clock.now()), DRAFT_LIMITS));
    const { epoch } = feed.window;
    observers.delivered({ epoch, entries: [entry], position: 1, more: false }, read);
    const known = () => insight.deliveries!.deliveriesOf({ entry, epoch }, undefined).list;
    expect(known()).toMatchObject([{ subscriber: 'ann' }]);
    await erase();
    return [...known()];
  }

  test('of a subscriber removes the name from the recorded deliveries', async () => {
    const feed = NotificationsModule.forRoot({ access: { ownedTopics: () => ['user.ann'] } });
    const { module, stateOf } = await open([feed, inspectorWith()]);
    await stateOf();
    const context = module.get<ReadContext>(CONTEXT, { strict: false });
    const erase = () => serviceOf(module).erase({ subscriber: 'ann' });
    expect(await deliveriesAfter(context, erase)).toEqual([]);
  });

  test('of an inbox removes the name from the recorded deliveries', async () => {
    const inbox = InboxModule.forRoot({ access: { subscriber: () => undefined } });
    const { module, stateOf } = await open([inbox, inspectorWith()]);
    await stateOf();
    const { context } = namedContextsIn(module.get(ModulesContainer))[0]!;
    const erase = () => module.get(InboxService, { strict: false }).erase('ann');
    expect(await deliveriesAfter(context as ReadContext, erase)).toEqual([]);
  });
});

describe('the state', () => {
  test('has inboxes with their memory and operations', async () => {
    const clock = new ManualClock();
    const inbox = InboxModule.forRoot({ access: { subscriber: () => undefined }, clock });
    const { module, stateOf } = await open([inbox, inspectorWith()]);
    await stateOf();
    const service = module.get(InboxService, { strict: false });
    const { id } = await service.send('ann', { type: 'comment' });
    await service.markRead('ann', id);
    await clock.advance(1_000);
    const [feed] = (await stateOf('inbox')).feeds;
    const memory = { states: 1, bytes: expect.any(Number), bytesMax: 16 * 1024 * 1024 };
    expect(feed!.inbox).toEqual({ ...memory, operations: [{ code: 'read', count: 1 }] });
  });

  test('has a feed that only publishes', async () => {
    const { module, stateOf } = await open([NotificationsModule.forRoot({ publishOnly: true }), inspectorWith()]);
    await serviceOf(module).publish('orders', { type: 'x', data: 1 });
    expect((await stateOf()).feeds).toMatchObject([
      { name: 'default', publishOnly: true, health: 'ready', waiters: { poll: 0, stream: 0, history: 0 } },
    ]);
  });

  test('stays below 64 KiB for a feed with 10,000 topics, waiters and slow clients', async () => {
    const { module, service, stateOf, clock } = await openFeed();
    await stateOf();
    for (let n = 0; n < 60; n++) await clock.advance(5_000);
    const topicOf = (n: number) => `${n}.${'x'.repeat(200)}`.slice(0, 200);
    const reads = Array.from({ length: 10_000 }, (_, n) => service.follow({ topics: [topicOf(n)] }).subscribe());
    for (let n = 0; n < 2_000; n += 100) {
      await service.publishAll(
        Array.from({ length: 100 }, (_, at) => ({ topic: topicOf(n + at), type: 'x', data: 1 })),
      );
    }
    const { unread } = module.get<ReadContext>(CONTEXT, { strict: false });
    // Clients with the longest names in JSON.
    const read = { asked: { transport: 'sse' }, topics: ['a'], subscriber: '\u0000'.repeat(200), address: '::1' };
    const slowest = (count: number) => Array.from({ length: count }, () => ({ read, bytes: 1e9, ageMs: 1e9 }));
    Object.assign(unread, { slowest });
    await clock.advance(1_000);
    const text = JSON.stringify(await stateOf());
    for (const one of reads) one.unsubscribe();
    expect(Buffer.byteLength(text)).toBeGreaterThan(32 * 1024);
    expect(Buffer.byteLength(text)).toBeLessThan(64 * 1024);
    const { topTopics, slowReaders } = (JSON.parse(text) as InspectorState).feeds[0]!;
    const { byWaiters, byPublishes } = topTopics;
    expect([byWaiters.length, byPublishes.length, slowReaders.list.length]).toEqual([20, 20, 20]);
  });

  test('reports a store that does not answer', async () => {
    const { module, stateOf, clock } = await openFeed();
    const { store } = module.get<ReadContext>(CONTEXT, { strict: false });
    expect((await stateOf()).feeds[0]!.health).toBe('ready');
    await store.close();
    await clock.advance(5_000);
    expect((await stateOf()).feeds[0]!.health).toBe('store_unavailable');
  });

  test('rejects a fifth explanation while four run', async () => {
    const { inspector } = await openFeed();
    const asked = Array.from({ length: 5 }, () => inspector.explain({ id: 'a', feed: undefined }));
    const results = await Promise.allSettled(asked);
    expect(results.map(({ status }) => status)).toEqual([...Array.from({ length: 4 }, () => 'fulfilled'), 'rejected']);
    expect(results[4]).toMatchObject({ reason: { code: 'inspector_busy' } });
    await inspector.explain({ id: 'a', feed: undefined });
  });
});
