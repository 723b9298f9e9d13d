import { describe, expect, test } from '@jest/globals';
import { HttpException, UnauthorizedException } from '@nestjs/common';
import type { NotificationsOptions } from 'nest-notifications';
import { ADAPTERS_AND_LANE, forEachAdapter } from '../support/http/adapters.js';
import { startApp } from '../support/http/app.js';
import { poll, post, publish } from '../support/http/feed.js';

type Access = NonNullable<NotificationsOptions['access']>;

const STREAM = { Accept: 'text/event-stream' };
const ITEM = { topic: 'orders', type: 't', data: 1 };
const FORBIDDEN = {
  statusCode: 403,
  error: 'Forbidden',
  message: 'Access to the topics is refused.',
  code: 'forbidden',
};

class OwnerRules {
  readonly #owned = new Set(['orders']);

  read(_: unknown, topic: string): boolean {
    return this.#owned.has(topic);
  }
}

function fail(error: Error): never {
  throw error;
}

const REFUSING: [what: string, access: Access | undefined][] = [
  ['nothing is configured', undefined],
  ['the rules are empty', {}],
  ['a rule says no', { read: () => false }],
  ['a rule resolves with false', { read: async () => Promise.resolve(false) }],
  ['a rule returns undefined', { read: () => undefined as never }],
  ['a rule returns another value than true', { read: () => ({ id: 7 }) as never }],
  ['a rule answers with 1', { read: () => 1 as never }],
  ['a rule rejects one of the topics', { read: (_, topic) => topic !== 'orders' }],
  ['only publishing is allowed', { publish: 'public' }],
  ['only the caller’s own topics are', { topics: () => ['others'] }],
];

