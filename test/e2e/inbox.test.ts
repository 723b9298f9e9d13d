import { describe, expect, test } from '@jest/globals';
import {
  type CallHandler,
  type ExecutionContext,
  type INestApplication,
  Injectable,
  type NestInterceptor,
  UseInterceptors,
} from '@nestjs/common';
import { getNotificationsToken, NotificationsModule, type NotificationsService } from 'nest-notifications';
import { InboxModule, type InboxModuleExtras, type InboxOptions, InboxService } from 'nest-notifications/inbox';
import { ManualClock } from 'nest-notifications/testing';
import { AsyncLocalStorage } from 'node:async_hooks';
import { tap } from 'rxjs';
import { REMOVE_AFTER_MS } from '../../src/inbox/compaction.js';
import { type Adapter, ADAPTERS, forEachAdapter } from '../support/http/adapters.js';
import { type AppOptions, startApp, type TestApp } from '../support/http/app.js';
import { Connection, request } from '../support/http/connection.js';
import type { Message } from '../support/http/message.js';
import { idsOf } from '../support/inbox.js';
import { until } from '../support/time/until.js';

interface Running {
  readonly app: TestApp;
  readonly inbox: InboxService;
  /** Polls and streams of the inbox. */
  readonly waiters: () => number;
}

const subscriber = ({ request: { headers } }: { request: { headers: Record<string, string | undefined> } }) =>
  headers.authorization;

/** An application with a feed and an inbox. A caller's subscriber is its `Authorization` header. */
async function start(
  adapter: Adapter,
  options: Partial<InboxOptions> & InboxModuleExtras = {},
  configure?: AppOptions['configure'],
): Promise<Running> {
  const inboxModule = InboxModule.forRoot({ access: { subscriber }, ...options });
  const imports = [NotificationsModule.forRoot({ access: 'public' }), inboxModule];
  const app = await startApp(adapter, { imports, ...(configure && { configure }) });
  const feed = app.nest.get<NotificationsService>(getNotificationsToken('inbox'), { strict: false });
  const inbox = app.nest.get(InboxService, { strict: false });
  return { app, inbox, waiters: () => feed.counts().waiters };
}

const as = (name: string) => ({ Authorization: name });

function get(app: TestApp, query = '', name = 'ann', headers: Record<string, string> = {}): Promise<Message> {
  return request(app, { path: `/inbox?${query}`, headers: { ...as(name), ...headers } });
}

function operate(app: TestApp, body: unknown, name = 'ann'): Promise<Message> {
  const headers = { ...as(name), 'Content-Type': 'application/json' };
  return request(app, { method: 'POST', path: '/inbox', headers, body: JSON.stringify(body) });
}

async function fill(inbox: InboxService, count: number, name = 'ann'): Promise<void> {
  for (let n = 1; n <= count; n++) await inbox.send(name, { id: `${name[0]}${n}`, type: 'comment', data: { n } });
}

/** A request that the inbox's feed holds by the time this resolves. */
async function hold({ app, waiters }: Running, query: string, headers: Record<string, string>): Promise<Connection> {
  const before = waiters();
  const connection = await Connection.open(app);
  connection.send({ path: `/inbox?${query}`, headers });
  await until(() => waiters() > before);
  return connection;
}

/** Waits for a block of a stream. Returns its event and its id. */
async function block(connection: Connection, { message, pattern }: { message: Message; pattern: RegExp }) {
  await connection.when(() => pattern.test(message.text), String(pattern));
  const [, data = '', id = ''] = pattern.exec(message.text) ?? [];
  return { event: JSON.parse(data), id };
}

