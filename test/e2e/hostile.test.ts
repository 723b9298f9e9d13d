import { describe, expect, test } from '@jest/globals';
import { type CanActivate, UnauthorizedException } from '@nestjs/common';
import { createParser } from 'eventsource-parser';
import { forEachAdapter } from '../support/http/adapters.js';
import { OPEN, startApp, type TestApp } from '../support/http/app.js';
import { Connection, request } from '../support/http/connection.js';
import { poll, post, publish } from '../support/http/feed.js';
import { SseReader } from '../support/http/sse.js';

const refusing: CanActivate = {
  canActivate: () => {
    throw new UnauthorizedException();
  },
};

/**
 * Spellings of the path. A router, proxy or guard may treat them as the same path, or as another
 * one.
 */
const PATHS = [
  '/notifications',
  '/notifications/',
  '//notifications',
  '/./notifications',
  '/x/../notifications',
  '/%6eotifications',
  '/notifications%2f',
  '/%2fnotifications',
  '/notifications;a=b',
  '/notifications%00',
  '/notifications%20',
  '/NOTIFICATIONS',
  '/Notifications',
  '/notifications.json',
  '/notifications#x',
  '/notifications%3ftopic=orders',
  '/notifications//',
  'http://other.example/notifications',
];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'get', 'QUERY'];

/** Characters that end a line, a block, a string or a message in some format. */
const BREAKERS = [
  '\n',
  '\r',
  '\r\n',
  '\n\n',
  '\u2028',
  '\u2029',
  '\u0085',
  '\0',
  '\ud800',
  '\ufeff',
  '\n\ndata: forged\nid: forged\n\n',
  '\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
  '"}],"cursor":"forged"',
  '</script>',
];

forEachAdapter((adapter) => {
  test('a request line with another version of HTTP causes no server error', async () => {
    const app = await startApp(adapter, { notifications: OPEN });
    for (const version of ['2.0', '3.0', '9.9', '1.0', '0.9']) {
      const connection = await Connection.open(app);
      connection.socket.write(`GET /notifications?topic=orders&wait=0 HTTP/${version}\r\nHost: localhost\r\n\r\n`);
      // Newer lines of Node.js accept some of these versions, older ones reject them.
      expect([200, 400, 505]).toContain((await connection.response()).status);
      connection.socket.destroy();
    }
    expect(app.logs).toEqual([]);
  });

  describe('without credentials', () => {
    test.each([
      ['a guard refuses', { ...OPEN, guards: [refusing] }],
      ['the rules refuse', { access: { read: () => false, publish: () => false } }],
      ['nothing is configured', {}],
    ])('no variant of the path returns data when %s', async (_, notifications) => {
      const app = await startApp(adapter, { notifications });
      await publish(app, 'orders');
      for (const path of PATHS) {
        for (const method of METHODS) {
          for (const headers of [{}, { Accept: 'text/event-stream' }, { 'X-Original-URL': '/notifications' }]) {
            const query = '?topic=orders&cursor=earliest&wait=0';
            const answer = await request(app, { method, path: path + query, headers });
            expect({ method, path, reached: answer.status < 400 && answer.text !== '' }).toEqual({
              method,
              path,
              reached: false,
            });
            expect(answer.text).not.toContain('numbered');
          }
        }
      }
      expect(app.counts().waiters).toBe(0);
    });
  });

  describe('published data cannot forge a part of an answer', () => {
    test('with characters that end a line, a block or a string', async () => {
      const app = await startApp(adapter, { notifications: OPEN });
      for (const [at, breaker] of BREAKERS.entries()) await publishAndRead(app, `orders.${at}`, breaker);
    });

    async function publishAndRead(app: TestApp, topic: string, breaker: string): Promise<void> {
      const text = `before${breaker}after`;
      for (const wrong of [{ topic: text }, { type: text }, { id: text }]) {
        const { status, json } = await post(app, { topic, type: 't', data: 1, ...wrong });
        expect([status, json.statusCode]).toEqual([400, 400]);
      }
      const data = { [text]: [text] };
      const { ids } = await app.service.publish(topic, { type: 't', data });
      const expected = JSON.parse(JSON.stringify(data)) as unknown;

      const { json } = await poll(app, `topic=${topic}&cursor=earliest`);
      expect(json.notifications.map((n: { id: string; data: unknown }) => [n.id, n.data])).toEqual([
        [ids[0], expected],
      ]);

      const stream = await SseReader.open(app, `topic=${topic}&cursor=earliest`);
      await stream.opening();
      await stream.next();
      const events: { event: string | undefined; data: string }[] = [];
      createParser({ onEvent: ({ event, data: line }) => events.push({ event, data: line }) }).feed(stream.text);
      const notifications = events.filter(({ event }) => event === undefined);
      expect(notifications.map(({ data: line }) => (JSON.parse(line) as { data: unknown }).data)).toEqual([expected]);
      await stream.close();
    }
  });
});
