import { expect, test } from '@jest/globals';
import { METHODS } from 'node:http';
import type { AccessRules, NotificationsService } from 'nest-notifications';
import { firstValueFrom } from 'rxjs';
import { ADAPTERS, forEachAdapter } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { request, type Request } from '../support/http/connection.js';

/** Every caller may read, publish and retract. */
const ACCESS: AccessRules = { read: 'public', publish: 'public', retract: 'public' };
const PATTERNS = ['orders.*'];
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
      ['an undeclared pattern in a QUERY', query({ topic: ['orders.*', 'other.*'] }), 'pattern_undeclared'],
      ['an unknown field in a QUERY', query({ topic: 'orders', key: LONG }), 'body_invalid'],
    ];

const remove = (path: string): Request => ({ method: 'DELETE', path: `/notifications/${path}` });

const RETRACTIONS: readonly Row[] = [
  ['a retraction without a topic', remove('first'), 'topic_missing'],
  ['a retraction of two topics', remove('first?topic=orders&topic=other'), 'topics_too_many'],
  ['a retraction of a long topic', remove(`first?topic=${LONG}`), 'topic_invalid'],
  ['a retraction of a pattern', remove('first?topic=orders.*'), 'topic_invalid'],
  ['a retraction of a reserved topic', remove('first?topic=$retractions'), 'topic_invalid'],
  ['a retraction of a reserved id', remove('$first?topic=orders'), 'id_invalid'],
  ['a retraction of an id with a space', remove('first%20?topic=orders'), 'id_invalid'],
];

const PATTERN_READS: readonly Row[] = (
  [
    ['an undeclared pattern', 'topic=other.*', 'pattern_undeclared'],
    ['a wider pattern', 'topic=*', 'pattern_undeclared'],
    ['a narrower pattern', 'topic=orders.eu.*', 'pattern_undeclared'],
    ['a pattern with two stars', 'topic=orders.**', 'topic_invalid'],
    ['a pattern of 10,000 characters', `topic=${LONG}.*`, 'topic_invalid'],
    ['a pattern with before and wait', 'topic=orders.*&before=latest&wait=1', 'before_invalid'],
  ] as const
).map(([what, asked, code]) => [what, { path: `/notifications?${asked}` }, code]);

const ROWS: readonly Row[] = [
  ...PUBLISHES,
  ...HISTORIES,
  ['before of a stream', { path: '/notifications?topic=orders&before=latest', headers: STREAM }, 'before_invalid'],
  ...QUERIES,
  ...RETRACTIONS,
  ...PATTERN_READS,
  ['a publish to a pattern', post({ topic: 'orders.*', type: 'order.shipped', data: 1 }), 'topic_invalid'],
];

const WRONG_TOPICS = ['', ' ', 'a b', 'orders.*', '$retractions', LONG, 7, null, {}];
const WRONG_IDS = ['', 'a b', '$first', LONG, 7, null, {}];

type Call = (service: NotificationsService) => Promise<unknown>;
type CallRow = readonly [what: string, call: Call, code: string];

const named = (what: string, value: unknown): string => `${what} ${JSON.stringify(value).slice(0, 40)}`;
const VALID = { id: 'many', type: 'order.shipped', data: 1 };
const many = (topics: unknown, notification: object): Call => {
  return (service) => service.publishMany(topics as string[], notification as typeof VALID);
};

