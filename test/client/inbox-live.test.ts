import { afterEach, describe, expect, test } from '@jest/globals';
import { getNotificationsToken } from 'nest-notifications';
import type { Notification } from 'nest-notifications/client';
import { runtime } from '../../src/client/environment.js';
import { HELD_CHARS_MAX, HELD_EVENTS_MAX, HeldEvents } from '../../src/client/inbox/held-events.js';
import { Inbox } from '../../src/client/inbox/inbox.js';
import { ITEMS_MAX } from '../../src/client/inbox/live-list.js';
import { endTest } from '../support/http/cleanup.js';
import { turn, until } from '../support/time/until.js';
import { answer, fill, idsIn, InboxDevice, openInbox, startInbox, unreadIn } from './inbox-app.js';

afterEach(endTest);

const waitersOf = ({ app }: Awaited<ReturnType<typeof startInbox>>): number => {
  const feed = app.nest.get<{ counts(): { waiters: number } }>(getNotificationsToken('inbox'), { strict: false });
  return feed.counts().waiters;
};
const isLive = (url: string): boolean => url.includes('cursor=');
const json = (body: object): Response =>
  new Response(JSON.stringify(body), { headers: { 'Content-Type': 'application/json' } });

test('is connected while it has listeners, and continues from its position', async () => {
  const app = await startInbox();
  await fill(app.service, 2);
  const device = new InboxDevice();
  const inbox = openInbox(app, device);
  const [first, second] = [inbox.subscribe(() => undefined), inbox.subscribe(() => undefined)];
  await until(() => waitersOf(app) === 1);
  first();
  second();
  inbox.subscribe(() => undefined)();
  await until(() => inbox.status === 'idle' && waitersOf(app) === 0);
  expect([idsIn(inbox), device.listeners]).toEqual([['a2', 'a1'], 0]);
  const { reads } = device;
  await fill(app.service, 1, 3);
  await inbox.markRead('a1');
  expect([unreadIn(inbox), inbox.snapshot.pending, device.reads]).toEqual([['a2'], 0, reads]);
  inbox.subscribe(() => undefined);
  expect(inbox.status).toBe('live');
  await until(() => idsIn(inbox).join() === 'a3,a2,a1' && unreadIn(inbox).join() === 'a3,a2');
  expect(device.reads).toBe(reads + 1);
});

test('has the same snapshot until something changes', async () => {
  const app = await startInbox();
  const inbox = openInbox(app);
  const snapshots = new Set<unknown>();
  const unsubscribe = inbox.subscribe(() => {
    expect(snapshots.has(inbox.snapshot)).toBe(false);
    snapshots.add(inbox.snapshot);
  });
  await until(() => inbox.status === 'live');
  expect(inbox.snapshot).toBe(inbox.snapshot);
  unsubscribe();
  const { size } = snapshots;
  await inbox.reload();
  expect(snapshots.size).toBe(size);
});

test('reads the list without a listener, and then does not connect', async () => {
  const app = await startInbox();
  await fill(app.service, 1);
  const inbox = openInbox(app);
  await inbox.reload();
  expect([inbox.status, idsIn(inbox), waitersOf(app)]).toEqual(['idle', ['a1'], 0]);
});

test('loads the list again after a gap, and keeps older pages', async () => {
  const app = await startInbox();
  await fill(app.service, 5);
  const device = new InboxDevice();
  const inbox = openInbox(app, device, { transport: 'poll', limit: 2 });
  let hasGap = false;
  device.intercept = (url) => {
    if (!hasGap || !isLive(url)) return undefined;
    hasGap = false;
    const old = { notification: { id: 'old', topic: 't', type: 't' }, seen: false, read: false, archived: false };
    return json({ items: [old], changes: [], cursor: 'c', more: false, gap: { reason: 'expired' } });
  };
  inbox.subscribe(() => undefined);
  await until(() => inbox.status === 'live');
  await inbox.loadOlder();
  await until(() => waitersOf(app) === 1);
  hasGap = true;
  await app.service.markRead('ann', 'a1');
  await until(() => !hasGap && inbox.status === 'live' && waitersOf(app) === 1);
  expect(idsIn(inbox)).toEqual(['a5', 'a4', 'a3', 'a2']);
  await fill(app.service, 1, 6);
  await until(() => idsIn(inbox)[0] === 'a6');
});

