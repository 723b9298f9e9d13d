import { expect, test } from '@jest/globals';
import { METHODS } from 'node:http';
import { firstValueFrom } from 'rxjs';
import { ADAPTERS, forEachAdapter } from '../support/http/adapters.js';
import { OPEN, startApp, type TestApp } from '../support/http/app.js';
import { request, type Request } from '../support/http/connection.js';

const LONG = 'k'.repeat(10_000);
const CURSOR = 'A'.repeat(36);
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** Values that an option must not have. */
const WRONG_OPTIONS: Readonly<Record<string, readonly unknown[]>> = {
  ttlMs: [0, -1, 1.5, 315_360_000_001, Number.MAX_VALUE, '5', '', null, true, [], {}, LONG],
  expiresAt: [
    ...['2020-01-01T00:00:00Z', '2999-01-01T00:00:00Z', '2999-01-01', '2999-01-01T00:00:00', 'tomorrow', '', LONG],
    ...[4e12, 0, null, true, [], {}],
  ],
  key: ['', ' ', 'a b', 'a\nid: x', 'größe', 'k'.repeat(201), LONG, 7, null, true, [], {}],
  priority: ['', 'urgent', 'HIGH', 'high ', LONG, 1, null, true, ['high'], {}],
  traceparent: [
    '',
    'x',
    TRACE.replace('00-', '01-'),
    TRACE.replace(/-[0-9a-f]{32}/, `-${'0'.repeat(32)}`),
    LONG,
    7,
    null,
    [],
  ],
};

const post = (body: unknown): Request => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
});
const item = (options: object): object => ({ topic: 'orders', type: 'order.shipped', data: 1, ...options });

type Row = readonly [what: string, request: Request, code: string];

const PUBLISHES: readonly Row[] = [
  ...Object.entries(WRONG_OPTIONS).flatMap(([option, values]) =>
    values.map((value): Row => [
      `${option} ${JSON.stringify(value).slice(0, 40)}`,
      post(item({ [option]: value })),
      'option_invalid',
    ]),
  ),
  ['ttlMs and expiresAt', post(item({ ttlMs: 5, expiresAt: '2999-01-01T00:00:00Z' })), 'option_invalid'],
  ['a publisher', post(item({ publisher: 'bob' })), 'body_invalid'],
  ['an unknown option', post(item({ expires: 5 })), 'body_invalid'],
  ['an array with one wrong option', post([item({}), item({ key: LONG })]), 'option_invalid'],
];

const STREAM = { Accept: 'text/event-stream' };

/** Reads of the history, as a GET. */
const HISTORIES: readonly Row[] = (
  [
    ['before and wait', 'topic=orders&before=latest&wait=0', 'before_invalid'],
    ['before and cursor', 'topic=orders&before=latest&cursor=latest', 'before_invalid'],
    ['before and lastEventId', 'topic=orders&before=latest&lastEventId=x', 'before_invalid'],
    ['two befores', 'topic=orders&before=latest&before=latest', 'before_invalid'],
    ['an empty before', 'topic=orders&before=', 'before_invalid'],
    ['before=earliest', 'topic=orders&before=earliest', 'before_invalid'],
    ['a before that is a number', 'topic=orders&before=1', 'before_invalid'],
    ['a before that is no cursor of the feed', `topic=orders&before=${CURSOR}`, 'before_invalid'],
    ['a before of 10,000 characters', `topic=orders&before=${LONG}`, 'before_invalid'],
    ['a before without a topic', 'before=latest', 'topic_missing'],
    ['a limit of 0', 'topic=orders&before=latest&limit=0', 'limit_invalid'],
    ['a limit above the maximum', 'topic=orders&before=latest&limit=1001', 'limit_invalid'],
  ] as const
).map(([what, query, code]) => [what, { path: `/notifications?${query}` }, code]);

const query = (body: unknown): Request => ({ ...post(body), method: 'QUERY' });

/** Node.js 20.19 does not know the method. */
const QUERIES: readonly Row[] = !METHODS.includes('QUERY')
  ? []
  : [
      ['before and wait in a QUERY', query({ topic: 'orders', before: 'latest', wait: 0 }), 'before_invalid'],
      ['a long before in a QUERY', query({ topic: 'orders', before: LONG }), 'before_invalid'],
      ['a before that is an object in a QUERY', query({ topic: 'orders', before: {} }), 'body_invalid'],
      ['a long topic in a QUERY', query({ topic: LONG }), 'topic_invalid'],
    ];

const ROWS: readonly Row[] = [
  ...PUBLISHES,
  ...HISTORIES,
  ['before of a stream', { path: '/notifications?topic=orders&before=latest', headers: STREAM }, 'before_invalid'],
  ...QUERIES,
];

forEachAdapter((adapter) => {
  const stateOf = async ({ service, counts }: TestApp) => ({
    page: await firstValueFrom(service.poll({ topics: ['orders'], cursor: 'earliest', waitMs: 0 })),
    counts: counts(),
  });

  test('rejects wrong options and wrong reads of the history, and changes nothing', async () => {
    const app = await startApp(adapter, { notifications: OPEN });
    await app.service.publish('orders', { type: 'order.shipped', data: 'before' });
    const before = await stateOf(app);
    for (const [what, wrong, code] of ROWS) {
      const { status, json, text } = await request(app, wrong);
      expect({ what, status, code: json.code }).toEqual({ what, status: 400, code });
      expect(json.message).toMatch(/^.{10,200}$/);
      expect(text).not.toContain('k'.repeat(100));
    }
    expect(await stateOf(app)).toEqual(before);
  });
}, ADAPTERS);