const CALLS: readonly CallRow[] = [
  ...WRONG_TOPICS.flatMap((topic): CallRow[] => [
    [named('erase', topic), (service) => service.erase({ topic: topic as string }), 'topic_invalid'],
    [named('retract of topic', topic), (service) => service.retract(topic as string, 'first'), 'topic_invalid'],
    [named('publishMany to', topic), many(['orders', topic], VALID), 'topic_invalid'],
  ]),
  ...WRONG_IDS.map((id): CallRow => [
    named('retract of id', id),
    (service) => service.retract('orders', id as string),
    'id_invalid',
  ]),
  ...WRONG_IDS.filter((id) => id !== null).map((id): CallRow => [
    named('publishMany with id', id),
    many(['orders'], { ...VALID, id }),
    'id_invalid',
  ]),
  ...Object.entries(WRONG_OPTIONS).flatMap(([option, values]) =>
    values.map((value): CallRow => [
      named(`publishMany with ${option}`, value),
      many(['orders'], { ...VALID, [option]: value }),
      'option_invalid',
    ]),
  ),
  ...['orders', 7, null, {}].map((topics): CallRow => [
    named('publishMany to', topics),
    many(topics, VALID),
    'topic_invalid',
  ]),
  [
    'a history before a long text',
    (service) => service.history({ topics: ['orders'], before: LONG }),
    'before_invalid',
  ],
  ['a history of no page', (service) => service.history({ topics: ['orders'], limit: 0 }), 'limit_invalid'],
  ['a history of a pattern', (service) => service.history({ topics: ['other.*'] }), 'pattern_undeclared'],
  [
    'an erasure of a subscriber without the rule',
    (service) => service.erase({ subscriber: 'ann' }),
    'owned_topics_missing',
  ],
];

forEachAdapter((adapter) => {
  const stateOf = async ({ service, counts }: TestApp) => ({
    page: await firstValueFrom(service.poll({ topics: ['orders'], cursor: 'earliest', waitMs: 0 })),
    published: service.totals().published,
    counts: counts(),
  });
  const start = async (access: AccessRules = ACCESS): Promise<TestApp> => {
    const app = await startApp(adapter, { notifications: { access, patterns: PATTERNS } });
    await app.service.publish('orders', { id: 'first', type: 'order.shipped', data: 'before' });
    return app;
  };

  test('rejects wrong requests, and changes nothing', async () => {
    const app = await start();
    const before = await stateOf(app);
    for (const [what, wrong, code] of ROWS) {
      const { status, json, text } = await request(app, wrong);
      expect({ what, status, code: json.code }).toEqual({ what, status: 400, code });
      expect(json.message).toMatch(/^.{10,200}$/);
      expect(text).not.toContain('k'.repeat(100));
    }
    expect(await stateOf(app)).toEqual(before);
  });

  test('rejects requests without the right, and changes nothing', async () => {
    const app = await start({ read: { public: true }, publish: { public: true }, retract: { public: true } });
    const before = await stateOf(app);
    const rows: [what: string, request: Request][] = [
      ['a retraction', remove('first?topic=orders')],
      ['a retraction of an unknown id', remove('unknown?topic=orders')],
      ['a publish', post(item({ key: 'k' }))],
      ['a read', { path: '/notifications?topic=orders&cursor=earliest' }],
      ['a read of the history', { path: '/notifications?topic=orders&before=latest' }],
      ...(QUERIES.length > 0 ? [['a QUERY', query({ topic: 'orders', before: 'latest' })] as [string, Request]] : []),
    ];
    for (const [what, wrong] of rows) {
      const { status, json, text } = await request(app, wrong);
      expect({ what, status, code: json.code }).toEqual({ what, status: 403, code: 'forbidden' });
      expect(text).not.toContain('before');
    }
    expect((await request(app, { method: 'DELETE', path: '/notifications?topic=orders' })).status).toBeGreaterThan(400);
    expect(await stateOf(app)).toEqual(before);
  });

  test('rejects wrong calls of the service, and changes nothing', async () => {
    const app = await start();
    const before = await stateOf(app);
    for (const [what, call, code] of CALLS) {
      const error: unknown = await call(app.service).catch((thrown: unknown) => thrown);
      expect({ what, code: (error as { code?: string } | undefined)?.code }).toEqual({ what, code });
      expect((error as Error).message).toMatch(/^.{10,300}$/);
      expect((error as Error).message).not.toContain('k'.repeat(100));
    }
    expect(await stateOf(app)).toEqual(before);
  });
}, ADAPTERS);
