/** Checks that esm.mjs and cjs.cjs share. CommonJS, so that both can load them. */
const assert = require('node:assert/strict');
const { createServer } = require('node:http');

/** Every entry of package.json's exports, with names that it must export. */
const ENTRIES = {
  '.': ['connect', 'cursorIn', 'FeedError', 'parseTopic', 'topicOf'],
  './tabs': ['betweenTabs'],
  './inbox': ['createInbox', 'queueIn'],
  './inbox-element': ['NotificationInboxElement', 'defineInboxElement'],
  './react': ['NotificationsProvider', 'useInbox', 'useNotifications'],
};

exports.check = async (exportsField, load) => {
  const entries = Object.keys(exportsField).filter((entry) => entry !== './package.json');
  assert.deepEqual(entries.sort(), Object.keys(ENTRIES).sort());
  for (const entry of entries) {
    const names = Object.keys(await load(`nest-notifications-client${entry.slice(1)}`));
    assert.deepEqual(names.sort(), ENTRIES[entry].sort());
  }
  const { connect } = await load('nest-notifications-client');
  const { betweenTabs } = await load('nest-notifications-client/tabs');
  await checkDelivery(connect, betweenTabs('ann'));
};

/** Reads one notification from a server that answers each poll with one. */
async function checkDelivery(connect, share) {
  const server = createServer((_, response) => {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ notifications: [{ id: '1' }], cursor: 'c', more: false }));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}/notifications`;
  const feed = connect({ url, transport: 'poll', share });
  for await (const { id } of feed) {
    assert.equal(id, '1');
    break;
  }
  feed.close();
  server.closeAllConnections();
  server.close();
}
