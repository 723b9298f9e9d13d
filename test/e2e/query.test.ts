import { describe, expect, test } from '@jest/globals';
import { AbstractHttpAdapter, NestFactory } from '@nestjs/core';
import { METHODS } from 'node:http';
import type { NotificationsOptions } from 'nest-notifications';
import { connect } from 'nest-notifications/client';
import { type Adapter, ADAPTERS, ADAPTERS_AND_LANE, forEachAdapter } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { atTestEnd } from '../support/http/cleanup.js';
import { Connection, request, type Request } from '../support/http/connection.js';
import { numbers, poll, publish, upTo } from '../support/http/feed.js';
import { startCounting } from '../support/http/lane.js';
import type { Message } from '../support/http/message.js';
import { PlainNodeAdapter } from '../support/http/plain-node/adapter.js';
import { until } from '../support/time/until.js';

/** Node.js 20.19 does not know the method. */
const isKnown = METHODS.includes('QUERY');
const JSON_TYPE = { 'Content-Type': 'application/json' };
/** About 60 KiB of names, which no URL may have. */
const MANY = Array.from({ length: 1_000 }, (_, n) => `project.${n}.${'x'.repeat(50)}`);
/** More than any body parser accepts by default. */
const HUGE = 2 * 1024 * 1024;

const queryOf = (body: unknown, more: Request = {}): Request => ({
  method: 'QUERY',
  body: typeof body === 'string' ? body : JSON.stringify(body),
  ...more,
  headers: { ...JSON_TYPE, ...more.headers },
});
const query = (app: TestApp, body: unknown, more?: Request): Promise<Message> => request(app, queryOf(body, more));

const WRONG: [what: string, body: unknown, status: number, code: string][] = [
  ['text that is not JSON', '{"topic":', 400, 'body_invalid'],
  ['a body that is too large for the parser', { topic: 'x'.repeat(HUGE) }, 413, 'body_too_large'],
  ['a body that is too large for 50 topics', ' '.repeat(14_000) + '{"topic":"a"}', 413, 'body_too_large'],
  ['an array', [{ topic: 'a' }], 400, 'body_invalid'],
  ['an unknown field', { topic: 'a', topics: ['b'] }, 400, 'body_invalid'],
  ['a ticket', { topic: 'a', ticket: 'x' }, 400, 'body_invalid'],
  ['no topic', {}, 400, 'topic_missing'],
  ['an empty array of topics', { topic: [] }, 400, 'topic_missing'],
  ['an empty topic', { topic: [''] }, 400, 'topic_invalid'],
  ['a topic that is null', { topic: null }, 400, 'body_invalid'],
  ['a topic that is a number', { topic: 7 }, 400, 'body_invalid'],
  ['an array with null', { topic: ['a', null] }, 400, 'body_invalid'],
  ['a topic with a line end', { topic: ['a\nb'] }, 400, 'topic_invalid'],
  ['a topic of 10,000 characters', { topic: 't'.repeat(10_000) }, 400, 'topic_invalid'],
  ['51 topics', { topic: upTo(51).map(String) }, 400, 'topics_too_many'],
  ['a wait that is negative', { topic: 'a', wait: -1 }, 400, 'wait_invalid'],
  ['a wait with a fraction', { topic: 'a', wait: 1.5 }, 400, 'wait_invalid'],
  ['a wait beyond all limits', { topic: 'a', wait: 1e300 }, 400, 'wait_invalid'],
  ['a wait that is true', { topic: 'a', wait: true }, 400, 'body_invalid'],
  ['a limit of 0', { topic: 'a', limit: 0 }, 400, 'limit_invalid'],
  ['an array of limits', { topic: 'a', limit: [1, 2] }, 400, 'body_invalid'],
  ['a cursor that is a number', { topic: 'a', cursor: 0 }, 400, 'cursor_invalid'],
  ['a cursor of 10,000 characters', { topic: 'a', cursor: 'A'.repeat(10_000) }, 400, 'cursor_invalid'],
  ['before and wait', { topic: 'a', before: 'latest', wait: 1 }, 400, 'before_invalid'],
  ['before and cursor', { topic: 'a', before: 'latest', cursor: 'latest' }, 400, 'before_invalid'],
];

