import { afterEach, expect, test } from '@jest/globals';
import { NotificationsModule } from 'nest-notifications';
import { InboxModule, InboxService } from 'nest-notifications/inbox';
import { ManualClock } from 'nest-notifications/testing';
import { END_OF_LOG } from '../../src/core/store.js';
import { REMOVE_AFTER_MS } from '../../src/inbox/compaction.js';
import { ITEMS_PER_READ } from '../../src/inbox/nest/inbox-items.js';
import { fastify } from '../support/http/adapters.js';
import { startApp } from '../support/http/app.js';
import { endTest } from '../support/http/cleanup.js';
import { request } from '../support/http/connection.js';
import { inboxNode } from '../support/inbox.js';
import { ScriptedStore } from '../support/scripted-store.js';

afterEach(endTest);

/** More operations than one page of the live feed has. */
const OPERATIONS = 150;

test.each([0, 5])(
  'a device that was away gets a gap for removed operations, %i items before the rest',
  async (itemCount) => {
    const clock = new ManualClock();
    const options = { access: { subscriber: () => 'ann' }, clock, window: { count: 1 } };
    const imports = [NotificationsModule.forRoot({ access: 'public' }), InboxModule.forRoot(options)];
    const app = await startApp(fastify, { imports });
    const inbox = app.nest.get(InboxService, { strict: false });
    const get = async (query = '') => (await request(app, { path: `/inbox?${query}` })).json;
    for (const id of ['a1', 'a2']) await inbox.send('ann', { id, type: 'comment' });
    const { follow } = await get();
    await inbox.markRead('ann', 'a1');
    for (let n = 0; n < itemCount; n++) await inbox.send('ann', { id: `m${n}`, type: 'comment' });
    for (let n = 0; n < OPERATIONS; n++) {
      await (n % 2 ? inbox.markUnread('ann', 'a2') : inbox.markRead('ann', 'a2'));
      if (n % 50 === 49) await clock.advance(REMOVE_AFTER_MS);
    }
    const first = await get(`cursor=${follow}&wait=0`);
    const second = await get(`cursor=${first.cursor}&wait=0`);
    expect(JSON.stringify([first.changes, second.changes])).not.toContain('a1');
    expect([first.more, second.more]).toEqual([true, false]);
    expect([first.gap, second.gap]).toEqual([{ reason: 'expired' }, undefined]);
  },
);

test('an operation is rejected during a failover that the node has not noticed', async () => {
  const clock = new ManualClock();
  const store = await ScriptedStore.open({}, clock);
  const { inbox } = await inboxNode({ clock, store: () => Promise.resolve(store) });
  // More items than one read has, so that the window has the newest ones.
  for (let n = 0; n <= ITEMS_PER_READ; n++) await inbox.send('ann', { id: `a${n}`, type: 'comment' });
  const { head } = await store.read(END_OF_LOG);
  const { follow } = await inbox.list('ann');
  const deliverTail = store.holdTail();
  await store.failOver(head - 1);
  await inbox.send('ann', { id: 'new', type: 'comment' });
  await expect(inbox.markRead('ann', { upTo: follow })).rejects.toMatchObject({ code: 'draining' });
  deliverTail();
  expect((await inbox.list('ann', { limit: 1 })).items).toMatchObject([{ notification: { id: 'new' }, read: false }]);
});
