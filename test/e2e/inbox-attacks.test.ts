import { describe, expect, test } from '@jest/globals';
import { getNotificationsToken, memoryStore, NotificationsModule, type NotificationsService } from 'nest-notifications';
import { InboxModule, type InboxOptions, InboxService } from 'nest-notifications/inbox';
import type { Inbox } from '../../src/inbox/nest/inbox.js';
import { INBOX } from '../../src/inbox/nest/inbox-token.js';
import { type Adapter, forEachAdapter, ONE_ADAPTER } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { Connection, request } from '../support/http/connection.js';
import type { Message } from '../support/http/message.js';
import { idsOf } from '../support/inbox.js';
import { until } from '../support/time/until.js';

interface Running {
  readonly app: TestApp;
  readonly inbox: InboxService;
  readonly feed: NotificationsService;
  /** A cursor that this server has sealed, for any position of the log. */
  readonly cursorAt: (ahead: number) => string;
}

const subscriber = ({ request: { headers } }: { request: { headers: Record<string, string | undefined> } }) =>
  headers.authorization;

async function start(adapter: Adapter, options: Partial<InboxOptions> = {}): Promise<Running> {
  const inboxModule = InboxModule.forRoot({ access: { subscriber }, ...options });
  const app = await startApp(adapter, { imports: [NotificationsModule.forRoot({ access: 'public' }), inboxModule] });
  const { context } = app.nest.get<Inbox>(INBOX, { strict: false });
  const { epoch } = context.feed.window;
  return {
    app,
    inbox: app.nest.get(InboxService, { strict: false }),
    feed: app.nest.get<NotificationsService>(getNotificationsToken('inbox'), { strict: false }),
    cursorAt: (ahead) => context.encoder.seal(epoch, context.feed.window.head + ahead),
  };
}

function get(app: TestApp, query: string, name = 'ann'): Promise<Message> {
  return request(app, { path: `/inbox?${query}`, headers: { Authorization: name } });
}

function post(app: TestApp, body: unknown, headers: Record<string, string> = {}): Promise<Message> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const all = { Authorization: 'ann', 'Content-Type': 'application/json', ...headers };
  return request(app, { method: 'POST', path: '/inbox', headers: all, body: text });
}

async function fill(inbox: InboxService, count: number, name = 'ann'): Promise<void> {
  for (let n = 1; n <= count; n++) await inbox.send(name, { id: `${name[0]}${n}`, type: 'comment' });
}