forEachAdapter(
  (adapter) => {
    const start = (notifications: NotificationsOptions = { access: 'public' }): Promise<TestApp> =>
      startApp(adapter, { notifications });

    (isKnown ? describe : describe.skip)('QUERY', () => {
      test('has the same answer as a GET with the same parameters', async () => {
        const app = await start();
        await publish(app, 'orders', 5);
        const got = await poll(app, 'topic=orders&topic=others&cursor=earliest&wait=0&limit=3');
        const body = { topic: ['orders', 'others'], cursor: 'earliest', wait: 0, limit: 3 };
        const queried = await query(app, body);
        expect(queried.status).toBe(200);
        expect(queried.json).toEqual(got.json);
        expect(queried.header('content-type')).toBe('application/json; charset=utf-8');
        expect(queried.header('cache-control')).toBe('no-cache, no-store');
        const next = await query(app, { topic: 'orders', cursor: got.json.cursor, wait: '0' });
        expect(numbers(next.json.notifications)).toEqual([4, 5]);
      });

      test('waits for notifications on more topics than fit into a URL', async () => {
        const app = await start({ access: 'public', limits: { topicsMax: 1_000 } });
        const connection = await Connection.open(app);
        connection.send(queryOf({ topic: MANY }));
        await until(() => app.counts().waiters === 1);
        await publish(app, MANY[999]!);
        const { status, json } = await connection.response();
        expect([status, numbers(json.notifications)]).toEqual([200, [1]]);
        const tooLong = await request(app, { path: `/notifications?topic=${MANY.join()}` });
        expect(tooLong.status).toBe(431);
      });

      test('opens an event stream', async () => {
        const app = await start();
        await publish(app, 'orders', 2);
        const connection = await Connection.open(app);
        connection.send(
          queryOf({ topic: ['orders'], cursor: 'earliest' }, { headers: { Accept: 'text/event-stream' } }),
        );
        const head = await connection.head();
        expect([head.status, head.header('content-type')]).toEqual([200, 'text/event-stream']);
        await connection.when(() => head.text.split('data: {"id"').length === 3, 'two notifications');
        await publish(app, 'orders', 1, 3);
        await connection.when(() => head.text.split('data: {"id"').length === 4, 'the third notification');
        await connection.destroy();
      });

      test('reads the history', async () => {
        const app = await start();
        await publish(app, 'orders', 5);
        const { json } = await query(app, { topic: 'orders', before: 'latest', limit: 2 });
        expect(numbers(json.notifications)).toEqual([5, 4]);
      });

      test('rejects a wrong body', async () => {
        const app = await start();
        for (const [what, body, status, code] of WRONG) {
          const response = await query(app, body);
          expect({ what, status: response.status, code: response.json.code }).toEqual({ what, status, code });
          expect(response.json.message).toMatch(/^.{10,200}$/);
          expect(response.header('cache-control')).toContain('no-store');
          expect(response.header('notifications-error')).toBe(code);
        }
        expect(app.counts()).toMatchObject({ waiters: 0, topics: 0 });
      });

      test('rejects another media type, and names the one that it accepts', async () => {
        const app = await start();
        for (const type of [undefined, '', 'text/plain', 'application/x-www-form-urlencoded', 'application/jsonp']) {
          const headers = { ...(type !== undefined && { 'Content-Type': type }) };
          const response = await request(app, { method: 'QUERY', headers, body: '{"topic":"orders"}' });
          const { code } = response.json as { code: string };
          expect({ type, status: response.status, code }).toEqual({
            type,
            status: 415,
            code: 'media_type_unsupported',
          });
          expect(response.header('accept-query')).toBe('application/json');
        }
      });

      test('rejects its parameters in the URL', async () => {
        const app = await start();
        for (const parameter of ['topic=a', 'cursor=latest', 'wait=0', 'limit=1', 'before=latest']) {
          const { status, json } = await query(
            app,
            { topic: 'a', wait: 0 },
            { path: `/notifications?x=1&${parameter}` },
          );
          expect({ parameter, status, code: json.code }).toEqual({ parameter, status: 400, code: 'body_invalid' });
        }
      });

      test('does not bypass access rules, limits and origins', async () => {
        const app = await start({
          access: {
            subscriber: ({ request: { headers } }: { request: { headers: Record<string, string> } }) =>
              headers['x-user'],
            read: ({ subscriber }, topic) => topic === `user.${subscriber}`,
            topics: ({ subscriber }) => [`user.${subscriber}`],
          },
          limits: { waitersPerSubscriberMax: 1 },
          origins: [],
          tickets: {},
        });
        const ann = { 'x-user': 'ann' };
        const refused = await query(app, { topic: ['user.ann', 'user.bob'] }, { headers: ann });
        expect([refused.status, refused.json.code]).toEqual([403, 'forbidden']);
        await publish(app, 'user.ann');
        const own = await query(app, { cursor: 'earliest' }, { headers: ann });
        expect(numbers(own.json.notifications)).toEqual([1]);
        const connection = await Connection.open(app);
        connection.send(queryOf({ topic: 'user.ann' }, { headers: ann }));
        await until(() => app.counts().waiters === 1);
        const second = await query(app, { topic: 'user.ann' }, { headers: ann });
        expect([second.status, second.json.code]).toEqual([429, 'subscriber_waiters_too_many']);
        await connection.destroy();
        const foreign = await query(
          app,
          { topic: 'user.ann' },
          { headers: { ...ann, Origin: 'https://evil.example' } },
        );
        expect([foreign.status, foreign.json.code]).toEqual([403, 'origin_forbidden']);
        const ticket = await query(
          app,
          {},
          { path: '/notifications?ticket=x', headers: { Accept: 'text/event-stream' } },
        );
        expect([ticket.status, ticket.json.code]).toEqual([401, 'ticket_invalid']);
      });

      test('needs a preflight, which the application must allow', async () => {
        const app = await startApp(adapter, {
          configure: (nest) => nest.enableCors({ origin: ['https://app.example'], methods: ['GET', 'QUERY'] }),
        });
        const headers = { Origin: 'https://app.example', 'Access-Control-Request-Method': 'QUERY' };
        const preflight = await request(app, { method: 'OPTIONS', headers });
        expect(preflight.header('access-control-allow-methods')).toContain('QUERY');
      });

      test('is sent by the client if a URL would be too long', async () => {
        const app = await start({ access: 'public', limits: { topicsMax: 1_000 } });
        for (const transport of ['poll', 'sse'] as const) {
          const feed = connect<{ data: { n: number } }>({
            url: `http://127.0.0.1:${app.port}/notifications`,
            topics: MANY,
            transport,
            cursor: 'earliest',
          });
          atTestEnd(() => feed.close());
          const received: number[] = [];
          feed.subscribe(({ data }) => received.push(data.n));
          await until(() => app.counts().waiters > 0);
          const before = received.length;
          await publish(app, MANY[500]!);
          await until(() => received.length > before);
          const page = await feed.history({ limit: 1 });
          expect(page.notifications).toHaveLength(1);
          feed.close();
          await until(() => app.counts().waiters === 0);
        }
      });
    });
  },
  [...ADAPTERS, ADAPTERS_AND_LANE.at(-1)!],
);

