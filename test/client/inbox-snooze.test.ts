import { afterEach, expect, test } from '@jest/globals';
import { endTest } from '../support/http/cleanup.js';
import { until } from '../support/time/until.js';
import { fill, idsIn, InboxDevice, openInbox, startInbox, unreadIn } from './inbox-app.js';

afterEach(endTest);

const HOUR_MS = 3_600_000;

test.each([[undefined], [['comment']]])(
  '"mark all" of the types %j does not change a snoozed item, on any device',
  async (types) => {
    const app = await startInbox();
    await fill(app.service, 3);
    const device = new InboxDevice();
    const [inbox, other] = [openInbox(app, device), openInbox(app)];
    for (const one of [inbox, other]) {
      one.subscribe(() => undefined);
      await until(() => one.status === 'live');
    }
    await inbox.snooze('a2', new Date(Date.now() + HOUR_MS));
    await until(() => idsIn(other).length === 2);
    device.goOffline();
    const all = inbox.markAllRead(inbox.snapshot, { types });
    const shown = inbox.unsnooze('a2');
    expect(unreadIn(inbox)).toEqual(['a2']);
    device.goOnline();
    await Promise.all([all, shown]);
    for (const one of [inbox, other]) {
      await until(() => idsIn(one).length === 3 && one.counts.unread === 1);
      expect(unreadIn(one)).toEqual(['a2']);
    }
    expect(JSON.parse(device.sent[1]!)).not.toHaveProperty('except');
    expect((await app.service.list('ann', { status: 'unread' })).items).toHaveLength(1);
  },
);
