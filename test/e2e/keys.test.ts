import { describe, expect, test } from '@jest/globals';
import { memoryStore, NotificationsModule, type StoreFactory } from 'nest-notifications';
import { abilitiesOf, type Store } from 'nest-notifications/store';
import { forEachAdapter, ONE_ADAPTER } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { request } from '../support/http/connection.js';
import { numbers, poll, publish } from '../support/http/feed.js';
import { SseReader } from '../support/http/sse.js';

const [OLD, NEW] = ['old', 'new'].map((name) => `${name} secret of the application, long enough`) as [string, string];
const ACCESS = { subscriber: () => 'ann', read: 'public' as const };

/** One memory store for all applications of a test: the nodes of a rolling change. */
function sharedStore(): StoreFactory {
  let store: Promise<Store> | undefined;
  return async (runtime) => {
    const shared = await (store ??= Promise.resolve(memoryStore()(runtime)));
    return {
      ...abilitiesOf(shared),
      append: (drafts) => shared.append(drafts),
      read: (query) => shared.read(query),
      tail: (after, onAppended) => shared.tail(after, onAppended),
      remove: (query) => shared.remove(query),
      close: async () => undefined,
    };
  };
}

forEachAdapter((adapter) => {
  const node = (store: StoreFactory, keys?: readonly string[]): Promise<TestApp> =>
    startApp(adapter, { notifications: { access: ACCESS, store, ...(keys && { keys }) } });

  describe('a change of keys under live clients', () => {
    test.each<[what: string, steps: (readonly string[] | undefined)[]]>([
      ['from one to the next', [[OLD], [OLD, NEW], [NEW, OLD], [NEW]]],
      ['from none to the first', [undefined, ['', NEW], [NEW, ''], [NEW]]],
    ])('%s loses no notification and makes no gap, on polls and streams', async (_, steps) => {
      const store = sharedStore();
      const nodes = await Promise.all(steps.map((keys) => node(store, keys)));
      const seen: number[] = [];
      let { cursor } = (await poll(nodes[0]!, 'topic=a&wait=0')).json as { cursor: string };
      let lastId = cursor;
      // Two nodes run at the same time, and a client alternates between them.
      for (const at of [0, 1, 0, 1, 2, 1, 2, 3, 2, 3]) {
        const app = nodes[at]!;
        await publish(app, 'a', 1, seen.length + 1);
        const answer = await poll(app, `topic=a&wait=0&cursor=${cursor}`);
        expect(answer.status).toBe(200);
        expect(answer.json).not.toHaveProperty('gap');
        seen.push(...numbers(answer.json.notifications));
        ({ cursor } = answer.json as { cursor: string });
        const stream = await SseReader.open(app, 'topic=a', { 'Last-Event-ID': lastId });
        await stream.opening();
        expect(JSON.parse((await stream.next()).data!)).toMatchObject({ data: { n: seen.length } });
        lastId = stream.lastId;
        await stream.close();
      }
      expect(seen).toEqual(Array.from({ length: 10 }, (__, index) => index + 1));
    });

    test('answers cursors of a removed or unknown key with a gap', async () => {
      const store = sharedStore();
      const [before, after] = [await node(store, [OLD]), await node(store, [NEW])];
      await publish(before, 'a');
      const { json } = await poll(after, `topic=a&wait=0&cursor=${before.service.cursor()}`);
      expect(json.gap).toEqual({ reason: 'reset' });
      expect(numbers(json.notifications)).toEqual([1]);
    });
  });

  test('a cursor and its tag depend on the key', async () => {
    const store = sharedStore();
    const tags = await Promise.all(
      [undefined, [OLD], [NEW]].map(async (keys) => (await node(store, keys)).service.cursor().slice(0, 9)),
    );
    expect(new Set(tags).size).toBe(3);
  });

  test('a ticket and the ids of its stream outlive a change of keys', async () => {
    const store = sharedStore();
    const start = (keys: readonly string[]): Promise<TestApp> =>
      startApp(adapter, { notifications: { access: ACCESS, store, keys, tickets: {} } });
    const nodes = [await start([OLD]), await start([NEW, OLD])] as const;
    const given = await request(nodes[0], {
      method: 'POST',
      path: '/notifications/tickets',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ topics: ['a'] }),
    });
    const query = `ticket=${(given.json as { ticket: string }).ticket}`;
    const first = await SseReader.open(nodes[0], query);
    await first.opening();
    await publish(nodes[0], 'a');
    await first.next();
    await first.close();
    await publish(nodes[0], 'a', 1, 2);
    const second = await SseReader.open(nodes[1], query, { 'Last-Event-ID': first.lastId });
    expect(second.head.status).toBe(200);
    await second.opening();
    expect(JSON.parse((await second.next()).data!)).toMatchObject({ data: { n: 2 } });
    await second.close();
  });

  test.each([[[]], [['short']], ['a secret of the application, long enough'], [[OLD, 1]]])(
    'a wrong value is rejected without being shown: %#',
    async (keys) => {
      const error = await startApp(adapter, {
        imports: [NotificationsModule.forRoot({ keys: keys as string[] })],
      }).then(String, String);
      expect(error).toBe(
        'RangeError: NotificationsModule: option keys must be an array of strings that are empty or have at least 32 characters',
      );
    },
  );
}, ONE_ADAPTER);
