import 'reflect-metadata';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  type AccessRules,
  type ExplainOptions,
  memoryStore,
  NotificationsModule,
  type NotificationsOptions,
  NotificationsService,
  type NotificationStory,
  type StoreFactory,
} from 'nest-notifications';
import { firstValueFrom } from 'rxjs';
import { openStore } from '../../src/demo/store.js';
import { SEARCH_ENTRIES_MAX } from '../../src/nest/explaining/topic-search.js';
import { inDepth } from '../support/depth.js';
import { type EngineKind, ENGINES, RETENTION } from '../support/engines/shared.js';
import { atTestEnd, endTest } from '../support/http/cleanup.js';
import { inboxNode } from '../support/inbox.js';
import { JumpingClock } from '../support/jumping-clock.js';
import { until } from '../support/time/until.js';

const RETAIN_COUNT = 100;
const HOUR_MS = 3_600_000;
const ITEM = { type: 'numbered', data: { secret: 'private' } };

interface Node {
  readonly service: NotificationsService;
  explain(id: string, options?: ExplainOptions): Promise<NotificationStory>;
}

type Given = Parameters<typeof NotificationsModule.forRoot>[0];

async function open(options: Given = {}): Promise<Node> {
  const imports = [NotificationsModule.forRoot({ access: 'public', ...options })];
  const module = await Test.createTestingModule({ imports }).compile();
  await module.init();
  atTestEnd(() => module.close());
  const service = module.get<NotificationsService>(NotificationsService);
  return { service, explain: (id, asked) => service.explain(id, asked) };
}

/** A node that keeps only the newest notification in memory, so that it reads the store. */
const openSmall = (store: StoreFactory, options: NotificationsOptions = {}): Promise<Node> =>
  open({ store, window: { count: 1 }, ...options });

/** Publishes another notification, and waits until the window has only this one. */
async function pushOut({ service, explain }: Node): Promise<void> {
  const { ids } = await service.publish('other', ITEM);
  await until(async () => (await explain(ids[0]!)).status === 'deliverable');
}

afterEach(endTest);

/** Each reason for which a reader does not receive a notification. */
async function everyReason(store: StoreFactory): Promise<void> {
  const clock = new JumpingClock();
  const node = await openSmall(store, { clock });
  const { service, explain } = node;
  const topic = 'orders';
  const options = {
    key: 'k',
    priority: 'high',
    publisher: 'shop',
    expiresAt: new Date(clock.now() + HOUR_MS),
  } as const;

  await service.publish(topic, { ...ITEM, id: 'first', ...options });
  await pushOut(node);
  const found = await explain('first', { topic });
  expect(found).toMatchObject({
    id: 'first',
    status: 'deliverable',
    reasons: [],
    notification: { topic, type: 'numbered', key: 'k', priority: 'high', publisher: 'shop' },
    events: [{ type: 'published', time: found.notification!.time }],
    deliveries: { recorded: 'unknown', list: [] },
  });
  const cursor = found.notification!.cursor;
  await service.publish(topic, { ...ITEM, id: 'scoped', key: 'k', keyScope: 'publisher' });
  await service.publish(topic, { ...ITEM, id: 'second', key: 'k' });
  const after = await firstValueFrom(service.poll({ topics: [topic], cursor }));
  expect(after.notifications.map(({ id }) => id)).toEqual(['scoped', 'second']);

  await pushOut(node);
  expect(await explain('first')).toMatchObject({ status: 'topic_needed', reasons: ['topic_needed', 'erased'] });
  expect(await explain('first', { topic: 'other' })).toMatchObject({ status: 'unknown', reasons: ['other_topic'] });
  expect(await explain('first', { topic })).toMatchObject({
    status: 'superseded',
    events: [{ type: 'published' }, { type: 'superseded', by: 'second', key: 'k' }],
  });

  clock.offsetMs = 2 * HOUR_MS;
  expect(await explain('first', { topic })).toMatchObject({
    status: 'expired',
    events: [{ type: 'published' }, { type: 'superseded' }, { type: 'expired', time: options.expiresAt.toISOString() }],
  });
  clock.offsetMs = 0;

  await service.retract(topic, 'first');
  await pushOut(node);
  const retracted = await explain('first', { topic });
  expect(retracted).toMatchObject({ status: 'retracted', reasons: [] });
  expect(retracted.events).toContainEqual({ type: 'retracted', time: expect.any(String) });

  expect(await explain('none')).toMatchObject({ status: 'unknown', reasons: ['never_published', 'id_forgotten'] });
  expect(await explain('none', { topic })).toMatchObject({
    status: 'unknown',
    reasons: ['never_published', 'other_topic'],
  });

  await service.publish('person', { ...ITEM, id: 'mine' });
  await service.erase({ topic: 'person' });
  // The second question names a topic that the notification never had.
  for (const id of ['mine', 'first']) {
    const erased = await explain(id, { topic: 'person' });
    expect(erased).toMatchObject({ status: 'unknown', reasons: expect.arrayContaining(['erased', 'other_topic']) });
    // A node may forget the ids of erased notifications.
    if (erased.events.length > 0) expect(erased.events).toEqual([{ type: 'erased', time: expect.any(String) }]);
  }

  await until(async () => {
    await service.publish(
      'other',
      Array.from({ length: RETAIN_COUNT }, () => ITEM),
    );
    return (await explain('second', { topic })).status !== 'deliverable';
  });
  const trimmed = await explain('second', { topic });
  // An engine may forget the id with its notification.
  if (trimmed.status === 'trimmed') expect(trimmed.events).toEqual([{ type: 'trimmed' }]);
  else expect(trimmed).toMatchObject({ status: 'unknown', reasons: expect.arrayContaining(['trimmed']) });
}