test('lists a part of the inbox, and follows it', async () => {
  const app = await startInbox();
  await fill(app.service, 3);
  await app.service.send('ann', { id: 'b1', type: 'like', data: null });
  const inbox = openInbox(app, new InboxDevice(), { status: 'unread', types: ['comment'] });
  inbox.subscribe(() => undefined);
  await until(() => idsIn(inbox).join() === 'a3,a2,a1');
  await inbox.markRead('a2');
  expect(idsIn(inbox)).toEqual(['a3', 'a1']);
  await app.service.send('ann', { id: 'b2', type: 'like', data: null });
  await fill(app.service, 1, 4);
  await until(() => idsIn(inbox).join() === 'a4,a3,a1');
  expect(inbox.counts).toMatchObject({ unread: 5, types: { comment: 3, like: 2 } });
  const filtered = inbox.filter({ status: 'archived' });
  expect([inbox.status, idsIn(inbox)]).toEqual(['loading', []]);
  await filtered;
  expect([inbox.status, idsIn(inbox)]).toEqual(['live', []]);
  // The client has never loaded this item.
  await app.service.archive('ann', 'a2');
  await until(() => idsIn(inbox).join() === 'a2');
  await app.service.unarchive('ann', 'a2');
  await until(() => inbox.items.length === 0);
});

test('loads the list again if a change names items that it does not know', async () => {
  const app = await startInbox();
  await fill(app.service, 2);
  await app.service.archive('ann', ['a1', 'a2']);
  const inbox = openInbox(app);
  inbox.subscribe(() => undefined);
  await until(() => inbox.status === 'live');
  expect(inbox.items).toEqual([]);
  await app.service.unarchive('ann', 'a1');
  await until(() => idsIn(inbox).join() === 'a1');
  const { follow } = await app.service.list('ann', {});
  await app.service.markRead('ann', { upTo: follow });
  await until(() => unreadIn(inbox).length === 0);
});

test('removes a retracted item', async () => {
  const app = await startInbox();
  await fill(app.service, 2);
  const inbox = openInbox(app);
  inbox.subscribe(() => undefined);
  await until(() => inbox.status === 'live');
  await app.service.retract('ann', 'a1');
  await until(() => idsIn(inbox).join() === 'a2' && inbox.counts.total === 1);
});

test('replaces an item by a newer one with its key', async () => {
  const app = await startInbox();
  const send = (id: string) => app.service.send('ann', { id, type: 'like', key: 'post-7', data: null });
  await send('k1');
  await fill(app.service, 1);
  const inbox = openInbox(app);
  inbox.subscribe(() => undefined);
  await until(() => idsIn(inbox).join() === 'a1,k1');
  await send('k2');
  await until(() => idsIn(inbox).join() === 'k2,a1');
});

test('keeps an item whose key is limited to another publisher', async () => {
  const app = await startInbox();
  const options = { type: 'like', key: 'post-7', keyScope: 'publisher', data: null } as const;
  const send = (id: string, publisher: string) => app.service.send('ann', { ...options, id, publisher });
  await send('k1', 'bob');
  const inbox = openInbox(app);
  inbox.subscribe(() => undefined);
  await until(() => idsIn(inbox).join() === 'k1');
  await send('k2', 'eve');
  await send('k3', 'eve');
  await until(() => idsIn(inbox).join() === 'k3,k1');
});

test('keeps a change that arrives while an older page is read', async () => {
  const app = await startInbox();
  await fill(app.service, 4);
  const device = new InboxDevice();
  const inbox = openInbox(app, device, { limit: 2 });
  inbox.subscribe(() => undefined);
  await until(() => waitersOf(app) === 1);
  device.intercept = async (url) => {
    if (!url.includes('before=')) return undefined;
    const stale = await fetch(url, { headers: { Authorization: 'Bearer ann' } });
    await app.service.markRead('ann', ['a1', 'a4']);
    await until(() => unreadIn(inbox).join() === 'a3');
    return stale;
  };
  await inbox.loadOlder();
  expect(unreadIn(inbox)).toEqual(['a3', 'a2']);
});

