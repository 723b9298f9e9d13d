/** What esm.mjs and cjs.cjs do with the package they have loaded, each in its way. CommonJS, so that both can load it. */
const assert = require('node:assert/strict');

/** Every entry of package.json's exports, with names that must be there. */
exports.entries = {
  '.': ['NotificationsModule', 'NotificationsService'],
  './client': ['connect', 'cursorIn', 'FeedError'],
  './react': ['NotificationsProvider', 'useNotifications'],
  './terminus': ['NotificationsHealthIndicator'],
  './testing': ['ManualClock', 'storeContract'],
  './stores/sqlite': ['sqliteStore'],
  './stores/redis': ['redisStore'],
  './stores/postgres': ['postgresStore'],
  './stores/nats': ['natsStore'],
};

exports.checkEntries = async (exportsField, load) => {
  const entries = Object.keys(exportsField).filter((entry) => entry !== './package.json');
  assert.deepEqual(
    entries.sort(),
    Object.keys(exports.entries).sort(),
    'list the new entry in test/consumer/check.cjs',
  );
  for (const entry of entries) {
    const names = Object.keys(await load(`nest-notifications${entry.slice(1)}`));
    assert.ok(names.length > 0, `${entry} exports nothing`);
    for (const name of exports.entries[entry]) assert.ok(names.includes(name), `${entry} does not export ${name}`);
  }
};

/** A small application on either platform: publishes in-process, polls over HTTP. */
exports.checkDelivery = async ({ NestFactory, adapters, NotificationsModule, NotificationsService }) => {
  for (const adapter of adapters) {
    let asked = 0;
    class CountingGuard {
      canActivate() {
        asked++;
        return true;
      }
    }
    class AppModule {}
    const module = {
      module: AppModule,
      imports: [NotificationsModule.forRoot({ access: 'public', serveClient: true, guards: [CountingGuard] })],
    };
    const app = await NestFactory.create(module, adapter, { logger: ['fatal', 'error', 'warn'] });
    await app.listen(0, '127.0.0.1');
    await checkClientFile(await app.getUrl());
    await app.get(NotificationsService).publish('t', { type: 'demo', data: { n: 1 } });

    const response = await fetch(`${await app.getUrl()}/notifications?topic=t&cursor=earliest&wait=0`);
    const body = await response.json();
    assert.equal(response.status, 200, JSON.stringify(body));
    assert.equal(asked, 1, 'the guard of the module is asked');
    assert.deepEqual(Object.keys(body).sort(), ['cursor', 'more', 'notifications']);
    assert.equal(typeof body.cursor, 'string');
    assert.equal(body.more, false);
    assert.equal(body.notifications.length, 1);
    const [{ id, time, ...rest }] = body.notifications;
    assert.equal(typeof id, 'string');
    assert.equal(new Date(time).toISOString(), time);
    assert.deepEqual(rest, { topic: 't', type: 'demo', data: { n: 1 } });
    await app.close();
  }
};

/** The file that the package brings for pages without a bundler: one module, as the client's own entry. */
async function checkClientFile(url) {
  const response = await fetch(`${url}/notifications/client.js`);
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type'), /^text\/javascript/);
  const served = await import(`data:text/javascript,${encodeURIComponent(await response.text())}`);
  assert.deepEqual(Object.keys(served).sort(), Object.keys(await import('nest-notifications/client')).sort());
}
