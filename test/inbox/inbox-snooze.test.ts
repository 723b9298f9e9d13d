import 'reflect-metadata';
import { afterEach, describe, expect, test } from '@jest/globals';
import { memoryStore } from 'nest-notifications';
import type { InboxService } from 'nest-notifications/inbox';
import { ManualClock } from 'nest-notifications/testing';
import { endTest } from '../support/http/cleanup.js';
import { idsOf, inboxNode, shared } from '../support/inbox.js';

const SNOOZE_MS = 1_000;
const clock = new ManualClock();

afterEach(endTest);

/** Two nodes with the items `a1` to `a3`. */
async function open(): Promise<readonly [InboxService, InboxService]> {
  const store = shared(memoryStore());
  const [first, second] = [await inboxNode({ clock, store }), await inboxNode({ clock, store })];
  for (const id of ['a1', 'a2', 'a3']) await first.inbox.send('ann', { id, type: 'comment' });
  return [first.inbox, second.inbox];
}

function snooze(inbox: InboxService, id: string): Promise<unknown> {
  return inbox.snooze('ann', id, new Date(clock.now() + SNOOZE_MS));
}

describe('"mark all" while an item is snoozed', () => {
  test.each([
    ['markSeen', {}],
    ['markRead', {}],
    ['archive', {}],
    ['remove', {}],
    ['markSeen', { type: 'comment' }],
    ['markRead', { type: 'comment' }],
    ['archive', { type: 'comment' }],
    ['remove', { type: 'comment' }],
  ] as const)('does not change the item: %s of %j', async (method, types) => {
    const nodes = await open();
    const [inbox, other] = nodes;
    await snooze(inbox, 'a2');
    const { follow } = await inbox.list('ann');
    await inbox[method]('ann', { upTo: follow, ...types });
    expect(idsOf(await other.list('ann', { status: 'snoozed' }))).toEqual(['a2']);
    await clock.advance(SNOOZE_MS);
    for (const node of nodes) expect(idsOf(await node.list('ann', { status: 'unseen' }))).toContain('a2');
    const { unread } = (await other.list('ann')).counts;
    expect(unread).toBe(method === 'markSeen' ? 3 : 1);
  });

  test('changes the item after the end of its snooze', async () => {
    const [inbox, other] = await open();
    await snooze(inbox, 'a2');
    const { follow } = await inbox.list('ann');
    await inbox.markRead('ann', { upTo: follow });
    await clock.advance(SNOOZE_MS);
    expect(await inbox.markRead('ann', { upTo: follow })).toMatchObject({ changed: true, counts: { unread: 0 } });
    expect((await other.counts('ann')).unread).toBe(0);
  });

  test('changes an archived item, which does not return', async () => {
    const [inbox, other] = await open();
    await snooze(inbox, 'a2');
    await inbox.archive('ann', 'a2');
    await inbox.markRead('ann', { upTo: (await inbox.list('ann')).follow });
    const { items } = await other.list('ann', { status: 'archived' });
    expect(items).toMatchObject([{ read: true, notification: { id: 'a2' } }]);
  });
});

describe('the time at which the next snooze ends', () => {
  test.each(['archive', 'remove'] as const)('is not the time of an item after %s', async (method) => {
    const [inbox] = await open();
    await snooze(inbox, 'a2');
    expect(await inbox[method]('ann', 'a2')).not.toHaveProperty('counts.snoozeEndsAt');
  });
});