const RETAINED = { ...RETENTION, retainCount: RETAIN_COUNT };

describe('explain', () => {
  test('names every reason on the memory store', () => everyReason(memoryStore(RETAINED)));

  // The others need seconds to start.
  for (const kind of inDepth([ENGINES.sqlite, ENGINES.redis], Object.values<EngineKind>(ENGINES))) {
    (kind.missing() ? test.skip : test)(`names every reason on ${kind.name}`, async () => {
      const engine = await kind.start();
      atTestEnd(() => engine.stop());
      await everyReason(openStore(engine.store(), RETAINED));
    });
  }

  test('finds a notification in the window without its topic', async () => {
    const { service, explain } = await open();
    await service.publish('orders', { ...ITEM, id: 'a' });
    expect(await explain('a')).toMatchObject({ status: 'deliverable', notification: { topic: 'orders' } });
    expect(await explain('a', { topic: 'other' })).toMatchObject({ status: 'unknown', reasons: ['other_topic'] });
  });

  test('has no data unless the caller asks for it', async () => {
    const { service, explain } = await open();
    await service.publish('orders', { ...ITEM, id: 'a' });
    expect(JSON.stringify(await explain('a', { subscriber: 'ann' }))).not.toContain('private');
    expect((await explain('a', { data: true })).notification?.data).toEqual(ITEM.data);
  });

  test('works without the lookup of ids, and says what it has searched', async () => {
    const withoutLookup: StoreFactory = async (runtime) => {
      const store = await memoryStore()(runtime);
      const { append, read, tail, remove, close } = store;
      const bound = Object.entries({ append, read, tail, remove, close }).map(([name, method]) => [
        name,
        (method as (...args: unknown[]) => unknown).bind(store),
      ]);
      return Object.fromEntries(bound) as typeof store;
    };
    const node = await openSmall(withoutLookup);
    await node.service.publish('orders', { ...ITEM, id: 'a' });
    await pushOut(node);
    expect(await node.explain('a')).toMatchObject({ status: 'unknown', reasons: ['no_lookup'] });
    expect(await node.explain('a', { topic: 'orders' })).toMatchObject({ status: 'deliverable' });
    await node.service.retract('orders', 'a');
    expect(await node.explain('a', { topic: 'orders' })).toMatchObject({ status: 'retracted' });
  });

  test('ends a search of a busy topic, and says so', async () => {
    const node = await openSmall(memoryStore());
    await node.service.publish('orders', { ...ITEM, id: 'a', key: 'k' });
    for (let count = 0; count < SEARCH_ENTRIES_MAX; count += 100) {
      await node.service.publish(
        'orders',
        Array.from({ length: 100 }, () => ITEM),
      );
    }
    await pushOut(node);
    expect(await node.explain('a', { topic: 'orders' })).toMatchObject({
      status: 'deliverable',
      reasons: ['search_limit'],
    });
  });

  test('is available on a node that only publishes', async () => {
    const { service, explain } = await open({ publishOnly: true });
    await service.publish('orders', { ...ITEM, id: 'a' });
    expect(await explain('a', { topic: 'orders', subscriber: 'ann' })).not.toHaveProperty('access');
    expect(await explain('a', { topic: 'orders' })).toMatchObject({ status: 'deliverable' });
  });

  test.each([
    ['an empty id', '', {}, 'id_invalid'],
    ['a reserved id', '$x', {}, 'id_invalid'],
    ['a reserved topic', 'a', { topic: '$retractions' }, 'topic_invalid'],
    ['an empty subscriber', 'a', { subscriber: '' }, 'subscriber_invalid'],
  ])('rejects %s', async (_, id, options, code) => {
    const { explain } = await open();
    await expect(explain(id, options)).rejects.toMatchObject({ code });
  });
});

