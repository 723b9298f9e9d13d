import { afterEach, describe, expect, test } from '@jest/globals';
import { FeedError } from 'nest-notifications/client';
import { queueIn } from 'nest-notifications/client/inbox';
import { KEEPALIVE_CHARS_MAX, OPERATIONS_MAX, QUEUED_CHARS_MAX } from '../../src/client/inbox/operation-queue.js';
import type { Inbox } from '../../src/client/inbox/inbox.js';
import { endTest } from '../support/http/cleanup.js';
import { until } from '../support/time/until.js';
import {
  answer,
  fill,
  idsIn,
  type InboxApp,
  InboxDevice,
  openInbox,
  startInbox,
  storageOf,
  unreadIn,
} from './inbox-app.js';

afterEach(endTest);

interface Opened extends InboxApp {
  readonly inbox: Inbox;
  readonly device: InboxDevice;
}

/** An inbox with the items `a1` to `a<count>`, after its first page. */
async function open(count: number, options: Parameters<typeof openInbox>[2] = {}): Promise<Opened> {
  const app = await startInbox();
  await fill(app.service, count);
  const device = new InboxDevice();
  const inbox = openInbox(app, device, options);
  inbox.subscribe(() => undefined);
  await until(() => inbox.status === 'live');
  return { ...app, inbox, device };
}

/** The code of the error that a promise rejects with. */
async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  const error = await promise.catch((reason: unknown) => reason);
  return error instanceof FeedError ? error.code : `no FeedError: ${String(error)}`;
}

const isPost = (init?: RequestInit): boolean => init?.method === 'POST';