forEachAdapter((adapter) => {
  describe('GET /inbox', () => {
    test('answers the newest items with their state, and the counts', async () => {
      const { app, inbox } = await start(adapter);
      await fill(inbox, 3);
      await inbox.markRead('ann', 'a1');
      const response = await get(app, 'limit=2');
      expect(response.status).toBe(200);
      expect(response.header('cache-control')).toBe('no-cache, no-store');
      expect(response.json).toMatchObject({
        items: [
          { notification: { id: 'a3', type: 'comment', data: { n: 3 } }, seen: false, read: false, archived: false },
          { notification: { id: 'a2' } },
        ],
        counts: { unseen: 2, unread: 2, total: 3, types: { comment: 2 }, cap: 99 },
        more: true,
      });
      const older = await get(app, `limit=2&before=${response.json.cursor}`);
      expect([idsOf(older.json), older.json.more]).toEqual([['a1'], false]);
    });

    test('filters by status and type', async () => {
      const { app, inbox } = await start(adapter);
      await fill(inbox, 3);
      await inbox.send('ann', { id: 'like', type: 'like' });
      await inbox.archive('ann', 'a1');
      expect(idsOf((await get(app, 'status=archived')).json)).toEqual(['a1']);
      expect(idsOf((await get(app, 'type=like,follow')).json)).toEqual(['like']);
    });
  });

  describe('POST /inbox', () => {
    test('changes the state and answers the counts', async () => {
      const { app, inbox } = await start(adapter);
      await fill(inbox, 3);
      const { status, json } = await operate(app, { op: 'read', ids: ['a1', 'none'] });
      expect([status, json]).toEqual([
        200,
        {
          changed: true,
          unknown: ['none'],
          counts: { unseen: 2, unread: 2, total: 3, types: { comment: 2 }, cap: 99 },
        },
      ]);
      expect((await operate(app, { op: 'read', ids: ['a1'] })).json).toMatchObject({ changed: false });
    });

    test('marks all items as read, up to the cursor of the shown page', async () => {
      const { app, inbox } = await start(adapter);
      await fill(inbox, 3);
      const { follow } = (await get(app)).json;
      await inbox.send('ann', { id: 'late', type: 'comment' });
      const { json } = await operate(app, { op: 'read', upTo: follow });
      expect(json.counts.unread).toBe(1);
      expect(idsOf((await get(app, 'status=unread')).json)).toEqual(['late']);
    });

    test('marks all items of a type as read, and other devices receive their ids', async () => {
      const { app, inbox } = await start(adapter);
      await fill(inbox, 2);
      await inbox.send('ann', { id: 'like', type: 'like' });
      const { follow } = (await get(app)).json;
      const { json } = await operate(app, { op: 'read', upTo: follow, type: ['comment'] });
      expect(json).toMatchObject({ changed: true, unknown: [], counts: { unread: 1, types: { like: 1 } } });
      const { changes } = (await get(app, `cursor=${follow}&wait=0`)).json;
      expect(changes).toEqual([{ op: 'read', ids: ['a2', 'a1'], types: ['comment'] }]);
    });

    test('snoozes until a time', async () => {
      const { app, inbox } = await start(adapter);
      await fill(inbox, 1);
      const until = new Date(Date.now() + 60_000).toISOString();
      expect((await operate(app, { op: 'snooze', ids: ['a1'], until })).json.counts.snoozeEndsAt).toBe(until);
      expect((await get(app, 'status=snoozed')).json.items).toMatchObject([{ snoozedUntil: until }]);
    });
  });

  describe('a live inbox', () => {
    test('answers a held poll with a new item and the counts', async () => {
      const running = await start(adapter);
      const { follow } = (await get(running.app)).json;
      const poll = await hold(running, `cursor=${follow}&wait=20`, as('ann'));
      await fill(running.inbox, 1);
      const { status, json } = await poll.response();
      expect(status).toBe(200);
      expect(json).toMatchObject({
        items: [{ notification: { id: 'a1' }, read: false }],
        changes: [],
        counts: { unread: 1 },
        more: false,
      });
      const next = await get(running.app, `cursor=${json.cursor}&wait=0`);
      expect(next.json).toEqual({ items: [], changes: [], cursor: expect.any(String), more: false });
      await poll.destroy();
    });

    test('answers a held poll of another device with an operation, without the record itself', async () => {
      const running = await start(adapter);
      const { app, inbox } = running;
      await fill(inbox, 2);
      const { follow } = (await get(app)).json;
      const poll = await hold(running, `cursor=${follow}&wait=20`, as('ann'));
      await operate(app, { op: 'archive', ids: ['a1'] });
      const { json, text } = await poll.response();
      expect(json).toMatchObject({ items: [], changes: [{ op: 'archive', ids: ['a1'] }], counts: { total: 1 } });
      expect(text).not.toMatch(/positions|inbox\.operation|\$/);
      const all = await operate(app, { op: 'read', upTo: follow });
      expect(all.json.counts.unread).toBe(0);
      const next = await get(app, `cursor=${json.cursor}&wait=0`);
      expect(next.json.changes).toEqual([{ op: 'read', upTo: 'a2' }]);
      await poll.destroy();
    });

    test('streams items and operations, each with the counts and a cursor to resume from', async () => {
      const running = await start(adapter);
      const { app, inbox } = running;
      const headers = { ...as('ann'), Accept: 'text/event-stream' };
      const stream = await hold(running, 'cursor=latest', headers);
      const message = await stream.head();
      await fill(inbox, 1);
      const sent = await block(stream, { message, pattern: /data: (\{"items":\[\{.*)\nid: (\S+)\n\n/ });
      expect(sent.event).toMatchObject({ items: [{ notification: { id: 'a1' } }], counts: { unread: 1 } });
      await operate(app, { op: 'read', ids: ['a1'] });
      const changed = await block(stream, { message, pattern: /data: (\{"items":\[\],.*)\nid: (\S+)\n\n/ });
      expect(changed.event).toMatchObject({ changes: [{ op: 'read', ids: ['a1'] }], counts: { unread: 0 } });
      await stream.destroy();
      const resumed = await get(app, `cursor=${sent.id}&wait=0`);
      expect(resumed.json).toMatchObject({ items: [], changes: [{ op: 'read' }] });
    });

    test('answers a held poll with a retraction, which later lists omit', async () => {
      const running = await start(adapter, { topics: () => ['announcements'] });
      const { app, inbox } = running;
      await fill(inbox, 2);
      await inbox.send({ topic: 'announcements' }, { id: 'wrong', type: 'release' });
      const { follow } = (await get(app)).json;
      const poll = await hold(running, `cursor=${follow}&wait=20`, as('ann'));
      await inbox.retract({ topic: 'announcements' }, 'wrong');
      const { json } = await poll.response();
      expect(json).toMatchObject({
        items: [],
        changes: [],
        retracted: [{ id: 'wrong', topic: 'announcements' }],
        counts: { unread: 2, total: 2 },
      });
      await inbox.retract('ann', 'a1');
      // A device that was away receives both retractions.
      const late = (await get(app, `cursor=${follow}&wait=0`)).json;
      expect(late.retracted.map(({ id }: { id: string }) => id)).toEqual(['wrong', 'a1']);
      expect(idsOf((await get(app)).json)).toEqual(['a2']);
      expect((await operate(app, { op: 'read', ids: ['a1'] })).json.unknown).toEqual(['a1']);
      await poll.destroy();
    });

    test('streams a retraction to the recipient alone', async () => {
      const running = await start(adapter);
      const { app, inbox } = running;
      await fill(inbox, 1);
      await fill(inbox, 1, 'bob');
      const { follow } = (await get(app, '', 'bob')).json;
      const headers = { ...as('ann'), Accept: 'text/event-stream' };
      const stream = await hold(running, 'cursor=latest', headers);
      const message = await stream.head();
      await inbox.retract('ann', 'a1');
      await inbox.retract('ann', 'b1');
      const { event } = await block(stream, { message, pattern: /data: (.*"retracted".*)\nid: (\S+)\n\n/ });
      expect(event).toMatchObject({ items: [], retracted: [{ id: 'a1' }], counts: { total: 0 } });
      expect(message.text).not.toMatch(/event: retracted|\$/);
      await stream.destroy();
      const { json } = await get(app, `cursor=${follow}&wait=0`, 'bob');
      expect(json).toEqual({ items: [], changes: [], cursor: expect.any(String), more: false });
      expect(idsOf((await get(app, '', 'bob')).json)).toEqual(['b1']);
    });

    test('answers a device that was away for long with a gap, because old operations are removed', async () => {
      const clock = new ManualClock();
      const { app, inbox } = await start(adapter, { clock });
      await fill(inbox, 2);
      const { follow } = (await get(app)).json;
      const operations = async (): Promise<void> => {
        for (let n = 0; n < 25; n++) {
          await inbox.markRead('ann', 'a1');
          await inbox.markUnread('ann', 'a1');
        }
      };
      for (let round = 0; round < 3; round++) {
        await operations();
        await clock.advance(REMOVE_AFTER_MS);
      }
      const recent = (await get(app)).json.follow;
      await operations();
      const missed = (await get(app, `cursor=${follow}&wait=0&limit=1000`)).json;
      expect(missed).toMatchObject({ gap: { reason: 'expired' }, counts: { unread: 2 } });
      const complete = (await get(app, `cursor=${recent}&wait=0&limit=1000`)).json;
      expect(complete.gap).toBeUndefined();
      expect(complete.changes).toHaveLength(50);
    });

    test('sends a gap after an erasure, and the list is empty', async () => {
      const running = await start(adapter);
      const { app, inbox } = running;
      await fill(inbox, 2);
      const { follow } = (await get(app)).json;
      const poll = await hold(running, `cursor=${follow}&wait=20`, as('ann'));
      const stream = await hold(running, 'cursor=latest', { ...as('ann'), Accept: 'text/event-stream' });
      const message = await stream.head();
      expect(await inbox.erase('ann')).toEqual({ items: 2, records: 0 });
      expect((await poll.response()).json).toMatchObject({
        items: [],
        counts: { total: 0 },
        gap: { reason: 'expired' },
      });
      await stream.when(() => message.text.includes('event: gap\ndata: {"reason":"expired"}'), 'a gap');
      await block(stream, { message, pattern: /data: (\{"items":\[\],.*)\nid: (\S+)\n\n/ });
      expect((await get(app)).json).toMatchObject({ items: [], counts: { total: 0 } });
      await poll.destroy();
      await stream.destroy();
    });

    test('does not wake for items of another subscriber', async () => {
      const running = await start(adapter);
      const { app, inbox } = running;
      const { follow } = (await get(app, '', 'bob')).json;
      await fill(inbox, 1);
      await operate(app, { op: 'read', ids: ['a1'] });
      const { json } = await get(app, `cursor=${follow}&wait=0`, 'bob');
      expect(json).toEqual({ items: [], changes: [], cursor: expect.any(String), more: false });
    });
  });

  test('a caller without a subscriber is refused on every route', async () => {
    const { app } = await start(adapter);
    const refused = [
      await request(app, { path: '/inbox' }),
      await request(app, { path: '/inbox?wait=0' }),
      await request(app, { path: '/inbox', headers: { Accept: 'text/event-stream' } }),
      await request(app, {
        method: 'POST',
        path: '/inbox',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ op: 'read', ids: ['a1'] }),
      }),
    ];
    for (const { status, json } of refused) expect([status, json.code]).toEqual([403, 'forbidden']);
  });

  test('the option `topics` runs in the async context of the reading request', async () => {
    const users = new AsyncLocalStorage<string>();
    const asked: (string | undefined)[] = [];
    const topics = () => {
      asked.push(users.getStore());
      return ['announcements'];
    };
    const configure = (nest: INestApplication): unknown =>
      nest.use(({ headers }: { headers: Record<string, string | undefined> }, _: unknown, next: () => void) => {
        users.run(headers.authorization ?? 'nobody', next);
      });
    const running = await start(adapter, { topics }, configure);
    const poll = await hold(running, 'cursor=latest&wait=20', as('ann'));
    const stream = await hold(running, 'cursor=latest', { ...as('ann'), Accept: 'text/event-stream' });
    const message = await stream.head();
    asked.length = 0;
    await users.run('admin', () => running.inbox.send({ topic: 'announcements' }, { id: 'all', type: 'release' }));
    expect(idsOf((await poll.response()).json)).toEqual(['all']);
    await stream.when(() => message.text.includes('"all"'), 'the broadcast');
    expect(new Set(asked)).toEqual(new Set(['ann']));
    await poll.destroy();
    await stream.destroy();
  });

  test('guards and interceptors of the application run', async () => {
    const seen: string[] = [];
    @Injectable()
    class Watch implements NestInterceptor {
      intercept(context: ExecutionContext, next: CallHandler) {
        return next.handle().pipe(tap(() => seen.push(context.getHandler().name)));
      }
    }
    const guards = [
      { canActivate: (context: ExecutionContext) => !context.switchToHttp().getRequest().headers.blocked },
    ];
    const { app, inbox } = await start(adapter, { guards, decorators: [UseInterceptors(Watch)] });
    await fill(inbox, 1);
    expect((await get(app, '', 'ann', { blocked: 'yes' })).status).toBe(403);
    expect((await get(app)).json.counts.unread).toBe(1);
    expect((await operate(app, { op: 'read', ids: ['a1'] })).json.counts.unread).toBe(0);
    expect((await get(app, 'cursor=earliest&wait=0')).json.counts.unread).toBe(0);
    expect(seen).toEqual(['read', 'operate', 'read']);
  });
}, ADAPTERS);