forEachAdapter((adapter) => {
  describe('reading is rejected with the same text for every topic', () => {
    test.each(REFUSING)('%s', async (_, access) => {
      const app = await startApp(adapter, { notifications: { access } });
      await publish(app, 'orders');
      for (const headers of [{}, STREAM]) {
        for (const topics of ['orders', 'others,orders', 'orders,no.such.topic']) {
          const { status, json } = await poll(app, `topic=${topics}`, headers);
          expect({ status, json }).toEqual({ status: 403, json: FORBIDDEN });
        }
      }
    });
  });

  describe('reading is allowed when', () => {
    test.each<[what: string, access: Access]>([
      ['it is public', 'public'],
      ['its rule is public', { read: 'public' }],
      ['its rule says yes', { read: (_, topic) => topic === 'orders' }],
      ['its rule resolves with true', { read: async () => Promise.resolve(true) }],
      ['its rule is a method that uses `this`', new OwnerRules()],
    ])('%s', async (_, access) => {
      const app = await startApp(adapter, { notifications: { access } });
      await publish(app, 'orders');
      const { status, json } = await poll(app, 'topic=orders&cursor=earliest');
      expect(status).toBe(200);
      expect(json.notifications).toHaveLength(1);
    });
  });

  describe('a rule', () => {
    test('is called for every topic once, with the framework’s request', async () => {
      const asked: unknown[] = [];
      const read = ({ request }: { request: { headers: Record<string, string> } }, topic: string) => {
        asked.push([topic, request.headers['x-user']]);
        return true;
      };
      const app = await startApp(adapter, { notifications: { access: { read } } });
      await poll(app, 'topic=a,b&topic=a&wait=0', { 'X-User': '7' });
      expect(asked.sort()).toEqual([
        ['a', '7'],
        ['b', '7'],
      ]);
    });

    test.each<[rule: string, access: (rule: () => never) => Access, query: string]>([
      ['topics', (rule) => ({ topics: rule }), ''],
      ['read', (rule) => ({ read: rule }), 'topic=orders'],
      ['expiresAt', (rule) => ({ read: 'public', expiresAt: rule }), 'topic=orders'],
    ])('%s that throws an HttpException answers with it, at once or later', async (_, access, query) => {
      const error = new HttpException({ statusCode: 418, hint: 'tea' }, 418);
      const atOnce = () => fail(error);
      const later = (() => Promise.reject(error)) as () => never;
      for (const rule of [atOnce, later]) {
        const app = await startApp(adapter, { notifications: { access: access(rule) } });
        for (const headers of [{}, STREAM]) {
          const { status, json } = await poll(app, query, headers);
          expect({ status, json }).toEqual({ status: 418, json: { statusCode: 418, hint: 'tea' } });
        }
      }
    });

    test('publish that throws an HttpException answers with it', async () => {
      const publish = () => fail(new UnauthorizedException());
      const app = await startApp(adapter, { notifications: { access: { publish } } });
      expect((await post(app, ITEM)).status).toBe(401);
    });

    test('an unknown error of a rule is answered with 500, without its message', async () => {
      const read = () => fail(new Error('password of the database'));
      const app = await startApp(adapter, { notifications: { access: { read } } });
      for (const headers of [{}, STREAM]) {
        const { status, text } = await poll(app, 'topic=orders', headers);
        expect(status).toBe(500);
        expect(text).not.toContain('password');
      }
      expect(app.logs.splice(0).join()).toContain('password of the database');
    });

    test('a rule of own topics may be async; its topics are checked like other topics', async () => {
      const answers: unknown[] = [['orders'], [], ['a b'], Array.from({ length: 51 }, (_, n) => `t${n}`), undefined];
      const topics = async () => Promise.resolve(answers.shift() as string[]);
      const app = await startApp(adapter, { notifications: { access: { topics } } });
      const codes = [];
      for (let i = 0; i < 5; i++) codes.push((await poll(app, 'wait=0')).json.code);
      expect(codes).toEqual([undefined, 'topic_missing', 'topic_invalid', 'topics_too_many', 'topic_missing']);
    });

    test.each([
      ['a function', (_: unknown, topic: string) => topic !== 'secret'],
      ['patterns', { news: true as const }],
    ])('read, as %s, also checks own topics, and rejects the request if one is forbidden', async (_, read) => {
      let own = ['news', 'secret'];
      const app = await startApp(adapter, { notifications: { access: { topics: () => own, read } } });
      await publish(app, 'secret');
      for (const headers of [{}, STREAM]) {
        const { status, json } = await poll(app, 'cursor=earliest', headers);
        expect({ status, json }).toEqual({ status: 403, json: FORBIDDEN });
      }
      own = ['news'];
      expect((await poll(app, 'wait=0')).status).toBe(200);
    });

    test('without a rule `read`, own topics are allowed for requests without topics', async () => {
      const app = await startApp(adapter, { notifications: { access: { topics: () => ['news'] } } });
      await publish(app, 'news');
      expect((await poll(app, 'cursor=earliest')).json.notifications).toHaveLength(1);
      expect((await poll(app, 'topic=news')).status).toBe(403);
      expect((await poll(app, 'topic=secret')).status).toBe(403);
    });

    test('a rejected promise after an error ends the request, not the process', async () => {
      const read = {
        a: () => Promise.reject(new Error('later')),
        b: () => fail(new Error('at once')),
      };
      const app = await startApp(adapter, { notifications: { access: { read } } });
      expect((await poll(app, 'topic=a,b')).status).toBe(500);
      expect(app.logs.splice(0)).toHaveLength(1);
    });

    test('the rule of own topics is not called if the query has topics; these need access', async () => {
      let asked = 0;
      const topics = () => [`user.${++asked}`];
      const app = await startApp(adapter, { notifications: { access: { topics } } });
      expect((await poll(app, 'topic=user.1')).status).toBe(403);
      expect(asked).toBe(0);
    });
  });

  test('bad input is reported first, and access is checked after it', async () => {
    const asked: string[] = [];
    const read = (_: unknown, topic: string) => asked.push(topic) < 0;
    const app = await startApp(adapter, { notifications: { access: { read } } });
    expect((await poll(app, 'topic=orders&wait=x')).status).toBe(400);
    expect(asked).toEqual([]);
    expect((await poll(app, 'topic=orders')).status).toBe(403);
    expect(asked).toEqual(['orders']);
  });

  test('the service checks no access, because application code is trusted', async () => {
    const app = await startApp(adapter, { notifications: {} });
    const { ids } = await app.service.publish('orders', { type: 't', data: 1 });
    expect(ids).toHaveLength(1);
  });
}, ADAPTERS_AND_LANE);
