import { afterEach, expect, test } from '@jest/globals';
import { memoryStore } from 'nest-notifications';
import { runtime } from '../../src/client/environment.js';
import type { BrowserApis, Channel } from '../../src/client/tabs/browser-apis.js';
import { shareThrough } from '../../src/client/tabs/tab-group.js';
import { endTest } from '../support/http/cleanup.js';
import { LaggingStore, shared } from '../support/inbox.js';
import { until } from '../support/time/until.js';
import { fill, idsIn, InboxDevice, openInbox, startInbox } from './inbox-app.js';

afterEach(endTest);

/** The locks and channels of a browser. The first page that requests a lock keeps it. */
function newBrowser(): BrowserApis {
  const channels = new Set<Channel>();
  let isLocked = false;
  return {
    locks: {
      request: async (_, options, task) => {
        if (!isLocked || 'steal' in options) {
          isLocked = true;
          return task();
        }
        return new Promise((resolve) => {
          if ('signal' in options) options.signal.addEventListener('abort', resolve);
        });
      },
    },
    openChannel: () => {
      const channel: Channel = {
        onmessage: null,
        postMessage: (data) => {
          for (const other of channels) {
            if (other !== channel) setImmediate(() => other.onmessage?.({ data: structuredClone(data) }));
          }
        },
        close: () => channels.delete(channel),
      };
      channels.add(channel);
      return channel;
    },
  };
}

test('a tab that joins through a lagging node receives what other tabs have received', async () => {
  const factory = shared(memoryStore());
  const lagging = new LaggingStore(factory);
  const [first, second] = [await startInbox({ store: factory }), await startInbox({ store: lagging.open })];
  await fill(first.service, 1);
  const share = shareThrough(newBrowser(), 'ann');
  const leader = openInbox(first, new InboxDevice(), { share, transport: 'poll' });
  leader.subscribe(() => undefined);
  await until(() => leader.status === 'live');
  lagging.hold();
  await fill(first.service, 1, 2);
  await until(() => idsIn(leader).join() === 'a2,a1');
  // The pause before a retry takes some seconds.
  const device = new InboxDevice({ setTimeout: (task, ms) => runtime.setTimeout(task, ms < 5_000 ? 1 : ms) });
  const joined = openInbox(second, device, { share, transport: 'poll' });
  joined.subscribe(() => undefined);
  // The page, and the first read of the live feed.
  await until(() => device.reads >= 2);
  await fill(first.service, 1, 3);
  await until(() => idsIn(leader)[0] === 'a3');
  lagging.release();
  await until(() => idsIn(joined)[0] === 'a3');
  expect(idsIn(joined)).toEqual(['a3', 'a2', 'a1']);
});
