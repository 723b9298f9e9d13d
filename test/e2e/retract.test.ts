import { describe, expect, test } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import { type AccessRules, memoryStore, type RetractContext, topicOf } from 'nest-notifications';
import { ADAPTERS, ADAPTERS_AND_LANE, type Adapter, forEachAdapter } from '../support/http/adapters.js';
import { OPEN, startApp, type TestApp } from '../support/http/app.js';
import { request } from '../support/http/connection.js';
import { holdPoll, numbers, poll, post } from '../support/http/feed.js';
import { SseReader } from '../support/http/sse.js';

const ITEM = { topic: 'orders', type: 'numbered', data: { n: 1 } };
const RULES = { read: 'public', publish: 'public' } as const;
const ALLOWED = { access: { ...RULES, retract: 'public' } } as const;
const ANN = { 'x-user': 'ann' };

/** Sends a DELETE; the id is escaped as a client must do. */
function retract(app: TestApp, id: string, query = 'topic=orders', headers: Record<string, string> = {}) {
  return request(app, { method: 'DELETE', path: `/notifications/${encodeURIComponent(id)}?${query}`, headers });
}

async function publish(app: TestApp, count: number, topic = 'orders'): Promise<readonly string[]> {
  const items = Array.from({ length: count }, (_, at) => ({ type: 'numbered', data: { n: at + 1 } }));
  return (await app.service.publish(topic, items)).ids;
}

async function log(
  app: TestApp,
  query = 'topic=orders&cursor=earliest&wait=0',
): Promise<{
  notifications: { data: { n: number }; id: string }[];
  retracted?: object[];
  cursor: string;
}> {
  return (await poll(app, query)).json;
}

forEachAdapter((adapter) => {
  const start = (notifications: object = ALLOWED): Promise<TestApp> => startApp(adapter, { notifications });

  describe('retracting over HTTP', () => {
    test.each([
      ['without options', {}],
      ['with public access', { access: 'public' }],
      ['with rules that do not mention it', OPEN],
    ])('is off %s', async (_, notifications) => {
      const app = await start(notifications);
      const [id] = await publish(app, 1);
      const { status, json } = await retract(app, id!);
      expect([status, json.code, json.message]).toEqual([403, 'forbidden', 'Access to the topics is refused.']);
      const page = await firstValueFrom(app.service.poll({ topics: ['orders'], cursor: 'earliest' }));
      expect(page.notifications).toMatchObject([{ id }]);
    });

    test('answers 204, and later reads skip the notification', async () => {
      const app = await start();
      const [first, second] = await publish(app, 3);
      const answer = await retract(app, second!);
      expect([answer.status, answer.text]).toEqual([204, '']);
      expect(answer.header('cache-control')).toContain('no-store');
      const page = await log(app);
      expect(numbers(page.notifications)).toEqual([1, 3]);
      expect(page.retracted).toEqual([{ id: second, topic: 'orders' }]);
      const history = await log(app, 'topic=orders&before=latest');
      expect(numbers(history.notifications)).toEqual([3, 1]);
      expect(history).not.toHaveProperty('retracted');
      expect(history.notifications[1]).toMatchObject({ id: first });
    });

    test('answers a repeat and an unknown id the same', async () => {
      const app = await start();
      const [id] = await publish(app, 1);
      for (const one of [id!, id!, 'unknown']) expect((await retract(app, one)).status).toBe(204);
      expect(await log(app)).toMatchObject({
        notifications: [],
        retracted: [{ id }, { id: 'unknown' }],
      });
    });

    test('affects the named topic only', async () => {
      const app = await start();
      const [id] = await publish(app, 1);
      expect((await retract(app, id!, 'topic=other')).status).toBe(204);
      expect(await log(app)).toMatchObject({ notifications: [{ id }] });
    });

    test.each(['a/b', 'a:b@c~d=e', 'x'.repeat(100)])('accepts the id %s', async (id) => {
      const app = await start();
      await app.service.publish('orders', { type: 'numbered', data: { n: 1 }, id });
      expect((await retract(app, id)).status).toBe(204);
      expect((await log(app)).notifications).toEqual([]);
    });

    test.each([
      ['no topic', 'x', '', 'topic_missing'],
      ['an empty topic', 'x', 'topic=', 'topic_invalid'],
      ['two topics', 'x', 'topic=a&topic=b', 'topics_too_many'],
      ['a list of topics', 'x', 'topic=a,b', 'topic_invalid'],
      ['a reserved topic', 'x', 'topic=$retractions', 'topic_invalid'],
      ['a topic of 10,000 characters', 'x', `topic=${'t'.repeat(8_000)}`, 'topic_invalid'],
      ['a reserved id', '$x', 'topic=orders', 'id_invalid'],
      ['an id with a line end', 'a\nb', 'topic=orders', 'id_invalid'],
    ])('rejects %s, and changes nothing', async (_, id, query, code) => {
      const app = await start();
      await publish(app, 1);
      const before = app.service.totals().published;
      const { status, json } = await retract(app, id, query);
      expect([status, json.code]).toEqual([400, code]);
      expect(app.service.totals().published).toBe(before);
    });

    test('rejects an id that is too long for a notification, or for the router of Fastify', async () => {
      const app = await start();
      const { status } = await retract(app, 'x'.repeat(201));
      expect(status).toBe(adapter.name === 'fastify' ? 414 : 400);
    });

    test('counts towards the rate of publishes', async () => {
      const app = await start({ ...ALLOWED, publish: { perMinuteMax: 2 } });
      await post(app, ITEM);
      expect((await retract(app, 'a')).status).toBe(204);
      const { status, json } = await retract(app, 'b');
      expect([status, json.code]).toEqual([429, 'publish_too_fast']);
    });

    test('does not accept a ticket', async () => {
      const app = await start({ ...ALLOWED, tickets: {} });
      const { status, json } = await retract(app, 'a', 'topic=orders&ticket=x');
      expect([status, json.code]).toEqual([401, 'ticket_invalid']);
    });
  });

  test('a record of a retraction cannot be published', async () => {
    const app = await start();
    const forged = { ...ITEM, type: '$retracted', data: { id: 'x' } };
    expect((await post(app, forged)).json.code).toBe('type_invalid');
    expect((await post(app, { ...ITEM, id: '$retracted.x' })).json.code).toBe('id_invalid');
    const inProcess = app.service.publishAll([{ ...ITEM, id: '$retracted.x' }]);
    await expect(inProcess).rejects.toMatchObject({ code: 'id_invalid' });
  });

  test('data that looks like a record is data', async () => {
    const app = await start();
    const data = { id: '$retracted.x', type: '$retracted', data: { id: 'x' } };
    await app.service.publish('orders', { type: 't', data, id: 'retracted.x' });
    expect(await log(app)).toMatchObject({ notifications: [{ data }] });
  });
});

