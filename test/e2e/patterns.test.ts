import { describe, expect, test } from '@jest/globals';
import { type AccessRules, memoryStore, type NotificationsOptions } from 'nest-notifications';
import { ADAPTERS_AND_LANE, forEachAdapter } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { Connection, request } from '../support/http/connection.js';
import { holdPoll, numbers, poll, post, publish } from '../support/http/feed.js';
import { SseReader } from '../support/http/sse.js';
import { turn, until } from '../support/time/until.js';

interface UserRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
}

const patterns = ['orders.*', 'orders.eu.*'];
const PUBLIC: NotificationsOptions = { access: { read: 'public', publish: 'public' }, patterns };
const subscriber: AccessRules<UserRequest>['subscriber'] = ({ request: { headers } }) => headers['x-user'];
/** Each user may read its own orders. */
const OWN: AccessRules<UserRequest> = {
  subscriber,
  read: { 'orders.:user.*': (by, { user }) => user === by.subscriber },
};
const ANN = { 'X-User': 'ann' };

forEachAdapter((adapter) => {
  const start = (notifications: NotificationsOptions = PUBLIC): Promise<TestApp> =>
    startApp(adapter, { notifications });
  /** Publishes 1 to 4 to these topics, of which `orders.*` matches 1, 3 and 4. */
  const publishFour = async (app: TestApp): Promise<void> => {
    for (const [index, topic] of ['orders.1', 'orders', 'orders.eu.2', 'orders.1'].entries()) {
      await publish(app, topic, 1, index + 1);
    }
  };

  describe('a declared pattern', () => {
    test('is read like a topic: by a poll, by pages and newest first', async () => {
      const app = await start();
      await publishFour(app);
      const read = async (query: string) => {
        const { json } = await poll(app, query);
        return [numbers(json.notifications), json.more];
      };
      expect(await read('topic=orders.*&cursor=earliest')).toEqual([[1, 3, 4], false]);
      expect(await read('topic=orders.*&cursor=earliest&limit=2')).toEqual([[1, 3], true]);
      expect(await read('topic=orders.eu.*&cursor=earliest')).toEqual([[3], false]);
      expect(await read('topic=orders,orders.*,orders.eu.*,orders.1&cursor=earliest')).toEqual([[1, 2, 3, 4], false]);
      expect(await read('topic=orders.*&before=latest&limit=2')).toEqual([[4, 3], true]);
      expect((await poll(app, 'topic=orders.%2A&cursor=earliest')).json.notifications[0].topic).toBe('orders.1');
    });

    test('is followed by a held poll, which ends with the first topic that it matches', async () => {
      const app = await start();
      const held = await holdPoll(app, 'topic=orders.*');
      await publish(app, 'orders');
      await publish(app, 'order.1');
      await turn();
      expect(app.counts().waiters).toBe(1);
      await publish(app, 'orders.new', 1, 7);
      expect(numbers((await held.response()).json.notifications)).toEqual([7]);
    });

    test('is followed by a stream', async () => {
      const app = await start();
      const stream = await SseReader.open(app, 'topic=orders.*');
      await stream.opening();
      await publishFour(app);
      expect(numbers(await stream.notifications(3))).toEqual([1, 3, 4]);
    });

    test('is followed on a connection that repeats its poll', async () => {
      const app = await start();
      const connection = await Connection.open(app);
      let { cursor } = (await poll(app, 'topic=orders.*&wait=0')).json;
      for (let n = 1; n <= 5; n++) {
        connection.send({ path: `/notifications?topic=orders.*&cursor=${cursor}` });
        await until(() => app.counts().waiters === 1);
        await publish(app, 'other');
        await publish(app, `orders.${n}`, 1, n);
        const { json } = await connection.response();
        expect(numbers(json.notifications)).toEqual([n]);
        ({ cursor } = json);
      }
    });

    test('delivers each notification once, from every cursor', async () => {
      const app = await start({ ...PUBLIC, window: { count: 2 } });
      for (let n = 1; n <= 12; n++) await publish(app, n % 3 === 0 ? 'other' : `orders.${n % 4}`, 1, n);
      const seen: number[] = [];
      for (let [cursor, more] = ['earliest', true]; more;) {
        const { json } = await poll(app, `topic=orders.*&limit=2&wait=0&cursor=${cursor}`);
        seen.push(...numbers(json.notifications));
        [cursor, more] = [json.cursor, json.more];
      }
      expect(seen).toEqual([1, 2, 4, 5, 7, 8, 10, 11]);
    });
  });

  describe('a pattern is refused', () => {
    test.each(['other.*', 'orders.1.*', '*', 'orders*', '.*'])('if it is not declared: %s', async (pattern) => {
      const app = await start();
      for (const query of [`topic=${pattern}`, `topic=orders.*&topic=${pattern}`, `topic=${pattern}&before=latest`]) {
        const { status, json } = await poll(app, query);
        expect([status, json.code]).toEqual([400, 'pattern_undeclared']);
        expect(json.message).toContain(pattern);
      }
    });

    test.each(['orders.*x', '*.orders', 'orders.**', `${'x'.repeat(300)}.*`])(
      'if it is neither a topic nor a pattern: %s',
      async (name) => {
        const app = await start();
        const { status, json } = await poll(app, `topic=${name}`);
        expect([status, json.code]).toEqual([400, 'topic_invalid']);
      },
    );

    test('if no pattern is declared', async () => {
      const app = await start({ access: 'public' });
      expect((await poll(app, 'topic=orders.*')).json).toMatchObject({ code: 'pattern_undeclared' });
    });

    test('as the topic of a publish', async () => {
      const app = await start();
      const { status, json } = await post(app, { topic: 'orders.*', type: 't', data: 1 });
      expect([status, json.code]).toEqual([400, 'topic_invalid']);
      await expect(app.service.publish('orders.*', { type: 't', data: 1 })).rejects.toMatchObject({
        code: 'topic_invalid',
      });
    });

    test('if no rule allows reading', async () => {
      const app = await start({ patterns, access: { publish: 'public' } });
      expect((await poll(app, 'topic=orders.*')).status).toBe(403);
      const own = await start({ patterns, access: { topics: () => ['mine'] } });
      expect((await poll(own, 'topic=orders.*')).status).toBe(403);
    });
  });

  describe('access to a pattern', () => {
    const three = async (app: TestApp): Promise<void> => {
      await publish(app, 'orders.ann.1', 1, 1);
      await publish(app, 'orders.bob.1', 1, 2);
      await publish(app, 'orders.ann.2', 1, 3);
    };

    test('is checked for each notification on its own topic, on all paths', async () => {
      const app = await start({ patterns, access: OWN });
      const stream = await SseReader.open(app, 'topic=orders.*', ANN);
      await stream.opening();
      const held = await holdPoll(app, 'topic=orders.*', ANN);
      await three(app);
      // The three arrive together or one by one.
      const first = numbers((await held.response()).json.notifications);
      expect([1, 3].slice(0, first.length)).toEqual(first);
      expect(numbers(await stream.notifications(2))).toEqual([1, 3]);
      for (const [query, expected] of [
        ['cursor=earliest', [1, 3]],
        ['before=latest', [3, 1]],
      ] as const) {
        const { json } = await poll(app, `topic=orders.*&${query}`, ANN);
        expect([numbers(json.notifications), json.more]).toEqual([expected, false]);
      }
      expect(stream.text).not.toContain('bob');
    });

    test('does not reveal refused notifications: a poll ends with an empty page at its timeout', async () => {
      const app = await start({ patterns, access: OWN, poll: { waitMs: 100 } });
      const quiet = await poll(app, 'topic=orders.*', { 'X-User': 'zoe' });
      const held = await holdPoll(app, 'topic=orders.*', { 'X-User': 'zoe' });
      await three(app);
      const { json } = await held.response();
      expect({ ...json, cursor: '' }).toEqual({ ...quiet.json, cursor: '' });
      expect(json.cursor).not.toBe(quiet.json.cursor);
      const next = await poll(app, `topic=orders.*&wait=0&cursor=${json.cursor}`, { 'X-User': 'zoe' });
      expect(next.json.notifications).toEqual([]);
    });

    test('ends when the subscriber loses access, also for a held request', async () => {
      const refused = new Set<string>();
      const access: AccessRules<UserRequest> = { subscriber, read: (_, topic) => !refused.has(topic) };
      const app = await start({ patterns, access });
      const held = await holdPoll(app, 'topic=orders.*', ANN);
      refused.add('orders.secret');
      await app.service.revoke('ann', ['orders.secret']);
      const { json } = await held.response();
      expect(json.notifications).toEqual([]);
      await publish(app, 'orders.secret', 1, 1);
      await publish(app, 'orders.open', 1, 2);
      const next = await poll(app, `topic=orders.*&cursor=${json.cursor}`, ANN);
      expect(numbers(next.json.notifications)).toEqual([2]);
    });

    test('is allowed if the pattern is one of the caller’s own topics', async () => {
      const app = await start({ patterns, access: { subscriber, topics: () => ['orders.eu.*', 'news'] } });
      await publishFour(app);
      await publish(app, 'news', 1, 9);
      const { json } = await poll(app, 'cursor=earliest', ANN);
      expect(numbers(json.notifications)).toEqual([3, 9]);
    });

    test('is checked for a ticket', async () => {
      const app = await start({ patterns, access: OWN, tickets: {} });
      const issued = await request(app, {
        method: 'POST',
        path: '/notifications/tickets',
        headers: { 'Content-Type': 'application/json', ...ANN },
        body: JSON.stringify({ topics: ['orders.*'] }),
      });
      expect(issued.status).toBe(201);
      const stream = await SseReader.open(app, `ticket=${(issued.json as { ticket: string }).ticket}`);
      await stream.opening();
      await three(app);
      expect(numbers(await stream.notifications(2))).toEqual([1, 3]);
    });
  });

  describe('in application code', () => {
    test('a pattern is polled, followed, iterated and read backwards', async () => {
      const app = await start();
      await publishFour(app);
      const values: unknown[] = [];
      for await (const { data } of app.service.iterate({ topics: ['orders.*'], cursor: 'earliest' })) {
        values.push((data as { n: number }).n);
        if (values.length === 3) break;
      }
      expect(values).toEqual([1, 3, 4]);
      const { notifications } = await app.service.history({ topics: ['orders.*'], limit: 2 });
      expect(numbers(notifications as never)).toEqual([4, 3]);
      await expect(app.service.history({ topics: ['other.*'] })).rejects.toMatchObject({ code: 'pattern_undeclared' });
    });
  });
}, ADAPTERS_AND_LANE);

forEachAdapter((adapter) => {
  test('the application does not start with a store that has no index of patterns', async () => {
    const store: NotificationsOptions['store'] = async (runtime) => {
      const log = await memoryStore()(runtime);
      return {
        append: (drafts) => log.append(drafts),
        read: (query) => log.read(query),
        tail: (after, onAppended) => log.tail(after, onAppended),
        remove: (query) => log.remove(query),
        close: () => log.close(),
      };
    };
    await expect(startApp(adapter, { notifications: { ...PUBLIC, store } })).rejects.toThrow(
      'option patterns needs a store with the method indexPatterns()',
    );
  });
});