test('loads an older page after a load of the list that is in progress', async () => {
  const app = await startInbox();
  await fill(app.service, 5);
  const device = new InboxDevice();
  const inbox = openInbox(app, device, { limit: 2 });
  inbox.subscribe(() => undefined);
  await until(() => inbox.status === 'live');
  let release = (): void => undefined;
  const held = new Promise<undefined>((resolve) => (release = () => resolve(undefined)));
  device.intercept = (url) => (isLive(url) || url.includes('before=') ? undefined : held);
  const loads = [inbox.reload(), inbox.loadOlder()];
  release();
  await Promise.all(loads);
  expect(idsIn(inbox)).toEqual(['a5', 'a4', 'a3', 'a2']);
});

test.each([
  ['the older page of the new list', (inbox: Inbox) => inbox.reload(), ['b1', 'a4', 'a3', 'a2']],
  ['no older page of another filter', (inbox: Inbox) => inbox.filter({ types: ['comment'] }), ['a4', 'a3']],
])('loads %s if the list changes while an older page is read', async (_, change, ids) => {
  const app = await startInbox();
  await fill(app.service, 4);
  const device = new InboxDevice();
  const inbox = openInbox(app, device, { limit: 2 });
  inbox.subscribe(() => undefined);
  await until(() => inbox.status === 'live');
  device.intercept = async (url) => {
    if (!url.includes('before=')) return undefined;
    device.intercept = () => undefined;
    const stale = await fetch(url, { headers: { Authorization: 'Bearer ann' } });
    await app.service.send('ann', { id: 'b1', type: 'like', data: null });
    await change(inbox);
    return stale;
  };
  await inbox.loadOlder();
  expect(idsIn(inbox)).toEqual(ids);
});

test('loads the list again if too many events arrive while an older page is read', async () => {
  const app = await startInbox();
  await fill(app.service, 4);
  const device = new InboxDevice();
  const inbox = openInbox(app, device, { limit: 2, transport: 'poll' });
  const headers = { Authorization: 'Bearer ann' };
  let position: string | undefined;
  let flood = 0;
  let pages = 0;
  inbox.subscribe(() => undefined);
  await until(() => waitersOf(app) === 1);
  device.intercept = async (url) => {
    if (isLive(url) && flood > 0) {
      if (!url.includes('flood')) [position] = /cursor=[^&]*/.exec(url) ?? [];
      const change = { op: 'seen', ids: ['other'] };
      return json({ items: [], changes: [change], cursor: `flood-${flood--}`, more: true });
    }
    if (url.includes('flood')) return fetch(url.replace(/cursor=[^&]*/, position!), { headers });
    if (!url.includes('before=') || ++pages > 1) return undefined;
    const stale = await fetch(url, { headers });
    flood = HELD_EVENTS_MAX + 1;
    await app.service.markRead('ann', ['a1', 'a4']);
    await until(() => flood === 0);
    return stale;
  };
  await inbox.loadOlder();
  expect([unreadIn(inbox), idsIn(inbox), pages]).toEqual([['a3', 'a2'], ['a4', 'a3', 'a2', 'a1'], 2]);
});

test('keeps events only up to a number and a length', () => {
  const event = (id: string) =>
    ({ items: [], changes: [{ op: 'read', ids: [id] }], retracted: [], counts: undefined }) as const;
  const items = [{ notification: { id: 'a' }, seen: false, read: false, archived: false }];
  const held = new HeldEvents();
  for (let n = 0; n < HELD_EVENTS_MAX; n++) held.add(event('a'));
  expect([held.isOver, held.withOlder([], items)]).toMatchObject([false, [{ read: true }]]);
  held.add(event('a'));
  expect([held.isOver, held.withOlder([], items)]).toMatchObject([true, [{ read: false }]]);
  const long = new HeldEvents();
  long.add(event('x'.repeat(HELD_CHARS_MAX)));
  expect(long.isOver).toBe(true);
});