describe('the access of a subscriber', () => {
  const READ: AccessRules['read'] = ({ subscriber }, topic) => topic === `user.${subscriber}`;
  const cases: [what: string, access: AccessRules | 'public', allowed: string, rule: string][] = [
    ['public access', 'public', 'yes', 'access.read'],
    ['a rule that allows', { read: READ }, 'yes', 'access.read'],
    ['a rule that rejects', { read: () => false }, 'no', 'access.read'],
    ['no rule', {}, 'no', 'access.read'],
    ['patterns', { read: { 'user.:id': ({ subscriber }, { id }) => id === subscriber } }, 'yes', 'access.read'],
    ['own topics', { topics: ({ subscriber }) => [`user.${subscriber}`] }, 'yes', 'access.topics'],
    ['other own topics', { topics: () => ['other'] }, 'no', 'access.topics'],
    ['a former subscriber', { requestFor: () => undefined, read: READ }, 'no', 'access.requestFor'],
    [
      'a rule that reads the request',
      { read: ({ request }) => (request as { isAdmin?: boolean } | undefined)?.isAdmin === true },
      'unknown',
      'access.read',
    ],
    [
      'a rule that reads the substitute of the request',
      { requestFor: () => ({ isAdmin: true }), read: ({ request }) => (request as { isAdmin: boolean }).isAdmin },
      'yes',
      'access.read',
    ],
  ];

  test.each(cases)('is decided with %s', async (_, access, allowed, rule) => {
    const { service, explain } = await open({ access });
    await service.publish('user.ann', { ...ITEM, id: 'a' });
    const { access: decided } = await explain('a', { subscriber: 'ann' });
    expect(decided).toEqual({ subscriber: 'ann', waiters: 0, allowed, rule });
  });

  test('is unknown if a rule fails, and the error is logged', async () => {
    const error = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    atTestEnd(() => error.mockRestore());
    const { service, explain } = await open({ access: { read: () => Promise.reject(new Error('down')) } });
    await service.publish('user.ann', { ...ITEM, id: 'a' });
    const { access } = await explain('a', { subscriber: 'ann' });
    expect(access).toEqual({ subscriber: 'ann', waiters: 0, allowed: 'unknown', rule: 'access.read' });
    expect(error.mock.calls).toEqual([[expect.stringContaining('`explain`'), expect.stringContaining('down')]]);
  });
});

describe('an item of an inbox', () => {
  test('has its state, and only for subscribers who see it', async () => {
    const { inbox, feed } = await inboxNode({ topics: (subscriber) => (subscriber === 'ann' ? ['all'] : []) });
    const { id } = await inbox.send({ topic: 'all' }, { type: 'release' });
    await inbox.markRead('ann', id);
    expect(await feed.explain(id, { subscriber: 'ann' })).toMatchObject({
      status: 'deliverable',
      access: { allowed: 'yes', rule: 'inbox.topics' },
      item: { state: 'item', seen: true, read: true, archived: false, removed: false },
    });
    await inbox.archive('ann', id);
    expect((await feed.explain(id, { subscriber: 'ann' })).item).toMatchObject({ archived: true });
    await inbox.remove('ann', id);
    expect((await feed.explain(id, { subscriber: 'ann' })).item).toMatchObject({ state: 'none', removed: true });
    expect(await feed.explain(id, { subscriber: 'bob' })).toMatchObject({
      access: { allowed: 'no', rule: 'inbox.topics' },
      item: { state: 'none' },
    });
  });
});