forEachAdapter((adapter) => {
  describe('a wrong operation is rejected and changes nothing:', () => {
    test('each kind of wrong body', async () => {
      const { app, inbox, feed, cursorAt } = await start(adapter);
      await fill(inbox, 2);
      const foreign = app.service.cursor();
      const { published } = feed.totals();
      const wrong: readonly (readonly [body: unknown, status: number, code: string])[] = [
        ['{', 400, 'body_invalid'],
        [[], 400, 'body_invalid'],
        [{ op: 'burn', ids: ['a1'] }, 400, 'body_invalid'],
        [{ op: '__proto__', ids: ['a1'] }, 400, 'body_invalid'],
        [{ op: 'constructor', ids: ['a1'] }, 400, 'body_invalid'],
        [{ op: ['read'], ids: ['a1'] }, 400, 'body_invalid'],
        [{ op: 'read' }, 400, 'body_invalid'],
        [{ op: 'read', ids: [] }, 400, 'body_invalid'],
        [{ op: 'read', ids: 'a1' }, 400, 'body_invalid'],
        [{ op: 'read', ids: ['a1'], upTo: cursorAt(0) }, 400, 'body_invalid'],
        [{ op: 'read', ids: ['a1'], subscriber: 'bob' }, 400, 'body_invalid'],
        [{ op: 'read', ids: ['a1'], until: '2099-01-01T00:00:00Z' }, 400, 'body_invalid'],
        [{ op: 'unread', upTo: cursorAt(0) }, 400, 'body_invalid'],
        [{ op: 'read', ids: Array.from({ length: 10_000 }, (_, n) => `a${n}`) }, 400, 'body_invalid'],
        [{ op: 'read', ids: [1] }, 400, 'id_invalid'],
        [{ op: 'read', ids: ['$inbox'] }, 400, 'id_invalid'],
        [{ op: 'read', ids: ['x'.repeat(201)] }, 400, 'id_invalid'],
        [{ op: 'snooze', ids: ['a1'] }, 400, 'option_invalid'],
        [{ op: 'snooze', ids: ['a1'], until: 'soon' }, 400, 'option_invalid'],
        [{ op: 'snooze', ids: ['a1'], until: '2001-01-01T00:00:00Z' }, 400, 'option_invalid'],
        [{ op: 'read', ids: ['a1'], type: 'comment' }, 400, 'body_invalid'],
        [{ op: 'unread', upTo: cursorAt(0), type: 'comment' }, 400, 'body_invalid'],
        [{ op: 'read', upTo: cursorAt(0), type: [] }, 400, 'body_invalid'],
        [{ op: 'read', upTo: cursorAt(0), type: Array.from({ length: 21 }, (_, n) => `t${n}`) }, 400, 'body_invalid'],
        [{ op: 'read', upTo: cursorAt(0), type: null }, 400, 'type_invalid'],
        [{ op: 'read', upTo: cursorAt(0), type: [['comment']] }, 400, 'type_invalid'],
        [{ op: 'read', upTo: cursorAt(0), type: '$inbox' }, 400, 'type_invalid'],
        [{ op: 'read', upTo: foreign, type: 'comment' }, 400, 'cursor_invalid'],
        [{ op: 'read', upTo: cursorAt(1_000), type: 'comment' }, 400, 'cursor_invalid'],
        [{ op: 'read', upTo: 'x' }, 400, 'cursor_invalid'],
        [{ op: 'read', upTo: 'latest' }, 400, 'cursor_invalid'],
        [{ op: 'read', upTo: 5 }, 400, 'cursor_invalid'],
        [{ op: 'read', upTo: foreign }, 400, 'cursor_invalid'],
        [{ op: 'read', upTo: cursorAt(1_000) }, 400, 'cursor_invalid'],
      ];
      for (const [body, status, code] of wrong) {
        const { status: answered, json } = await post(app, body);
        expect({ body, answered, code: json.code }).toEqual({ body, answered: status, code });
      }
      expect((await inbox.counts('ann')).unread).toBe(2);
      expect(feed.totals().published).toBe(published);
    });

    test('a body of another type, and a body that is too large', async () => {
      const { app } = await start(adapter, { publish: { bodyBytesMax: 1_000 } });
      const text = await post(app, '{}', { 'Content-Type': 'text/plain' });
      expect([text.status, text.json.code]).toEqual([415, 'media_type_unsupported']);
      const large = await post(app, { op: 'read', ids: ['x'.repeat(1_000)] });
      expect([large.status, large.json.code]).toEqual([413, 'body_too_large']);
    });

    test.each([
      ['status=all', 'status_invalid'],
      ['status=read&status=unread', 'status_invalid'],
      ['status=read&wait=0', 'status_invalid'],
      ['type=no%20type', 'type_invalid'],
      ['type=like&wait=0', 'type_invalid'],
      ['before=x', 'before_invalid'],
      ['before=latest&wait=0', 'before_invalid'],
      ['cursor=x', 'cursor_invalid'],
      ['limit=0', 'limit_invalid'],
      ['limit=1001', 'limit_invalid'],
    ])('the query %s', async (query, code) => {
      const { app } = await start(adapter);
      const { status, json } = await get(app, query);
      expect([status, json.code]).toEqual([400, code]);
    });
  });

  test('a query cannot name another subscriber or topic', async () => {
    const { app, inbox } = await start(adapter);
    await fill(inbox, 2, 'bob');
    const { topic } = (await get(app, '', 'bob')).json.items[0].notification;
    for (const query of ['subscriber=bob', `topic=${topic}`]) {
      const { json } = await get(app, query);
      expect([json.items, json.counts.total]).toEqual([[], 0]);
      expect((await get(app, `${query}&cursor=earliest&wait=0`)).json.items).toEqual([]);
    }
    expect((await get(app, `topic=$${topic}`)).json.code).toBe('topic_invalid');
  });

  test('ids of another subscriber are unknown, whether they exist or not', async () => {
    const { app, inbox } = await start(adapter);
    await fill(inbox, 1, 'bob');
    const existing = await post(app, { op: 'remove', ids: ['b1'] });
    const invented = await post(app, { op: 'remove', ids: ['b2'] });
    expect(existing.json).toMatchObject({ changed: false, unknown: ['b1'] });
    expect(invented.json).toMatchObject({ changed: false, unknown: ['b2'] });
    expect(idsOf(await inbox.list('bob'))).toEqual(['b1']);
  });

  test('old operations that two tabs repeat do not change newer state', async () => {
    const { app, inbox } = await start(adapter);
    await fill(inbox, 3);
    const { follow } = (await get(app, '')).json;
    await post(app, { op: 'read', upTo: follow });
    await post(app, { op: 'unread', ids: ['a3'] });
    await inbox.send('ann', { id: 'new', type: 'comment' });
    const doubled = await Promise.all([1, 2].map(() => post(app, { op: 'archive', ids: ['a1', 'a1'] })));
    expect(doubled.map(({ status }) => status)).toEqual([200, 200]);
    expect((await post(app, { op: 'archive', ids: ['a1'] })).json.changed).toBe(false);
    expect(idsOf((await get(app, 'status=unread')).json)).toEqual(['new', 'a3']);
  });

  test('operations are limited for each subscriber', async () => {
    const { app, inbox } = await start(adapter, { operations: { perMinuteMax: 3 } });
    await fill(inbox, 1);
    await fill(inbox, 1, 'bob');
    const answers = [];
    for (let n = 0; n < 4; n++) answers.push(await post(app, { op: n % 2 ? 'unread' : 'read', ids: ['a1'] }));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect(answers[3]!.json.code).toBe('operations_too_fast');
    expect(Number(answers[3]!.header('retry-after'))).toBeGreaterThan(0);
    expect((await post(app, { op: 'read', ids: ['b1'] }, { Authorization: 'bob' })).status).toBe(200);
  });

  describe('an operation with several records counts as several', () => {
    const all = async (app: TestApp, op: string) => {
      const { follow } = (await get(app, 'limit=1')).json;
      return (await post(app, { op, upTo: follow, type: 'comment' })).status;
    };

    test('in turn', async () => {
      const { app, inbox } = await start(adapter, { operations: { perMinuteMax: 4 } });
      await fill(inbox, 250);
      expect([await all(app, 'seen'), await all(app, 'read'), await all(app, 'archive')]).toEqual([200, 200, 429]);
    });

    test('at the same time', async () => {
      const { app, inbox, feed } = await start(adapter, { operations: { perMinuteMax: 3 } });
      await fill(inbox, 250);
      const { published } = feed.totals();
      const statuses = await Promise.all(['seen', 'read', 'archive'].map((op) => all(app, op)));
      expect(statuses.sort()).toEqual([200, 429, 429]);
      expect(feed.totals().published - published).toBe(3);
    });

    test('also if one record has many long ids', async () => {
      const { app, inbox } = await start(adapter, { operations: { perMinuteMax: 2 } });
      const ids = Array.from({ length: 100 }, (_, n) => `${n}`.padStart(200, '0'));
      for (const id of ids) await inbox.send('ann', { id, type: 'comment' });
      expect((await post(app, { op: 'read', ids })).status).toBe(200);
      const { status, json } = await post(app, { op: 'archive', ids: ids.slice(0, 1) });
      expect([status, json.code]).toEqual([429, 'operations_too_fast']);
    });
  });

  test('many operations of one person do not evict the items of another', async () => {
    const { inbox } = await start(adapter, { store: memoryStore({ retainCount: 20 }), items: { retainMs: 1_000 } });
    await fill(inbox, 5, 'bob');
    await fill(inbox, 5);
    for (let n = 0; n < 100; n++) {
      await inbox.markRead('ann', 'a1');
      await inbox.markUnread('ann', 'a1');
    }
    expect((await inbox.counts('bob')).unread).toBe(5);
  });

  test('a revoked subscriber receives no further event', async () => {
    const { app, inbox, feed } = await start(adapter);
    const { follow } = (await get(app, '')).json;
    const poll = await Connection.open(app);
    poll.send({ path: `/inbox?cursor=${follow}&wait=20`, headers: { Authorization: 'ann' } });
    await until(() => feed.counts().waiters === 1);
    await feed.revoke('ann');
    await inbox.send('ann', { id: 'a1', type: 'comment' });
    const { status, json } = await poll.response();
    expect([status, json]).toEqual([200, { items: [], changes: [], cursor: follow, more: false }]);
    await poll.destroy();
  });

  test('a broadcast is not delivered after the option `topics` no longer returns it', async () => {
    const topics = ['team'];
    const { app, inbox, feed } = await start(adapter, { topics: () => topics });
    const { follow } = (await get(app, '')).json;
    const poll = await Connection.open(app);
    poll.send({ path: `/inbox?cursor=${follow}&wait=20`, headers: { Authorization: 'ann' } });
    await until(() => feed.counts().waiters === 1);
    topics.length = 0;
    await inbox.send({ topic: 'team' }, { id: 'secret', type: 'plan' });
    expect((await poll.response()).json).toMatchObject({ items: [], changes: [] });
    expect((await get(app, '')).json.items).toEqual([]);
    await poll.destroy();
  });

  test('a held poll of an inbox gets an inbox page when the application closes', async () => {
    const { app, feed } = await start(adapter);
    const { follow } = (await get(app, '')).json;
    const poll = await Connection.open(app);
    poll.send({ path: `/inbox?cursor=${follow}&wait=20`, headers: { Authorization: 'ann' } });
    await until(() => feed.counts().waiters === 1);
    const closed = app.close();
    const { status, json } = await poll.response();
    expect([status, json]).toEqual([200, { items: [], changes: [], cursor: follow, more: false }]);
    await closed;
  });
}, ONE_ADAPTER);
