import { afterEach, describe, expect, test } from '@jest/globals';
import { memoryStore } from 'nest-notifications';
import type { InboxService, PerformedOperation } from 'nest-notifications/inbox';
import { ManualClock } from 'nest-notifications/testing';
import { endTest } from '../support/http/cleanup.js';
import { inboxNode } from '../support/inbox.js';

const IDEMPOTENCY_MS = 50;
const clock = new ManualClock();

async function open(): Promise<InboxService> {
  return (await inboxNode({ clock, store: memoryStore({ idempotencyMs: IDEMPOTENCY_MS }) })).inbox;
}

/** The items of a list, with `+` for read ones. */
async function shown(inbox: InboxService): Promise<string[]> {
  const { items } = await inbox.list('ann');
  return items.map(({ notification: { id }, read }) => (read ? `+${id}` : id));
}

afterEach(endTest);

describe('"mark all" marks the older items if the newest shown item', () => {
  test('was replaced', async () => {
    const inbox = await open();
    for (const id of ['c1', 'c2']) await inbox.send('ann', { id, type: 'comment' });
    await inbox.send('ann', { id: 'like1', type: 'like', key: 'likes' });
    const { follow } = await inbox.list('ann');
    await inbox.send('ann', { id: 'like2', type: 'like', key: 'likes' });
    expect(await inbox.markRead('ann', { upTo: follow })).toMatchObject({ changed: true, counts: { unread: 1 } });
    expect(await shown(inbox)).toEqual(['like2', '+c2', '+c1']);
  });

  test('was retracted', async () => {
    const inbox = await open();
    for (const id of ['c1', 'c2', 'c3']) await inbox.send('ann', { id, type: 'comment' });
    const { follow } = await inbox.list('ann');
    await inbox.retract('ann', 'c3');
    await inbox.markRead('ann', { upTo: follow });
    expect(await shown(inbox)).toEqual(['+c2', '+c1']);
  });

  test('has expired, as have more items than one read returns', async () => {
    const inbox = await open();
    await inbox.send('ann', { id: 'c1', type: 'comment' });
    for (let n = 0; n < 150; n++) await inbox.send('ann', { type: 'comment', ttlMs: 1_000 });
    const { follow } = await inbox.list('ann');
    await clock.advance(1_000);
    expect((await inbox.archive('ann', { upTo: follow })).counts.total).toBe(0);
  });
});

describe('an id that was sent again', () => {
  async function sendTwice(between: number): Promise<InboxService> {
    const inbox = await open();
    await inbox.send('ann', { id: 'daily', type: 'report' });
    for (let n = 0; n < between; n++) await inbox.send('ann', { type: 'comment' });
    await clock.advance(IDEMPOTENCY_MS + 1);
    await inbox.send('ann', { id: 'daily', type: 'report' });
    return inbox;
  }

  test.each([0, 150])('names all its items, also with %i items between them', async (between) => {
    const inbox = await sendTwice(between);
    const changes: PerformedOperation[] = [];
    inbox.changes$.subscribe((change) => changes.push(change));
    expect(await inbox.markRead('ann', 'daily')).toMatchObject({ changed: true, unknown: [] });
    const { items } = await inbox.list('ann', { type: 'report' });
    expect(items.map(({ read }) => read)).toEqual([true, true]);
    expect(changes).toEqual([{ subscriber: 'ann', op: 'read', ids: ['daily'], upTo: false }]);
    expect((await inbox.markRead('ann', 'daily')).changed).toBe(false);
  });

  test('is unknown when all its items were removed', async () => {
    const inbox = await open();
    await inbox.send('ann', { id: 'daily', type: 'report' });
    await inbox.remove('ann', 'daily');
    await clock.advance(IDEMPOTENCY_MS + 1);
    await inbox.send('ann', { id: 'daily', type: 'report' });
    expect(await inbox.markRead('ann', 'daily')).toMatchObject({ changed: true, unknown: [] });
    await inbox.remove('ann', 'daily');
    expect(await inbox.markRead('ann', 'daily')).toMatchObject({ changed: false, unknown: ['daily'] });
  });
});