describe('an operation', () => {
  test.each([
    [400, 'cursor_invalid'],
    [403, 'forbidden'],
    [409, 'inbox_full'],
  ])('is rolled back after %i %s, and the next one is sent', async (status, code) => {
    const { inbox, device } = await open(3);
    const before = inbox.snapshot;
    device.intercept = (_, init) => (isPost(init) && device.sent.length === 0 ? answer(status, code) : undefined);
    const rejected = inbox.markAllRead();
    const next = inbox.markRead('a2');
    expect([unreadIn(inbox), inbox.counts.unread]).toEqual([[], 0]);
    await rejected.catch(() => {
      expect([unreadIn(inbox), inbox.counts.unread]).toEqual([['a3', 'a1'], 2]);
      expect(inbox.snapshot.error).toMatchObject({ status, code });
    });
    expect(await codeOf(rejected)).toBe(code);
    await next;
    expect(inbox.snapshot.error).toBeUndefined();
    expect(device.sent).toHaveLength(2);
    expect(before.items.every(({ read }) => !read)).toBe(true);
  });

  test('waits behind failures, and keeps the order of the calls', async () => {
    const { inbox, device, service } = await open(2);
    const pauses: number[] = [];
    const { setTimeout: real } = device.environment;
    Object.assign(device.environment, {
      setTimeout: (task: () => void, ms: number) => {
        pauses.push(ms);
        return real(task, ms === 7_000 ? 0 : ms);
      },
    });
    const failures = [answer(503, 'busy', { 'Retry-After': '7' }), answer(500, 'broken'), answer(429, 'too_fast')];
    device.intercept = (_, init) => (isPost(init) ? failures.shift() : undefined);
    await Promise.all([inbox.markRead('a1'), inbox.markUnread('a1'), inbox.archive('a1')]);
    expect(device.sent.map((body) => (JSON.parse(body) as { op: string }).op)).toEqual([
      ...['read', 'read', 'read', 'read'],
      ...['unread', 'archive'],
    ]);
    expect(pauses).toContain(7_000);
    const { items } = await service.list('ann', { status: 'archived' });
    expect(items).toMatchObject([{ notification: { id: 'a1' }, read: false }]);
  });

  test('names at most 100 items in one request', async () => {
    const { inbox, device } = await open(1);
    await inbox.markRead(Array.from({ length: 150 }, (_, n) => `a${n}`));
    expect(device.sent.map((body) => (JSON.parse(body) as { ids: string[] }).ids.length)).toEqual([100, 50]);
    await inbox.markRead([]);
    expect(device.sent).toHaveLength(2);
  });

  test('is completed although the user leaves the page, unless its body is too long', async () => {
    const { inbox, device } = await open(1);
    const operations: (boolean | undefined)[] = [];
    const reads: (boolean | undefined)[] = [];
    device.intercept = (_, init) => {
      (isPost(init) ? operations : reads).push(init?.keepalive);
      return undefined;
    };
    await inbox.markRead('a1');
    await codeOf(inbox.markRead('\u20ac'.repeat(KEEPALIVE_CHARS_MAX)));
    await inbox.reload();
    expect(operations).toEqual([true, false]);
    expect(reads).toEqual([undefined]);
  });

  test('is sent again with new credentials after a 401', async () => {
    const refusals: boolean[] = [];
    const auth = ({ refused }: { refused: boolean }): string => {
      refusals.push(refused);
      return 'ann';
    };
    const { inbox, device, service } = await open(1, { auth });
    refusals.length = 0;
    device.intercept = (_, init) =>
      isPost(init) && device.sent.length === 0 ? answer(401, 'unauthorized') : undefined;
    await inbox.markRead('a1');
    expect(refusals).toEqual([false, true]);
    expect((await service.counts('ann')).unread).toBe(0);
  });

  test('keeps its effect while an older event arrives between its answer and its own event', async () => {
    const { inbox, device, service } = await open(2, { transport: 'poll' });
    let deliver = (): void => undefined;
    const held = new Promise<void>((resolve) => (deliver = resolve));
    device.intercept = async (url, init) => {
      if (!isPost(init) && url.includes('cursor=')) await held;
      return undefined;
    };
    const unread: string[] = [];
    inbox.subscribe(() => unread.push(unreadIn(inbox).join()));
    await service.markSeen('ann', 'a1');
    await until(() => inbox.items.some(({ seen }) => seen));
    await inbox.markRead('a2');
    expect(inbox.snapshot.pending).toBe(0);
    deliver();
    await fill(service, 1, 3);
    await until(() => inbox.items.length === 3);
    await until(() => inbox.counts.unread === 2);
    expect(unread.slice(unread.indexOf('a1')).filter((ids) => ids.includes('a2'))).toEqual([]);
  });

  test('does not hide a later one of another device if the list was loaded meanwhile', async () => {
    const { inbox, device, service } = await open(1, { transport: 'poll' });
    let isFirst = true;
    device.intercept = async (url, init) => {
      if (isPost(init) || !isFirst) return undefined;
      // The live feed is blocked until the page has been read.
      if (url.includes('cursor=')) {
        return new Promise((_, reject) => init?.signal?.addEventListener('abort', () => reject(new Error('aborted'))));
      }
      isFirst = false;
      await inbox.markRead('a1');
      return undefined;
    };
    await service.markSeen('ann', 'a1');
    await until(() => inbox.items.some(({ seen }) => seen));
    await inbox.reload();
    expect([device.sent.length, unreadIn(inbox)]).toEqual([1, []]);
    await service.markUnread('ann', 'a1');
    await until(() => unreadIn(inbox).join() === 'a1');
  });

  test.each([
    ['some types', ['comment']],
    ['repeated types', ['comment', 'comment']],
  ])('on all items of %s leaves the others, and ends with the event of the server', async (_, types) => {
    const { inbox, device, service } = await open(2);
    await service.send('ann', { id: 'like', type: 'like' });
    await until(() => inbox.items.length === 3);
    const done = inbox.markAllRead(undefined, { types });
    expect([unreadIn(inbox), inbox.counts.unread, inbox.counts.types]).toEqual([['like'], 1, { like: 1 }]);
    await done;
    expect(JSON.parse(device.sent[0]!)).toMatchObject({ op: 'read', type: ['comment'] });
    await until(() => inbox.counts.unread === 1);
    // Another device wins, because the effect ends with its event.
    await service.markUnread('ann', 'a1');
    await until(() => unreadIn(inbox).join() === 'like,a1');
  });

  test('on more than 100 items of a type keeps its effect until the last event of the server', async () => {
    const app = await startInbox();
    const { service } = app;
    await fill(service, 102);
    const device = new InboxDevice();
    // A record has 100 items, and each delivery of the live feed has one record.
    device.intercept = (url, init) =>
      url.includes('cursor=') ? fetch(url.replace('limit=100', 'limit=1'), init) : undefined;
    const inbox = openInbox(app, device, { limit: 100 });
    inbox.subscribe(() => undefined);
    await until(() => inbox.status === 'live');
    await inbox.loadOlder();
    expect(unreadIn(inbox)).toHaveLength(102);
    const unread: number[] = [];
    const done = inbox.markAllRead(undefined, { types: ['comment'] });
    inbox.subscribe(() => unread.push(unreadIn(inbox).length));
    await done;
    await service.send('ann', { id: 'last', type: 'like' });
    await until(() => idsIn(inbox)[0] === 'last');
    expect(new Set(unread)).toEqual(new Set([0, 1]));
    // Another device wins.
    await service.markUnread('ann', 'a1');
    await until(() => unreadIn(inbox).join() === 'last,a1');
  });

  test('on exactly 100 items of a type ends with the next change of another device', async () => {
    const { inbox, service } = await open(100, { limit: 100 });
    await inbox.markAllRead(undefined, { types: ['comment'] });
    await service.markUnread('ann', 'a1');
    await until(() => unreadIn(inbox).join() === 'a1');
  });

  test('on all items of more than 20 types is sent in several requests', async () => {
    const { inbox, device } = await open(1);
    const types = Array.from({ length: 20 }, (_, index) => `type.${index}`);
    await inbox.markAllRead(undefined, { types: [...types, 'comment'] });
    expect(device.sent.map((body) => (JSON.parse(body) as { type: unknown }).type)).toEqual([types, ['comment']]);
    await until(() => inbox.counts.unread === 0);
  });

  test('of another device after it wins', async () => {
    const { inbox, service } = await open(1);
    await inbox.markRead('a1');
    await service.markUnread('ann', 'a1');
    await until(() => unreadIn(inbox).join() === 'a1');
    await service.markRead('ann', 'a1');
    await until(() => unreadIn(inbox).length === 0);
  });
});

