import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { forEachAdapter } from '../support/http/adapters.js';
import { OPEN, startApp } from '../support/http/app.js';
import { Connection, request } from '../support/http/connection.js';
import { poll, post } from '../support/http/feed.js';

const ITEM = { topic: 'orders', type: 'order.shipped', data: { orderId: 7 } };
/** Larger than the default limit of every body parser. */
const HUGE = 2 * 1024 * 1024;
/** Deep enough to exhaust a stack, small enough for the parser. */
const DEEP = 20_000;

/**
 * Expected codes by platform. The parser of the platform checks the body first, and can answer with
 * its own code.
 */
type Code = string | Record<string, string>;

const JSON_ROWS: [what: string, body: unknown, status: number, code: Code][] = [
  ['text that is not JSON', '{"topic":', 400, 'body_invalid'],
  ['JSON that is cut off', JSON.stringify(ITEM).slice(0, -1), 400, 'body_invalid'],
  ['a number', '7', 400, 'body_invalid'],
  ['a text', '"orders"', 400, 'body_invalid'],
  ['null', 'null', 400, 'body_invalid'],
  ['nothing', '', 400, { express: 'topic_invalid', fastify: 'body_invalid', node: 'topic_invalid' }],
  ['an array with nothing in it', [], 400, 'body_invalid'],
  ['an array of arrays', [[ITEM]], 400, 'body_invalid'],
  ['an array with null in it', [null], 400, 'body_invalid'],
  ['too many items', Array.from({ length: 101 }, () => ITEM), 400, 'notifications_too_many'],
  ['an object without fields', {}, 400, 'topic_invalid'],
  ['no topic', { type: 't' }, 400, 'topic_invalid'],
  ['an empty topic', { ...ITEM, topic: '' }, 400, 'topic_invalid'],
  ['a topic that is a number', { ...ITEM, topic: 7 }, 400, 'topic_invalid'],
  ['a topic that is a list', { ...ITEM, topic: ['orders'] }, 400, 'topic_invalid'],
  ['a topic of 10,000 characters', { ...ITEM, topic: 't'.repeat(10_000) }, 400, 'topic_invalid'],
  ['a topic with a comma', { ...ITEM, topic: 'a,b' }, 400, 'topic_invalid'],
  ['a topic with a line end', { ...ITEM, topic: 'a\nb' }, 400, 'topic_invalid'],
  ['a topic with a line end at its end', { ...ITEM, topic: 'a\n' }, 400, 'topic_invalid'],
  ['a topic with NUL', { ...ITEM, topic: 'a\u0000' }, 400, 'topic_invalid'],
  ['a topic with a letter beyond ASCII', { ...ITEM, topic: 'größe' }, 400, 'topic_invalid'],
  ['no type', { topic: 'orders' }, 400, 'type_invalid'],
  ['a type that is null', { ...ITEM, type: null }, 400, 'type_invalid'],
  ['a type with a space', { ...ITEM, type: 'order shipped' }, 400, 'type_invalid'],
  ['an empty id', { ...ITEM, id: '' }, 400, 'id_invalid'],
  ['an id that is null', { ...ITEM, id: null }, 400, 'id_invalid'],
  ['an id with a line end', { ...ITEM, id: 'a\nid: forged' }, 400, 'id_invalid'],
  ['a field that is not known', { ...ITEM, time: '2020-01-01' }, 400, 'body_invalid'],
  ['a publisher', { ...ITEM, publisher: 'bob' }, 400, 'body_invalid'],
  ['a keyScope', { ...ITEM, keyScope: 'publisher' }, 400, 'body_invalid'],
  ['a ttlMs of 0', { ...ITEM, ttlMs: 0 }, 400, 'option_invalid'],
  ['a ttlMs that is a text', { ...ITEM, ttlMs: '5' }, 400, 'option_invalid'],
  ['a ttlMs beyond ten years', { ...ITEM, ttlMs: 1e12 }, 400, 'option_invalid'],
  ['ttlMs and expiresAt', { ...ITEM, ttlMs: 5, expiresAt: '2999-01-01T00:00:00Z' }, 400, 'option_invalid'],
  ['an expiresAt in the past', { ...ITEM, expiresAt: '2020-01-01T00:00:00Z' }, 400, 'option_invalid'],
  ['an expiresAt without a time zone', { ...ITEM, expiresAt: '2999-01-01T00:00:00' }, 400, 'option_invalid'],
  ['an expiresAt that is a number', { ...ITEM, expiresAt: 4e12 }, 400, 'option_invalid'],
  ['an empty key', { ...ITEM, key: '' }, 400, 'option_invalid'],
  ['a key of 10,000 characters', { ...ITEM, key: 'k'.repeat(10_000) }, 400, 'option_invalid'],
  ['a key with a line end', { ...ITEM, key: 'a\nid: forged' }, 400, 'option_invalid'],
  ['a key that is an object', { ...ITEM, key: { a: 1 } }, 400, 'option_invalid'],
  ['a priority that is not known', { ...ITEM, priority: 'urgent' }, 400, 'option_invalid'],
  ['a priority that is a number', { ...ITEM, priority: 1 }, 400, 'option_invalid'],
  ['a traceparent of 10,000 characters', { ...ITEM, traceparent: '0'.repeat(10_000) }, 400, 'option_invalid'],
  ['a key __proto__ of the item', '{"topic":"a","type":"t","__proto__":{"x":1}}', 400, 'body_invalid'],
  [
    'a key __proto__ in data',
    '{"topic":"a","type":"t","data":{"x":{"__proto__":{"y":1}}}}',
    400,
    { express: 'data_invalid', fastify: 'body_invalid', node: 'body_invalid' },
  ],
  [
    'a key constructor.prototype in data',
    '{"topic":"a","type":"t","data":{"x":{"constructor":{"prototype":{"y":1}}}}}',
    400,
    { express: 'data_invalid', fastify: 'body_invalid', node: 'body_invalid' },
  ],
  ['data nested too deep', { ...ITEM, data: JSON.parse('['.repeat(33) + ']'.repeat(33)) }, 400, 'data_invalid'],
  ['data nested thousands of levels deep', deepItem(), 400, 'data_invalid'],
  ['a notification that is too large', { ...ITEM, data: 'x'.repeat(64 * 1024) }, 413, 'notification_too_large'],
  ['more than the parser takes', { ...ITEM, data: 'x'.repeat(HUGE) }, 413, 'body_too_large'],
];

