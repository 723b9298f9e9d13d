import { afterEach, describe, expect, test } from '@jest/globals';
import { endTest } from '../support/http/cleanup.js';
import { until } from '../support/time/until.js';
import { fill, idsIn, InboxDevice, openInbox, startInbox, unreadIn } from './inbox-app.js';

afterEach(endTest);

describe.each(['poll', 'sse'] as const)('an inbox by %s', (transport) => {
  test('loads the newest page, older pages and new items', async () => {
    const app = await startInbox();
    await fill(app.service, 5);
    const inbox = openInbox(app, new InboxDevice(), { transport, limit: 2 });
    expect(inbox.snapshot).toMatchObject({ status: 'idle', items: [], more: false });
    inbox.subscribe(() => undefined);
    expect(inbox.status).toBe('loading');
    await until(() => inbox.status === 'live');
    expect([idsIn(inbox), inbox.snapshot.more]).toEqual([['a5', 'a4'], true]);
    expect(inbox.counts).toMatchObject({ unseen: 5, unread: 5, total: 5, types: { comment: 5 } });
    await Promise.all([inbox.loadOlder(), inbox.loadOlder()]);
    expect(idsIn(inbox)).toEqual(['a5', 'a4', 'a3', 'a2']);
    await inbox.loadOlder();
    expect([idsIn(inbox), inbox.snapshot.more]).toEqual([['a5', 'a4', 'a3', 'a2', 'a1'], false]);
    await fill(app.service, 1, 6);
    await until(() => idsIn(inbox)[0] === 'a6');
    expect([inbox.items.length, inbox.counts.unread]).toEqual([6, 6]);
  });

  test('shows an operation at once, and keeps its effect', async () => {
    const app = await startInbox();
    await fill(app.service, 3);
    const inbox = openInbox(app, new InboxDevice(), { transport });
    const unread: number[] = [];
    inbox.subscribe(() => unread.push(inbox.counts.unread));
    await until(() => inbox.status === 'live');
    unread.length = 0;
    const done = inbox.markRead('a2');
    expect([unreadIn(inbox), inbox.counts.unread, inbox.snapshot.pending]).toEqual([['a3', 'a1'], 2, 1]);
    await done;
    expect([unreadIn(inbox), inbox.counts.unread, inbox.snapshot.pending]).toEqual([['a3', 'a1'], 2, 0]);
    await inbox.archive(inbox.items[0]!);
    await until(() => inbox.counts.total === 2);
    expect(new Set(unread)).toEqual(new Set([2, 1]));
    expect(idsIn(inbox)).toEqual(['a2', 'a1']);
  });

  test('agrees with another device of the user', async () => {
    const app = await startInbox();
    await fill(app.service, 3);
    const [here, there] = [1, 2].map(() => openInbox(app, new InboxDevice(), { transport })) as [never, never];
    const inboxes: ReturnType<typeof openInbox>[] = [here, there];
    for (const inbox of inboxes) inbox.subscribe(() => undefined);
    await until(() => inboxes.every(({ status }) => status === 'live'));
    const [one, other] = inboxes as [ReturnType<typeof openInbox>, ReturnType<typeof openInbox>];
    await one.markAllRead();
    await other.markUnread('a2');
    await one.archive('a1');
    await until(() => inboxes.every((inbox) => idsIn(inbox).join() === 'a3,a2' && unreadIn(inbox).join() === 'a2'));
    await until(() => inboxes.every(({ counts }) => counts.unread === 1 && counts.total === 2));
  });

  test('marks all up to the snapshot that was shown', async () => {
    const app = await startInbox();
    await fill(app.service, 2);
    const inbox = openInbox(app, new InboxDevice(), { transport });
    inbox.subscribe(() => undefined);
    await until(() => inbox.status === 'live');
    const shown = inbox.snapshot;
    await fill(app.service, 1, 3);
    await until(() => inbox.items.length === 3);
    const done = inbox.markAllRead(shown);
    expect([unreadIn(inbox), inbox.counts.unread]).toEqual([['a3'], 1]);
    await done;
    expect((await app.service.list('ann', { status: 'unread' })).items.length).toBe(1);
    await until(() => inbox.counts.unread === 1 && unreadIn(inbox).join() === 'a3');
  });
});
