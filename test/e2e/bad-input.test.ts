import { describe, expect, test } from '@jest/globals';
import { ADAPTERS, forEachAdapter } from '../support/http/adapters.js';
import { startApp } from '../support/http/app.js';
import { Connection, request } from '../support/http/connection.js';
import { holdPoll, poll, publish } from '../support/http/feed.js';

const CURSOR = 'A'.repeat(36);
const many = (count: number): string => Array.from({ length: count }, (_, n) => `t${n}`).join();

const ROWS: [what: string, query: string, code: string][] = [
  ['no topic', '', 'topic_missing'],
  ['other parameters, but no topic', 'wait=0&limit=5', 'topic_missing'],
  ['a topic without a value', 'topic', 'topic_invalid'],
  ['an empty topic', 'topic=', 'topic_invalid'],
  ['an empty topic behind a comma', 'topic=a,', 'topic_invalid'],
  ['an empty topic beside another', 'topic=a&topic=', 'topic_invalid'],
  ['a topic with a space', 'topic=a+b', 'topic_invalid'],
  ['a topic with a line end', 'topic=a%0Ab', 'topic_invalid'],
  ['a topic with a line end at its end', 'topic=a%0A', 'topic_invalid'],
  ['a topic with NUL', 'topic=a%00', 'topic_invalid'],
  ['a topic with a wildcard inside', 'topic=orders.*.lines', 'topic_invalid'],
  ['a topic with a letter beyond ASCII', 'topic=gr%C3%B6%C3%9Fe', 'topic_invalid'],
  ['a topic that is no UTF-8', 'topic=%FF%FE', 'topic_invalid'],
  ['a topic whose escape is cut off', 'topic=%', 'topic_invalid'],
  ['a topic of 201 characters', `topic=${'t'.repeat(201)}`, 'topic_invalid'],
  ['a topic of 10,000 characters', `topic=${'t'.repeat(10_000)}`, 'topic_invalid'],
  ['a pattern that is not declared', 'topic=orders.*', 'pattern_undeclared'],
  ['more topics than allowed', `topic=${many(51)}`, 'topics_too_many'],
  ['a thousand topics', `topic=${many(1000)}`, 'topics_too_many'],
  ['an empty wait', 'topic=a&wait=', 'wait_invalid'],
  ['a wait below 0', 'topic=a&wait=-1', 'wait_invalid'],
  ['a wait above the maximum', 'topic=a&wait=56', 'wait_invalid'],
  ['a wait above the largest number', `topic=a&wait=${'9'.repeat(400)}`, 'wait_invalid'],
  ['a wait with a fraction', 'topic=a&wait=1.5', 'wait_invalid'],
  ['a wait with an exponent', 'topic=a&wait=1e1', 'wait_invalid'],
  ['a wait in hexadecimal', 'topic=a&wait=0x10', 'wait_invalid'],
  ['a wait with a unit', 'topic=a&wait=10s', 'wait_invalid'],
  ['a wait with a sign', 'topic=a&wait=%2B5', 'wait_invalid'],
  ['a wait with a line end', 'topic=a&wait=5%0A', 'wait_invalid'],
  ['a wait in non-ASCII digits', 'topic=a&wait=%D9%A5', 'wait_invalid'],
  ['a wait of NaN', 'topic=a&wait=NaN', 'wait_invalid'],
  ['a wait of Infinity', 'topic=a&wait=Infinity', 'wait_invalid'],
  ['two waits', 'topic=a&wait=1&wait=1', 'wait_invalid'],
  ['an empty limit', 'topic=a&limit=', 'limit_invalid'],
  ['a limit of 0', 'topic=a&limit=0', 'limit_invalid'],
  ['a limit below 0', 'topic=a&limit=-5', 'limit_invalid'],
  ['a limit above the maximum', 'topic=a&limit=1001', 'limit_invalid'],
  ['a limit with a fraction', 'topic=a&limit=1.0', 'limit_invalid'],
  ['a limit that is a word', 'topic=a&limit=all', 'limit_invalid'],
  ['two limits', 'topic=a&limit=5&limit=6', 'limit_invalid'],
  ['an empty cursor', 'topic=a&cursor=', 'cursor_invalid'],
  ['a cursor that is a word', 'topic=a&cursor=Latest', 'cursor_invalid'],
  ['a cursor that is a number', 'topic=a&cursor=0', 'cursor_invalid'],
  ['an invalid cursor of the right length', `topic=a&cursor=${CURSOR}`, 'cursor_invalid'],
  ['a cursor of 10,000 characters', `topic=a&cursor=${'A'.repeat(10_000)}`, 'cursor_invalid'],
  ['a cursor that is no UTF-8', 'topic=a&cursor=%FF', 'cursor_invalid'],
  ['two cursors', 'topic=a&cursor=latest&cursor=latest', 'cursor_invalid'],
  ['two cursors by different names', 'topic=a&cursor=latest&lastEventId=latest', 'cursor_invalid'],
  ['two cursors, the first empty', 'topic=a&lastEventId=&lastEventId=earliest', 'cursor_invalid'],
  ['a lastEventId that cannot be read', 'topic=a&lastEventId=x', 'cursor_invalid'],
  ['a last_event_id that cannot be read', 'topic=a&last_event_id=x', 'cursor_invalid'],
];

