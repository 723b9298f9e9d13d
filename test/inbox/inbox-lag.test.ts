import { afterEach, describe, expect, test } from '@jest/globals';
import { memoryStore, NotificationsModule, type StoreFactory } from 'nest-notifications';
import { InboxModule, InboxService } from 'nest-notifications/inbox';
import { fastify } from '../support/http/adapters.js';
import { startApp } from '../support/http/app.js';
import { endTest } from '../support/http/cleanup.js';
import { request } from '../support/http/connection.js';
import { LaggingStore, shared } from '../support/inbox.js';

afterEach(endTest);

/** One node of an application, whose caller is `ann`. */
async function startNode(store: StoreFactory) {
  const inboxModule = InboxModule.forRoot({ access: { subscriber: () => 'ann' }, store });
  const app = await startApp(fastify, { imports: [NotificationsModule.forRoot({ access: 'public' }), inboxModule] });
  const operation = (body: object) => ({
    ...{ method: 'POST', path: '/inbox', body: JSON.stringify(body) },
    headers: { 'Content-Type': 'application/json' },
  });
  return {
    inbox: app.nest.get(InboxService, { strict: false }),
    get: (query = '') => request(app, { path: `/inbox?${query}` }),
    operate: (body: object) => request(app, operation(body)),
  };
}

describe('a node that lags behind the store', () => {
  test('rejects what it cannot answer yet, and nothing is lost', async () => {
    const factory = shared(memoryStore());
    const lagging = new LaggingStore(factory);
    const [first, second] = [await startNode(factory), await startNode(lagging.open)];
    await first.inbox.send('ann', { id: 'a1', type: 'comment' });
    lagging.hold();
    await first.inbox.send('ann', { id: 'a2', type: 'comment' });
    await first.inbox.markRead('ann', 'a1');
    const page = (await second.get()).json;
    const shown = (await first.get()).json.follow;
    const late = { status: 503, json: { code: 'draining' } };
    // The items of the page end where the live feed continues.
    expect(page.items).toMatchObject([{ notification: { id: 'a1' }, read: true }]);
    expect(await second.get(`cursor=${page.follow}&wait=0`)).toMatchObject(late);
    expect(await second.operate({ op: 'read', ids: ['a2'] })).toMatchObject(late);
    expect(await second.operate({ op: 'read', upTo: shown })).toMatchObject(late);
    // An item that this node has is not late.
    expect(await second.operate({ op: 'unread', ids: ['a1'] })).toMatchObject({ status: 200, json: { changed: true } });
    lagging.release();
    const { items, changes } = (await second.get(`cursor=${page.follow}&wait=0`)).json;
    expect([items, changes]).toMatchObject([
      [{ notification: { id: 'a2' } }],
      [
        { op: 'read', ids: ['a1'] },
        { op: 'unread', ids: ['a1'] },
      ],
    ]);
    expect(await second.operate({ op: 'read', upTo: shown })).toMatchObject({ json: { counts: { unread: 0 } } });
  });
});

test('a page continues before each operation that its items lack', async () => {
  const factory = shared(memoryStore());
  let isSlow = false;
  const slow: StoreFactory = async (runtime) => {
    const store = await factory(runtime);
    return new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (name !== 'read') return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
        return async (query: Parameters<typeof store.read>[0]) => {
          const read = await store.read(query);
          // Another node performs an operation, and its record arrives before the result of this
          // read.
          if (isSlow && query.topics[0]?.startsWith('$inbox.')) {
            isSlow = false;
            await other.inbox.markRead('ann', 'a1');
          }
          return read;
        };
      },
    });
  };
  const [node, other] = [await startNode(slow), await startNode(factory)];
  await node.inbox.send('ann', { id: 'a1', type: 'comment' });
  isSlow = true;
  const page = (await node.get()).json;
  expect(page.items).toMatchObject([{ read: false }]);
  expect((await node.get(`cursor=${page.follow}&wait=0`)).json.changes).toEqual([{ op: 'read', ids: ['a1'] }]);
});