describe('the rule access.retract', () => {
  const adapter = ADAPTERS[1]!;
  const subscriber: AccessRules<{ headers: Record<string, string | undefined> }>['subscriber'] = ({ request }) =>
    request.headers['x-user'];

  test('receives the topic and the id', async () => {
    const asked: unknown[] = [];
    const rule = ({ subscriber: name, id }: RetractContext, topic: string): boolean => {
      asked.push([name, topic, id]);
      return id === 'mine';
    };
    const app = await startApp(adapter, { notifications: { access: { ...RULES, subscriber, retract: rule } } });
    expect((await retract(app, 'mine', 'topic=orders', ANN)).status).toBe(204);
    expect((await retract(app, 'other', 'topic=orders', ANN)).status).toBe(403);
    expect(asked).toEqual([
      ['ann', 'orders', 'mine'],
      ['ann', 'orders', 'other'],
    ]);
    await app.close();
  });

  test('may have patterns, whose functions receive the parameters and the id', async () => {
    const retractRule = {
      'user.:id': ({ subscriber: name, id }: RetractContext, params: Readonly<Record<string, string>>) =>
        params.id === name && id !== 'fixed',
      'public.*': true,
    } as const;
    const app = await startApp(adapter, {
      notifications: { access: { ...RULES, subscriber, retract: retractRule } },
    });
    const statuses: number[] = [];
    for (const [topic, id] of [
      [topicOf('user', 'ann'), 'x'],
      [topicOf('user', 'ann'), 'fixed'],
      [topicOf('user', 'bob'), 'x'],
      ['public.a', 'x'],
      ['other', 'x'],
    ] as const) {
      statuses.push((await retract(app, id, `topic=${topic}`, ANN)).status);
    }
    expect(statuses).toEqual([204, 403, 403, 204, 403]);
    await app.close();
  });

  test('allows with true only', async () => {
    const access = { ...RULES, retract: () => ({}) as unknown as boolean };
    const app = await startApp(adapter, { notifications: { access } });
    expect((await retract(app, 'x')).status).toBe(403);
    await app.close();
  });

  test('fails the start if it is neither a function nor patterns', async () => {
    const access = { ...RULES, retract: 'everyone' } as unknown as AccessRules;
    await expect(startApp(adapter, { notifications: { access } })).rejects.toThrow(
      'option access.retract is the string "everyone"; it must be \'public\', a function or patterns',
    );
  });
});