const ACCEPTS = [
  'text/html',
  'image/*',
  'application/xml, text/plain;q=0.5',
  'application/json;q=0',
  'nonsense',
  '*/*;q=0',
];

forEachAdapter((adapter) => {
  describe('a GET is rejected with a message about the value', () => {
    test.each(ROWS)('%s', async (_, query, code) => {
      const app = await startApp(adapter);
      for (const accept of ['*/*', 'text/event-stream']) {
        const response = await poll(app, query, { Accept: accept });
        expect({ status: response.status, json: response.json }).toEqual({
          status: 400,
          json: { statusCode: 400, error: 'Bad Request', message: expect.stringMatching(/^.{10,200}$/), code },
        });
        const part = /^[a-z]+?(?=s?_)/.exec(code)![0];
        expect(response.json.message).toMatch(new RegExp(`^${part}|lastEventId|last_event_id`, 'i'));
        expect(response.header('cache-control')).toBe('no-cache, no-store');
        expect(app.counts()).toMatchObject({ waiters: 0, topics: 0, subscribers: 0, addresses: 0 });
      }
    });

    test.each(ACCEPTS)('Accept: %s', async (accept) => {
      const app = await startApp(adapter);
      const response = await poll(app, 'topic=a', { Accept: accept });
      expect({ status: response.status, json: response.json }).toEqual({
        status: 406,
        json: { statusCode: 406, error: 'Not Acceptable', message: expect.any(String), code: 'not_acceptable' },
      });
      expect(response.header('cache-control')).toContain('no-store');
    });
  });

  test.each([
    ['none', undefined, 'application/json; charset=utf-8'],
    ['anything', '*/*', 'application/json; charset=utf-8'],
    [
      'the value of a browser’s address bar',
      'text/html,application/xml;q=0.9,*/*;q=0.8',
      'application/json; charset=utf-8',
    ],
    ['the value of axios', 'application/json, text/plain, */*', 'application/json; charset=utf-8'],
    ['a preference for streams', 'text/event-stream, application/json;q=0.9', 'text/event-stream'],
    ['the value of some HTTP libraries', 'application/json; charset=utf-8', 'application/json; charset=utf-8'],
    ['a stream with parameters', 'text/event-stream;charset=utf-8', 'text/event-stream'],
    ['any text', 'text/*', 'text/event-stream'],
  ])('Accept: %s is served', async (_, accept, type) => {
    const app = await startApp(adapter);
    const connection = await Connection.open(app);
    const headers = accept === undefined ? {} : { Accept: accept };
    connection.send({ path: '/notifications?topic=a&wait=0', headers });
    const head = await connection.head();
    expect({ status: head.status, type: head.header('content-type') }).toEqual({ status: 200, type });
  });

  test('the lowest and highest allowed values are accepted', async () => {
    const app = await startApp(adapter);
    const edges = [
      `topic=${many(50)}&wait=0`,
      `topic=${many(50)},${many(50)}&wait=0`,
      `topic=${'t'.repeat(200)}&wait=0`,
      'topic=a&wait=000',
      'topic=a&wait=0&limit=1',
      'topic=a&wait=0&limit=1000',
      'topic=a&wait=0&unknown=1',
      'topic=a&wait=0&lastEventId=',
    ];
    for (const query of edges) {
      const { status } = await poll(app, query);
      expect({ query, status }).toEqual({ query, status: 200 });
    }
    // The longest wait is allowed. A notification ends this wait early.
    const held = await holdPoll(app, 'topic=a&wait=55&cursor=latest');
    await publish(app, 'a');
    expect((await held.response()).status).toBe(200);
  });

  test.each(['', 'wait=99, x=', 'wait=-5', 'wait=soon', '=', 'wait=1=2', 'x'.repeat(5000)])(
    'an invalid Prefer header is ignored: %#',
    async (prefer) => {
      const app = await startApp(adapter, { notifications: { access: 'public', poll: { waitMs: 0, waitMsMax: 100 } } });
      expect((await poll(app, 'topic=a', { Prefer: prefer })).status).toBe(200);
    },
  );

  test('other methods are rejected', async () => {
    const app = await startApp(adapter);
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      const { status } = await request(app, { method, path: '/notifications?topic=a' });
      expect({ method, status }).toEqual({ method, status: 404 });
    }
  });
}, ADAPTERS);