describe('the queue', () => {
  test('merges ten operations of an offline device with those of others', async () => {
    const { inbox, device, service } = await open(12);
    device.goOffline();
    await until(() => inbox.status === 'offline');
    const all = inbox.markAllSeen();
    const operations = [
      ...['a1', 'a2', 'a3', 'a4'].map((id) => inbox.markRead(id)),
      inbox.markUnread('a4'),
      inbox.archive(['a5', 'a6']),
      inbox.unarchive('a6'),
      inbox.remove('a7'),
      inbox.snooze('a8', new Date(Date.now() + 3_600_000)),
    ];
    expect(inbox.snapshot.pending).toBe(10);
    expect(idsIn(inbox)).toEqual(['a12', 'a11', 'a10', 'a9', 'a6', 'a4', 'a3', 'a2', 'a1']);
    expect(inbox.counts).toMatchObject({ unseen: 0, unread: 6, total: 9 });
    await service.markRead('ann', 'a12');
    await service.archive('ann', 'a11');
    await fill(service, 1, 13);
    device.goOnline();
    await Promise.all([all, ...operations]);
    await until(() => inbox.counts.total === 9 && inbox.items[0]?.notification.id === 'a13');
    const page = await service.list('ann', {});
    await until(() => JSON.stringify(inbox.items) === JSON.stringify(page.items));
    await until(() => JSON.stringify(inbox.counts) === JSON.stringify(page.counts));
    expect(page.counts).toMatchObject({ unseen: 1, unread: 5, total: 9 });
    expect(inbox.snapshot.pending).toBe(0);
  });

  test('keeps the cursor of "mark all", so items that arrive before it is sent stay unread', async () => {
    const { inbox, device, service } = await open(2);
    device.goOffline();
    const done = inbox.markAllRead();
    await fill(service, 1, 3);
    device.goOnline();
    await done;
    await until(() => unreadIn(inbox).join() === 'a3' && inbox.counts.unread === 1);
  });

  test('survives a reload, and sends nothing for another name', async () => {
    const storage = storageOf();
    const { inbox, device, service, ...app } = await open(3, { queue: queueIn(storage, 'ann') });
    device.goOffline();
    const codes = [inbox.markRead('a1'), inbox.archive('a3')].map(codeOf);
    inbox.close();
    expect(await Promise.all(codes)).toEqual(['closed', 'closed']);
    expect([...storage.texts.keys()]).toEqual(['nest-notifications/inbox ann']);

    const bob = new InboxDevice();
    const other = openInbox({ service, ...app }, bob, { queue: queueIn(storage, 'bob'), auth: () => 'bob' });
    other.subscribe(() => undefined);
    await until(() => other.status === 'live');
    expect([other.snapshot.pending, bob.sent]).toEqual([0, []]);

    const again = openInbox({ service, ...app }, new InboxDevice(), { queue: queueIn(storage, 'ann') });
    again.subscribe(() => undefined);
    expect(again.snapshot.pending).toBe(2);
    await until(() => again.status === 'live' && again.snapshot.pending === 0);
    await until(() => unreadIn(again).join() === 'a2' && idsIn(again).join() === 'a2,a1');
    expect(await service.counts('ann')).toMatchObject({ unread: 1, total: 2 });
    expect(storage.texts.size).toBe(0);
  });

  test('skips an operation that another tab has sent', async () => {
    const storage = storageOf();
    const { inbox, device, ...app } = await open(1, { queue: queueIn(storage, 'ann') });
    device.goOffline();
    const done = inbox.markRead('a1');
    const second = new InboxDevice();
    second.isOnline = false;
    const other = openInbox(app, second, { queue: queueIn(storage, 'ann') });
    other.subscribe(() => undefined);
    expect(other.snapshot.pending).toBe(1);
    device.goOnline();
    await done;
    second.goOnline();
    await until(() => other.snapshot.pending === 0 && other.status === 'live');
    expect([device.sent.length, second.sent, unreadIn(other)]).toEqual([1, [], []]);
  });

  test('keeps its operations if the server refuses the credentials, and closes', async () => {
    const storage = storageOf();
    const { inbox, device } = await open(1, { queue: queueIn(storage, 'ann') });
    device.intercept = (_, init) => (isPost(init) ? answer(401, 'unauthorized') : undefined);
    expect(await codeOf(inbox.markRead('a1'))).toBe('unauthorized');
    expect(inbox.snapshot).toMatchObject({ status: 'closed', error: { status: 401 } });
    expect(storage.texts.size).toBe(1);
  });

  test('rejects operations when it is full, by count or by length', async () => {
    const { inbox, device } = await open(1);
    device.goOffline();
    const long = 'x'.repeat(QUEUED_CHARS_MAX);
    expect(await codeOf(inbox.markRead(long))).toBe('queue_full');
    for (let n = 0; n < OPERATIONS_MAX; n++) void inbox.markRead('a1');
    expect(inbox.snapshot.pending).toBe(OPERATIONS_MAX);
    expect(await codeOf(inbox.markRead('a1'))).toBe('queue_full');
    expect(inbox.snapshot.pending).toBe(OPERATIONS_MAX);
  });

  test('works in memory if the storage is full or has other texts', async () => {
    const queue = {
      load: () => '{"no":"array"}',
      save: () => {
        throw new Error('the storage is full');
      },
    };
    const { inbox, service } = await open(1, { queue });
    await inbox.markRead('a1');
    expect((await service.counts('ann')).unread).toBe(0);
  });

  test.each([['', 'empty'] as const, [undefined as unknown as string, 'undefined'] as const])(
    'needs a name with the id of the user, not %j',
    (name, shown) => {
      expect(() => queueIn(storageOf(), name)).toThrow(
        `the name of queueIn is ${shown}; pass a string with the id of the user`,
      );
    },
  );

  test('sends nothing after the inbox is closed', async () => {
    const { inbox, device } = await open(2);
    device.goOffline();
    const pending = codeOf(inbox.markRead('a1'));
    inbox.close();
    const { reads } = device;
    device.goOnline();
    expect(await pending).toBe('closed');
    expect(await codeOf(inbox.markRead('a2'))).toBe('closed');
    expect(await codeOf(inbox.reload())).toBe('closed');
    expect(await codeOf(inbox.loadOlder())).toBe('closed');
    inbox.subscribe(() => undefined);
    expect([device.sent, device.reads, device.listeners]).toEqual([[], reads, 0]);
    expect(inbox.snapshot).toMatchObject({ status: 'closed', pending: 0, error: undefined });
  });
});