forEachAdapter((adapter) => {
  const start = (more: object = {}): Promise<TestApp> =>
    startApp(adapter, { notifications: { ...adapter.options, ...ALLOWED, ...more } });

  describe('a client', () => {
    test('receives the retraction at once if it polls', async () => {
      const app = await start();
      const [id] = await publish(app, 1);
      const held = await holdPoll(app, 'topic=orders');
      await app.service.retract('orders', id!);
      const { json } = await held.response();
      expect(json).toEqual({
        notifications: [],
        cursor: expect.any(String),
        more: false,
        retracted: [{ id, topic: 'orders' }],
      });
      expect((await log(app, `topic=orders&cursor=${json.cursor}&wait=0`)).retracted).toBeUndefined();
    });

    test('with a stream receives the event `retracted`, in the order of the log', async () => {
      const app = await start();
      const reader = await SseReader.open(app, 'topic=orders');
      await reader.opening();
      const [id] = await publish(app, 1);
      expect(numbers(await reader.notifications(1))).toEqual([1]);
      await app.service.retract('orders', id!);
      await app.service.publish('orders', { type: 'numbered', data: { n: 2 } });
      const block = await reader.next();
      expect(block.fields).toEqual([
        ['event', 'retracted'],
        ['data', JSON.stringify({ id, topic: 'orders' })],
        ['id', expect.any(String)],
      ]);
      expect(numbers(await reader.notifications(1))).toEqual([2]);
      const again = await SseReader.open(app, 'topic=orders', { 'Last-Event-ID': block.id! });
      await again.opening();
      expect(numbers(await again.notifications(1))).toEqual([2]);
      await Promise.all([reader.close(), again.close()]);
    });

    test('receives it when it reconnects', async () => {
      const app = await start({ window: { count: 1 } });
      const ids = await publish(app, 3);
      const { cursor } = await log(app);
      await app.service.retract('orders', ids[1]!);
      await publish(app, 1, 'other');
      const page = await log(app, `topic=orders&cursor=${cursor}&wait=0`);
      expect([page.notifications, page.retracted]).toEqual([[], [{ id: ids[1], topic: 'orders' }]]);
    });

    test('of another topic receives nothing', async () => {
      const app = await start();
      const [id] = await publish(app, 1);
      const { cursor } = await log(app, 'topic=other&wait=0');
      await app.service.retract('orders', id!);
      expect(await log(app, `topic=other&cursor=${cursor}&wait=0`)).toEqual({
        notifications: [],
        cursor: expect.any(String),
        more: false,
      });
    });
  });
}, ADAPTERS_AND_LANE);

describe('application code', () => {
  const open = (adapter: Adapter, more: object = {}): Promise<TestApp> =>
    startApp(adapter, { notifications: { ...ALLOWED, ...more } });
  const adapter = ADAPTERS[1]!;

  test('receives retractions in the pages of poll and follow', async () => {
    const app = await open(adapter);
    const ids = await publish(app, 2);
    await app.service.retract('orders', ids[0]!);
    const request = { topics: ['orders'], cursor: 'earliest' } as const;
    for (const page$ of [app.service.poll(request), app.service.follow(request)]) {
      const page = await firstValueFrom(page$);
      expect(page.notifications.map(({ id }) => id)).toEqual([ids[1]]);
      expect(page.retracted).toEqual([{ id: ids[0], topic: 'orders' }]);
      expect(Object.isFrozen(page.retracted)).toBe(true);
    }
    await app.close();
  });

  test('skips retracted notifications in a loop, also if they are retracted during the loop', async () => {
    const app = await open(adapter);
    const ids = await publish(app, 3);
    const retracted: unknown[] = [];
    const iterator = app.service.iterate({
      topics: ['orders'],
      cursor: 'earliest',
      onRetracted: (retraction) => void retracted.push(retraction),
    });
    expect((await iterator.next()).value).toMatchObject({ id: ids[0] });
    await app.service.retract('orders', ids[1]!);
    expect((await iterator.next()).value).toMatchObject({ id: ids[2] });
    const next = iterator.next();
    await app.service.publish('orders', { type: 'numbered', data: { n: 4 } });
    expect((await next).value).toMatchObject({ data: { n: 4 } });
    expect(retracted).toEqual([{ id: ids[1], topic: 'orders' }]);
    await iterator.return();
    await app.close();
  });

  test.each([
    ['a b', 'x', 'topic_invalid'],
    ['$retractions', 'x', 'topic_invalid'],
    ['orders', '', 'id_invalid'],
    ['orders', '$x', 'id_invalid'],
  ])('is rejected for the topic %j and the id %j', async (topic, id, code) => {
    const app = await open(adapter);
    await expect(app.service.retract(topic, id)).rejects.toMatchObject({ code, status: 400 });
    await app.close();
  });

  test('cannot retract with publishOnly', async () => {
    const app = await open(adapter, { publishOnly: true, store: memoryStore() });
    await expect(app.service.retract('orders', 'x')).rejects.toMatchObject({ code: 'publish_only' });
    await app.close();
  });
});