test.each([
  ['snoozed', 3_601_000],
  ['expiring', 3_601_000],
])('loads the list again when the time of a %s item has come', async (kind, delayMs) => {
  const app = await startInbox();
  await fill(app.service, 1);
  const timers: { task: () => void; ms: number }[] = [];
  const device = new InboxDevice({
    setTimeout: (task, ms) => {
      if (ms > 3_000_000) timers.push({ task, ms });
      return ms > 3_000_000 ? undefined : runtime.setTimeout(task, ms);
    },
  });
  const inbox = openInbox(app, device);
  inbox.subscribe(() => undefined);
  await until(() => waitersOf(app) === 1);
  if (kind === 'snoozed') await inbox.snooze('a1', new Date(Date.now() + 3_600_000));
  else await app.service.send('ann', { type: 't', data: null, ttlMs: 3_600_000 });
  await until(() => timers.length > 0);
  expect(idsIn(inbox)).not.toEqual(['a1']);
  const { task, ms } = timers.at(-1)!;
  expect([ms <= delayMs, ms > delayMs - 60_000]).toEqual([true, true]);
  const { reads } = device;
  task();
  await until(() => device.reads > reads);
});

test('keeps at most 1,000 items', async () => {
  const app = await startInbox();
  await fill(app.service, 3);
  const device = new InboxDevice();
  const inbox = openInbox(app, device, { transport: 'poll', limit: 2 });
  let isFlooded = false;
  const items = Array.from({ length: ITEMS_MAX }, (_, n) => ({ notification: { id: `f${n}`, topic: 't', type: 't' } }));
  device.intercept = (url) => {
    if (!isFlooded || !isLive(url)) return undefined;
    isFlooded = false;
    return json({ items, changes: [], cursor: 'c', more: false });
  };
  inbox.subscribe(() => undefined);
  await until(() => waitersOf(app) === 1);
  isFlooded = true;
  await fill(app.service, 1, 4);
  await until(() => inbox.items.length >= ITEMS_MAX);
  expect(inbox.snapshot.more).toBe(false);
  await until(() => idsIn(inbox).join() === 'a4,a3');
  expect(inbox.snapshot.more).toBe(true);
});

describe('a server that', () => {
  test('refuses the reader closes the inbox with the error', async () => {
    const app = await startInbox();
    const inbox = openInbox(app, new InboxDevice(), { auth: () => ({}) });
    inbox.subscribe(() => undefined);
    await until(() => inbox.status === 'closed');
    expect(inbox.snapshot.error).toMatchObject({ status: 403, code: 'forbidden' });
  });

  test('fails, or answers with wrong pages, gets the request again', async () => {
    const app = await startInbox();
    await fill(app.service, 1);
    const device = new InboxDevice();
    const answers = [answer(500, 'x'), json({}), json({ items: 1, counts: {} }), new Response('<html>')];
    const states: string[] = [];
    device.intercept = () => answers.shift();
    const inbox = openInbox(app, device);
    inbox.subscribe(() => states.push(inbox.status));
    await until(() => inbox.status === 'live');
    expect([states[0], [...new Set(states)]]).toEqual(['loading', ['loading', 'offline', 'live']]);
    expect(idsIn(inbox)).toEqual(['a1']);
  });

  test('sends wrong events does not change the list', async () => {
    const app = await startInbox();
    await fill(app.service, 1);
    const device = new InboxDevice();
    const wrong = [
      { items: [null, 7, { notification: { id: 7 } }], changes: [] },
      { items: [], changes: [null, { op: 'explode', ids: ['a1'] }, { op: 'read', ids: [7] }, { op: 'toString' }] },
      { items: [], changes: [], retracted: [null, { id: 7 }] },
    ];
    let cursor = 0;
    const inbox = openInbox(app, device, { transport: 'poll' });
    device.intercept = (url) =>
      isLive(url) && wrong.length > 0 ? json({ ...wrong.shift(), cursor: `c${cursor++}`, more: false }) : undefined;
    inbox.subscribe(() => undefined);
    await until(() => wrong.length === 0);
    await turn(5);
    expect(inbox.items).toMatchObject([{ notification: { id: 'a1' }, read: false }]);
  });
});

test('closes when its signal is aborted', async () => {
  const controller = new AbortController();
  const app = await startInbox();
  const inbox = openInbox(app, new InboxDevice(), { signal: controller.signal });
  inbox.subscribe(() => undefined);
  await until(() => waitersOf(app) === 1);
  controller.abort();
  await until(() => waitersOf(app) === 0);
  expect(inbox.status).toBe('closed');
  expect(new Inbox<Notification>({ url: app.url, signal: controller.signal }).status).toBe('closed');
});