forEachAdapter(
  (adapter) => {
    (isKnown ? test : test.skip)(
      'a QUERY on a connection of the direct lane passes through the application',
      async () => {
        const { app, wholeWays } = await startCounting(adapter);
        const connection = await Connection.open(app);
        const body = { topic: 'orders', wait: 0 };
        const answers: number[] = [];
        for (let n = 0; n < 4; n++) {
          connection.send({ path: `/notifications?topic=orders&cursor=${app.service.cursor()}&wait=0` });
          answers.push((await connection.response()).status);
          connection.send(queryOf({ ...body, cursor: app.service.cursor() }));
          answers.push((await connection.response()).status);
        }
        for (let n = 0; n < 4; n++) {
          connection.send(queryOf({ ...body, cursor: app.service.cursor() }));
          answers.push((await connection.response()).status);
        }
        expect(answers).toEqual(Array.from({ length: 12 }, () => 200));
        // Every QUERY ran through the application.
        expect(wholeWays()).toBeGreaterThanOrEqual(8);
      },
    );
  },
  [ADAPTERS_AND_LANE.at(-1)!],
);

/** An adapter without QUERY. It inherits the method, but its server does not implement QUERY. */
class OldAdapter extends PlainNodeAdapter {}
OldAdapter.prototype.query = AbstractHttpAdapter.prototype.query;
const old: Adapter = {
  name: 'node, without QUERY',
  create: (module, { logs: _, ...options }) => NestFactory.create(module, new OldAdapter(), options),
};

forEachAdapter(
  (adapter) => {
    test('an application whose adapter does not know QUERY starts, and answers QUERY with an error', async () => {
      const app = await startApp(adapter);
      await publish(app, 'orders');
      expect((await query(app, { topic: 'orders', cursor: 'earliest' })).status).toBe(isKnown ? 404 : 400);
      expect((await poll(app, 'topic=orders&cursor=earliest')).status).toBe(200);
    });
  },
  isKnown ? [old] : [old, ...ADAPTERS],
);
