import { describe, expect, test } from '@jest/globals';
import { Controller, Post } from '@nestjs/common';
import { NotificationsModule } from 'nest-notifications';
import { ADAPTERS, forEachAdapter } from '../support/http/adapters.js';
import { OPEN, startApp, type TestApp } from '../support/http/app.js';
import { request } from '../support/http/connection.js';
import { holdPoll, poll, post } from '../support/http/feed.js';
import type { Message } from '../support/http/message.js';

const ITEM = { topic: 'orders', type: 'order.shipped', data: { orderId: 7 } };
const NAME = { topic: 200, type: 200, id: 200 };

async function all(app: TestApp): Promise<{ id: string; topic: string; type: string; data: unknown }[]> {
  const { json } = await poll(app, 'topic=orders,returns&cursor=earliest&wait=0');
  return json.notifications;
}

forEachAdapter((adapter) => {
  const start = (more: object = {}): Promise<TestApp> => startApp(adapter, { notifications: { ...OPEN, ...more } });

  describe('publishing over HTTP', () => {
    test.each([
      ['without options', {}],
      ['with public access', { access: 'public' as const }],
      ['with rules that do not mention it', { access: { read: 'public' as const } }],
    ])('is disabled %s', async (_, notifications) => {
      const app = await startApp(adapter, { notifications });
      const { status, json } = await post(app, ITEM);
      expect(status).toBe(403);
      expect(json).toEqual({
        statusCode: 403,
        error: 'Forbidden',
        message: 'Access to the topics is refused.',
        code: 'forbidden',
      });
    });

    test('of one notification answers with its id and the cursor after it', async () => {
      const app = await start();
      const held = await holdPoll(app, 'topic=orders');
      const response = await post(app, ITEM);
      expect(response.status).toBe(201);
      expect(response.header('content-type')).toBe('application/json; charset=utf-8');
      expect(response.header('cache-control')).toContain('no-store');
      expect(response.json).toEqual({
        ids: [expect.any(String)],
        duplicates: [],
        duplicate: false,
        cursor: expect.any(String),
      });
      const { json } = await held.response();
      expect(json.notifications).toEqual([{ ...ITEM, id: response.json.ids[0], time: expect.any(String) }]);
      expect((await poll(app, `topic=orders&cursor=${response.json.cursor}&wait=0`)).json.notifications).toEqual([]);
    });

    test('of an array publishes all items in order, with one append', async () => {
      const app = await start();
      const held = await holdPoll(app, 'topic=orders,returns');
      const items = [1, 2, 3].map((n) => ({ topic: n === 2 ? 'returns' : 'orders', type: 't', data: n }));
      const { status, json } = await post(app, items);
      expect(status).toBe(201);
      const page = (await held.response()).json;
      expect(page.notifications.map(({ data }: { data: number }) => data)).toEqual([1, 2, 3]);
      expect(page.notifications.map(({ id }: { id: string }) => id)).toEqual(json.ids);
    });

    test('of an array with an invalid item publishes nothing', async () => {
      const app = await start();
      const { status, json } = await post(app, [ITEM, ITEM, { ...ITEM, type: '' }]);
      expect({ status, code: json.code }).toEqual({ status: 400, code: 'type_invalid' });
      expect(json.message).toBe('item 2: type must be a text that is not empty');
      expect(await all(app)).toEqual([]);
    });

    test('calls the rule once per topic, and publishes nothing if a topic is forbidden', async () => {
      const asked: string[] = [];
      const publish = (_: unknown, topic: string): boolean => asked.push(topic) > 0 && topic !== 'returns';
      const app = await start({ access: { read: 'public', publish } });
      const refused = await post(app, [ITEM, ITEM, { ...ITEM, topic: 'returns' }]);
      expect({ status: refused.status, code: refused.json.code }).toEqual({ status: 403, code: 'forbidden' });
      expect(asked).toEqual(['orders', 'returns']);
      expect(await all(app)).toEqual([]);
      expect((await post(app, ITEM)).status).toBe(201);
    });

    test('accepts a JSON content type with parameters', async () => {
      const app = await start();
      const { status } = await post(app, ITEM, { 'Content-Type': 'Application/JSON; charset=UTF-8' });
      expect(status).toBe(201);
    });

    test.each([['missing data', { topic: 'orders', type: 't' }]])('treats %s as null', async (_, item) => {
      const app = await start();
      await post(app, item);
      expect((await all(app))[0]).toMatchObject({ data: null });
    });
  });

  describe('a repeated publish', () => {
    test('with the same Idempotency-Key answers the first result and publishes nothing', async () => {
      const app = await start();
      const items = [ITEM, { ...ITEM, topic: 'returns' }, ITEM];
      const first = await post(app, items, { 'Idempotency-Key': 'key 1' });
      const again = await post(app, items, { 'Idempotency-Key': 'key 1' });
      expect(first.json).toMatchObject({ duplicate: false, duplicates: [] });
      expect(again.status).toBe(201);
      expect(again.json).toMatchObject({ ids: first.json.ids, duplicate: true, duplicates: first.json.ids });
      expect(new Set(first.json.ids).size).toBe(3);
      expect(await all(app)).toHaveLength(3);
      const after = await poll(app, `topic=orders,returns&cursor=${again.json.cursor}&wait=0`);
      expect(after.json.notifications).toEqual([]);
    });

    test('with another key, or for another topic, is a new publish', async () => {
      const app = await start();
      await post(app, ITEM, { 'Idempotency-Key': 'a' });
      expect((await post(app, ITEM, { 'Idempotency-Key': 'b' })).json.duplicate).toBe(false);
      const other = { ...ITEM, topic: 'returns' };
      expect((await post(app, other, { 'Idempotency-Key': 'a' })).json.duplicate).toBe(false);
      expect(await all(app)).toHaveLength(3);
    });

    test('with own ids is recognised by each id', async () => {
      const app = await start();
      const send = (...numbers: number[]): Promise<Message> =>
        post(
          app,
          numbers.map((n) => ({ ...ITEM, id: `id-${n}` })),
        );
      const first = (await send(1, 2)).json.ids as string[];
      const { status, json } = await send(2, 3);
      expect(status).toBe(201);
      expect(json).toMatchObject({ ids: [first[1], json.ids[1]], duplicates: [first[1]], duplicate: false });
      expect((await all(app)).map(({ id }) => id)).toEqual([...first, json.ids[1]]);
    });

    test('under way at the same time is published once', async () => {
      const app = await start();
      const answers = await Promise.all([1, 2, 3, 4].map(() => post(app, ITEM, { 'Idempotency-Key': 'k' })));
      expect(answers.filter(({ json }) => !json.duplicate)).toHaveLength(1);
      expect(await all(app)).toHaveLength(1);
    });
  });

  describe('accepts a value at its limit, and rejects the next value', () => {
    test.each([
      ['notifications', 'notifications_too_many', 400, (more: number) => Array.from({ length: 5 + more }, () => ITEM)],
      ['bytes of JSON', 'notification_too_large', 413, (more: number) => sized(1024 + more)],
      ['bytes, not characters', 'notification_too_large', 413, (more: number) => sized(1024 + more, 'ü')],
      ['levels of data', 'data_invalid', 400, (more: number) => ({ ...ITEM, data: nested(4 + more) })],
      [
        'characters of topic',
        'topic_invalid',
        400,
        (more: number) => ({ ...ITEM, topic: 't'.repeat(NAME.topic + more) }),
      ],
      ['characters of type', 'type_invalid', 400, (more: number) => ({ ...ITEM, type: 't'.repeat(NAME.type + more) })],
      ['characters of id', 'id_invalid', 400, (more: number) => ({ ...ITEM, id: 't'.repeat(NAME.id + more) })],
    ])('of %s', async (_, code, status, make) => {
      const publish = { notificationsMax: 5, notificationBytesMax: 1024, dataDepthMax: 4 };
      const app = await start({ publish });
      expect((await post(app, make(0))).status).toBe(201);
      const over = await post(app, make(1));
      expect({ status: over.status, code: over.json.code }).toEqual({ status, code });
    });

    test('of characters of Idempotency-Key', async () => {
      const app = await start();
      expect((await post(app, ITEM, { 'Idempotency-Key': 'k'.repeat(256) })).status).toBe(201);
      const over = await post(app, ITEM, { 'Idempotency-Key': 'k'.repeat(257) });
      expect({ status: over.status, code: over.json.code }).toEqual({ status: 400, code: 'id_invalid' });
    });
  });

  /** An item whose notification has exactly this number of bytes. */
  function sized(bytes: number, letter = 'x'): object {
    const item = { topic: 'orders', type: 't', id: 'i'.repeat(36) };
    const empty = JSON.stringify({ ...item, time: new Date(0).toISOString(), data: '' });
    const room = bytes - Buffer.byteLength(empty);
    const letters = Math.floor(room / Buffer.byteLength(letter));
    // Without an id the notification gets a UUID, which has 36 characters.
    const { id: _, ...rest } = item;
    return { ...rest, data: letter.repeat(letters) + 'x'.repeat(room - letters * Buffer.byteLength(letter)) };
  }

  function nested(levels: number): unknown {
    return levels === 0 ? 1 : { a: nested(levels - 1) };
  }

  test('parser errors of other routes are not changed, even if their paths end the same way', async () => {
    @Controller()
    class OtherController {
      @Post(['orders', 'users/notifications'])
      create(): string {
        return 'created';
      }
    }
    const notifications = NotificationsModule.forRoot(OPEN);
    const plain = await startApp(adapter, { controllers: [OtherController] });
    const app = await startApp(adapter, { imports: [notifications], controllers: [OtherController] });
    for (const path of ['/orders', '/orders?x=/notifications', '/users/notifications']) {
      for (const body of ['{', 'x'.repeat(2 * 1024 * 1024)]) {
        const wrong = { method: 'POST', path, headers: { 'Content-Type': 'application/json' }, body };
        const [expected, actual] = await Promise.all([request(plain, wrong), request(app, wrong)]);
        expect(actual.status).toBe(body === '{' ? 400 : 413);
        expect({ path, ...actual.json }).toEqual({ path, ...expected.json });
        expect(actual.json).not.toHaveProperty('code');
        expect(actual.header('cache-control')).toBeUndefined();
      }
    }
  });
}, ADAPTERS);
