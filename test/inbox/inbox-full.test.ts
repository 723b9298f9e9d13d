import 'reflect-metadata';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { InboxOptions, InboxService } from 'nest-notifications/inbox';
import { endTest } from '../support/http/cleanup.js';
import { idsOf, inboxNode } from '../support/inbox.js';

const EXCEPTIONS_MAX = 10;
const ITEMS = Array.from({ length: 30 }, (_, index) => `a${index + 1}`);

afterEach(endTest);

async function open(options: Partial<InboxOptions> = {}): Promise<InboxService> {
  const { inbox } = await inboxNode({ operations: { exceptionsMax: EXCEPTIONS_MAX }, ...options });
  await inbox.send({ topic: 'team.7' }, { id: 'plan', type: 'release' });
  for (const id of ITEMS) await inbox.send('ann', { id, type: 'comment' });
  return inbox;
}

describe('items that were changed one by one, above the limit', () => {
  test.each([
    ['remove', 'inbox', false],
    ['archive', 'archived', true],
  ] as const)('of an inbox with broadcasts are rejected: %s', async (method, status, hasIt) => {
    const topics = ['announcements'];
    const inbox = await open({ topics: () => topics });
    const ids = ITEMS.slice(0, EXCEPTIONS_MAX);
    for (const id of ids) await inbox[method]('ann', id);
    const more = inbox[method]('ann', 'a20');
    await expect(more).rejects.toMatchObject({
      code: 'inbox_full',
      message: expect.stringContaining('up to a cursor'),
    });
    // The older item of a broadcast that the subscriber gains has its own state.
    topics.push('team.7');
    expect(idsOf(await inbox.list('ann'))).toContain('plan');
    // The operation that the message advises.
    topics.pop();
    await inbox[method]('ann', { upTo: (await inbox.list('ann')).follow });
    await inbox.send('ann', { id: 'a31', type: 'comment' });
    expect(await inbox[method]('ann', 'a31')).toMatchObject({ changed: true });
    expect(idsOf(await inbox.list('ann', { status })).includes('a31')).toBe(hasIt);
  });

  test.each(['remove', 'archive'] as const)('of an inbox without broadcasts get a watermark: %s', async (method) => {
    const inbox = await open();
    for (const id of ITEMS) await inbox[method]('ann', id);
    expect((await inbox.list('ann')).counts.total).toBe(0);
  });

  test.each(['markRead', 'markSeen'] as const)('get a watermark: %s', async (method) => {
    const inbox = await open({ topics: () => ['announcements'] });
    for (const id of ITEMS) await inbox[method]('ann', id);
    expect((await inbox.list('ann')).counts.unseen).toBe(0);
  });
});