const HEADER_ROWS: [what: string, headers: Record<string, string>, status: number, code: string][] = [
  ['no Content-Type', {}, 415, 'media_type_unsupported'],
  ['an empty Content-Type', { 'Content-Type': '' }, 415, 'media_type_unsupported'],
  ['text/plain', { 'Content-Type': 'text/plain' }, 415, 'media_type_unsupported'],
  ['a form', { 'Content-Type': 'application/x-www-form-urlencoded' }, 415, 'media_type_unsupported'],
  ['XML', { 'Content-Type': 'application/xml' }, 415, 'media_type_unsupported'],
  ['something like JSON', { 'Content-Type': 'application/jsonp' }, 415, 'media_type_unsupported'],
  ['no media type', { 'Content-Type': 'json' }, 415, 'media_type_unsupported'],
  ['an empty Idempotency-Key', { 'Content-Type': 'application/json', 'Idempotency-Key': '' }, 400, 'id_invalid'],
];

const ERROR_OF: Record<number, string> = {
  400: 'Bad Request',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
};

function deepItem(): string {
  return `{"topic":"orders","type":"t","data":${'['.repeat(DEEP)}${']'.repeat(DEEP)}}`;
}

forEachAdapter((adapter) => {
  test('a body in chunks that is nested too deeply is rejected', async () => {
    const app = await startApp(adapter, { notifications: OPEN });
    const connection = await Connection.open(app);
    const headers = { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' };
    connection.send({ method: 'POST', headers });
    const text = deepItem();
    connection.socket.write(`${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`);
    const { status, json } = await connection.response();
    expect(status).toBe(400);
    // Newer lines of Node.js can write such a body as JSON. Then the limit of `data` rejects it.
    expect(['body_invalid', 'data_invalid']).toContain(json.code);
  });

  describe('a publish is rejected with status and code', () => {
    test.each(JSON_ROWS)('%s', async (_, body, status, code) => {
      const app = await startApp(adapter, { notifications: OPEN });
      const response = await post(app, body);
      expect(response.status).toBe(status);
      expect(response.header('cache-control')).toBe('no-cache, no-store');
      expect(response.json).toEqual({
        statusCode: status,
        error: ERROR_OF[status],
        message: expect.stringMatching(/^.{10,200}$/),
        code: typeof code === 'string' ? code : code[adapter.name],
      });
      const { json } = await poll(app, 'topic=orders,a&cursor=earliest&wait=0');
      expect(json.notifications).toEqual([]);
    });

    test.each(HEADER_ROWS)('%s', async (_, headers, status, code) => {
      const app = await startApp(adapter, { notifications: OPEN });
      const response = await request(app, {
        method: 'POST',
        path: '/notifications',
        headers,
        body: JSON.stringify(ITEM),
      });
      expect({ status: response.status, code: response.json.code }).toEqual({ status, code });
      expect(response.json).toMatchObject({ statusCode: status, error: ERROR_OF[status] });
      expect(response.header('cache-control')).toContain('no-store');
    });

    test('data so deep that a recursive schema would exhaust the stack', async () => {
      interface Tree {
        children: Tree[];
      }
      const tree: z.ZodType<Tree> = z.object({ children: z.lazy(() => z.array(tree)) });
      const app = await startApp(adapter, { notifications: { ...OPEN, schemas: { tree: tree as never } } });
      const levels = 4_000;
      const data = `${'{"children":['.repeat(levels)}${']}'.repeat(levels)}`;
      const { status, json } = await post(app, `{"topic":"orders","type":"tree","data":${data}}`);
      expect({ status, code: json.code }).toEqual({ status: 400, code: 'data_invalid' });
    });
  });

  test('wrong input is shortened in the message, and does not break the answer', async () => {
    const app = await startApp(adapter, { notifications: OPEN });
    const key = `<script>"\n${'k'.repeat(5_000)}`;
    const { status, json, text } = await post(app, { ...ITEM, [key]: 1 });
    expect(status).toBe(400);
    expect(json.code).toBe('body_invalid');
    expect(text.length).toBeLessThan(300);
  });
});
