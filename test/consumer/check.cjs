/** Checks that esm.mjs and cjs.cjs share. CommonJS, so that both can load them. */
const assert = require('node:assert/strict');

/** Every entry of package.json's exports, with the names of all values that it exports. */
exports.entries = {
  '.': [
    'InjectNotifications',
    'NotificationsException',
    'NotificationsModule',
    'NotificationsService',
    'PublishManyError',
    'getNotificationsOptionsToken',
    'getNotificationsStoreToken',
    'getNotificationsToken',
    'isTicketRequest',
    'memoryStore',
    'parseTopic',
    'redactTicket',
    'topicOf',
  ],
  './client': ['FeedError', 'connect', 'cursorIn', 'parseTopic', 'topicOf'],
  './client/tabs': ['betweenTabs'],
  './client/inbox': ['createInbox', 'queueIn'],
  './client/inbox-element': ['NotificationInboxElement', 'defineInboxElement'],
  './inbox': ['InboxModule', 'InboxService', 'InjectInbox', 'getInboxToken'],
  './inspector': ['NotificationsInspectorModule'],
  './react': ['NotificationsProvider', 'useInbox', 'useNotifications'],
  './asyncapi': ['asyncApiOf'],
  './opentelemetry': ['NotificationsOpenTelemetryModule', 'NotificationsTracesModule'],
  './prometheus': ['NotificationsPrometheusModule'],
  './terminus': ['NotificationsHealthIndicator'],
  './testing': ['ManualClock', 'storeContract'],
  './store': ['NotificationsError', 'PAST_EPOCHS_MAX', 'abilitiesOf', 'checkClaim', 'logEntry'],
  './stores/sqlite': ['sqliteStore'],
  './stores/redis': ['redisStore'],
  './stores/postgres': ['postgresStore', 'publishInTransaction'],
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
    assert.deepEqual(names.sort(), exports.entries[entry], `the exports of ${entry}`);
  }
};

/** Runs a small application on each platform: publishes in the process, polls over HTTP. */
exports.checkDelivery = async ({ NestFactory, adapters, NotificationsModule, NotificationsService }) => {
  for (const adapter of adapters) {
    let guardCalls = 0;
    class CountingGuard {
      canActivate() {
        guardCalls++;
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
    await checkClientFiles(await app.getUrl());
    await app.get(NotificationsService).publish('t', { type: 'demo', data: { n: 1 } });

    const response = await fetch(`${await app.getUrl()}/notifications?topic=t&cursor=earliest&wait=0`);
    const body = await response.json();
    assert.equal(response.status, 200, JSON.stringify(body));
    assert.equal(guardCalls, 1, 'calls of the guard of the module');
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

/** The document of an application with `@nestjs/swagger` describes the feed. */
exports.checkDocument = async ({ NestFactory, NotificationsModule, DocumentBuilder, SwaggerModule }) => {
  class AppModule {}
  const schemas = { demo: standardSchema({ type: 'object', properties: { n: { type: 'number' } } }) };
  const module = { module: AppModule, imports: [NotificationsModule.forRoot({ access: 'public', schemas })] };
  const app = await NestFactory.create(module, { logger: false });
  const { paths, components } = SwaggerModule.createDocument(app, new DocumentBuilder().build());
  assert.deepEqual(Object.keys(paths), ['/notifications']);
  const { get, ...others } = paths['/notifications'];
  assert.deepEqual(Object.keys(others), []);
  assert.equal(get.operationId, 'NotificationsController_read');
  assert.deepEqual(get.responses['200'].content['application/json'].schema, {
    $ref: '#/components/schemas/FeedPage',
  });
  assert.equal(get.parameters.find(({ name }) => name === 'limit').schema.maximum, 1000);
  assert.equal(components.schemas.DemoData.properties.n.type, 'number');
  await app.close();
};

/** A Standard Schema with a JSON Schema, as libraries make them. */
function standardSchema(schema) {
  const jsonSchema = { input: () => schema, output: () => schema };
  return { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }), jsonSchema } };
}

/** The scripts for pages without a bundler have the exports of the package's entries. */
async function checkClientFiles(url) {
  for (const entry of ['client', 'client/tabs', 'client/inbox-element']) {
    const response = await fetch(`${url}/notifications/${entry}.js`);
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type'), /^text\/javascript/);
    const served = await import(`data:text/javascript,${encodeURIComponent(await response.text())}`);
    assert.deepEqual(Object.keys(served).sort(), Object.keys(await import(`nest-notifications/${entry}`)).sort());
  }
}
