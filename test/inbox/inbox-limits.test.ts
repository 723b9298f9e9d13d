import { describe, expect, test } from '@jest/globals';
import { Injectable, type NestInterceptor, UseInterceptors } from '@nestjs/common';
import { getNotificationsToken, memoryStore, NotificationsModule, type NotificationsService } from 'nest-notifications';
import { InboxModule, type InboxOptions, InboxService } from 'nest-notifications/inbox';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { connect, constants } from 'node:http2';
import { take } from 'rxjs';
import { type Adapter, forEachAdapter } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { Connection, request } from '../support/http/connection.js';
import { fastifyLogger } from '../support/http/logs.js';
import type { Message } from '../support/http/message.js';
import { HeldStore, idsOf } from '../support/inbox.js';
import { turn, until } from '../support/time/until.js';

const subscriber = ({ request: { headers } }: { request: { headers: Record<string, string | undefined> } }) =>
  headers.authorization;
/** Pages of 9 MiB are larger than the kernel's buffers of a connection. */
const LARGE_PAGES = { pageBytesMax: 16 * 1024 * 1024, unreadBytesMax: 256 * 1024 * 1024 };
const TOO_MANY = { status: 429, json: { code: 'subscriber_waiters_too_many' } };
/** The prefixes of the topics of items and of states. */
const [ITEMS, STATES] = ['inbox.', '$inbox.'];
/** So small that the store serves the reads. */
const NO_WINDOW = { window: { count: 1 } };

interface Running {
  readonly app: TestApp;
  readonly inbox: InboxService;
  readonly feed: NotificationsService;
  readonly store: HeldStore;
}

@Injectable()
class TakeOne implements NestInterceptor {
  readonly intercept: NestInterceptor['intercept'] = (_, next) => next.handle().pipe(take(1));
}

async function start(
  adapter: Adapter,
  options: Partial<Parameters<typeof InboxModule.forRoot>[0]> = {},
): Promise<Running> {
  const store = new HeldStore(memoryStore());
  const inboxModule = InboxModule.forRoot({ access: { subscriber }, store: store.open, ...options });
  const app = await startApp(adapter, { imports: [NotificationsModule.forRoot({ access: 'public' }), inboxModule] });
  const feed = app.nest.get<NotificationsService>(getNotificationsToken('inbox'), { strict: false });
  return { app, inbox: app.nest.get(InboxService, { strict: false }), feed, store };
}

function get(app: TestApp, query: string, name = 'ann'): Promise<Message> {
  return request(app, { path: `/inbox?${query}`, headers: { Authorization: name } });
}

/** A request that waits for its answer. */
async function open(app: TestApp, query: string, headers: Record<string, string> = {}): Promise<Connection> {
  const connection = await Connection.open(app);
  connection.send({ path: `/inbox?${query}`, headers: { Authorization: 'ann', ...headers } });
  return connection;
}

async function fill(inbox: InboxService, count: number, bytes = 0): Promise<void> {
  const data = 'x'.repeat(bytes);
  for (let n = 1; n <= count; n++) await inbox.send('ann', { id: `a${n}`, type: 'comment', data });
}

/** A page of 9 MB that its client does not read. */
async function stall({ app, inbox, feed }: Running): Promise<Connection> {
  await fill(inbox, 150, 60_000);
  const stalled = await open(app, 'limit=1000');
  stalled.socket.pause();
  await until(() => feed.counts().unreadBytes > 0);
  return stalled;
}

/** An application that speaks HTTP/2 without TLS. */
const http2: Adapter = {
  name: 'fastify, with HTTP/2',
  create: (module, { logs = [], ...options }) =>
    NestFactory.create(module, new FastifyAdapter({ http2: true, loggerInstance: fastifyLogger(logs) }), options),
};

function limitsOf(waitersPerSubscriberMax: number): Partial<InboxOptions> {
  return { ...NO_WINDOW, limits: { waitersPerSubscriberMax } };
}

forEachAdapter((adapter) => {
  describe('a page of an inbox', () => {
    test('is bounded in bytes, and the next pages have the other items', async () => {
      const { app, inbox } = await start(adapter, { limits: { pageBytesMax: 4_096 } });
      await fill(inbox, 30, 1_000);
      const shown: string[] = [];
      let [before, pages, more] = ['latest', 0, true];
      while (more) {
        const page = await get(app, `limit=30&before=${before}`);
        expect(page.text.length).toBeLessThan(6_000);
        shown.push(...idsOf(page.json));
        ({ cursor: before, more } = page.json);
        pages++;
      }
      expect(pages).toBe(10);
      expect(shown).toEqual(Array.from({ length: 30 }, (_, index) => `a${30 - index}`));
    });

    test('has an item that is larger than the bound', async () => {
      const { app, inbox } = await start(adapter, { limits: { pageBytesMax: 1_024 } });
      await fill(inbox, 2, 3_000);
      expect((await get(app, 'limit=30')).json).toMatchObject({ items: [{ notification: { id: 'a2' } }], more: true });
    });

    test('counts towards the limits until its client has read it or has left', async () => {
      const running = await start(adapter, { limits: { waitersPerSubscriberMax: 1, ...LARGE_PAGES } });
      const { app, feed } = running;
      const stalled = await stall(running);
      expect(feed.counts()).toMatchObject({ waiters: 0, unreadConnections: 1 });
      expect(await get(app, 'limit=1')).toMatchObject(TOO_MANY);
      expect((await get(app, 'limit=1', 'bob')).status).toBe(200);
      await stalled.destroy();
      await until(() => feed.counts().unreadConnections === 0);
      expect((await get(app, 'limit=1')).status).toBe(200);
    });

    test('must be read within unreadMsMax', async () => {
      const running = await start(adapter, { stream: { unreadMsMax: 300 }, limits: LARGE_PAGES });
      await stall(running);
      await until(() => running.app.sockets.size === 0);
    });

    test('has one slot, also while the node reads the state', async () => {
      const { app, inbox, feed, store } = await start(adapter, limitsOf(1));
      await fill(inbox, 5);
      store.hold(STATES);
      const first = await open(app, '');
      await until(() => store.reads.length > 0);
      expect(await get(app, '')).toMatchObject(TOO_MANY);
      expect(feed.counts()).toMatchObject({ waiters: 1, subscribers: 1, addresses: 1 });
      store.release();
      expect((await first.response()).json.items).toHaveLength(5);
      expect((await get(app, '')).status).toBe(200);
      await first.destroy();
      expect(feed.counts()).toMatchObject({ waiters: 0, subscribers: 0, addresses: 0 });
    });

    test('shares the read of the state with the other requests of the subscriber', async () => {
      const { app, inbox, feed, store } = await start(adapter, NO_WINDOW);
      await fill(inbox, 1);
      store.hold(STATES);
      const requests = await Promise.all(Array.from({ length: 5 }, () => open(app, '')));
      await until(() => feed.counts().waiters === 5);
      expect(store.reads).toHaveLength(1);
      store.release();
      for (const one of requests) expect((await one.response()).json.items).toHaveLength(1);
      expect(store.reads.filter(([topic]) => topic?.startsWith(STATES))).toHaveLength(2);
      await Promise.all(requests.map((one) => one.destroy()));
    });

    test('of one rare item needs few reads of the store', async () => {
      const { app, inbox, store } = await start(adapter, NO_WINDOW);
      await fill(inbox, 500);
      store.reads.length = 0;
      expect((await get(app, 'status=archived&limit=1')).json).toMatchObject({ items: [], more: false });
      expect(store.reads.length).toBeLessThanOrEqual(12);
    });

    test('is not read further after its client has left', async () => {
      const { app, inbox, feed, store } = await start(adapter, NO_WINDOW);
      await fill(inbox, 500);
      store.hold(ITEMS);
      const leaving = await open(app, 'status=archived');
      await until(() => store.reads.some(([topic]) => topic?.startsWith(ITEMS)));
      await turn();
      const reads = store.reads.length;
      await leaving.destroy();
      await until(() => feed.counts().addresses === 0);
      store.release();
      await turn(20);
      expect(store.reads).toHaveLength(reads);
    });

    test('is not read further after its client has reset a stream of HTTP/2', async () => {
      const { app, inbox, feed, store } = await start(http2, NO_WINDOW);
      await fill(inbox, 500);
      store.hold(ITEMS);
      const session = connect(`http://127.0.0.1:${app.port}`);
      const stream = session.request({ ':path': '/inbox?status=archived', authorization: 'ann' });
      await until(() => feed.counts().waiters === 1);
      stream.close(constants.NGHTTP2_CANCEL);
      await until(() => feed.counts().addresses === 0);
      store.release();
      await turn(20);
      session.destroy();
    });

    test('of a subscriber that is revoked during the read is rejected', async () => {
      const { app, inbox, feed, store } = await start(adapter, NO_WINDOW);
      await fill(inbox, 5);
      store.hold(STATES);
      const revoked = await open(app, '');
      await until(() => store.reads.length > 0);
      await feed.revoke('ann');
      store.release();
      const { status, json } = await revoked.response();
      expect([status, json.code]).toEqual([503, 'draining']);
      await revoked.destroy();
    });
  });

  test('an operation has one slot until it has its result', async () => {
    const { app, inbox, feed, store } = await start(adapter, limitsOf(1));
    await fill(inbox, 5);
    store.hold(STATES);
    const operation = await Connection.open(app);
    const headers = { Authorization: 'ann', 'Content-Type': 'application/json' };
    operation.send({ method: 'POST', path: '/inbox', headers, body: JSON.stringify({ op: 'read', ids: ['a1'] }) });
    await until(() => store.reads.some(([topic]) => topic?.startsWith(STATES)));
    expect(await get(app, '')).toMatchObject(TOO_MANY);
    store.release();
    expect((await operation.response()).json).toMatchObject({ changed: true, counts: { unread: 4 } });
    expect(feed.counts().subscribers).toBe(0);
    await operation.destroy();
  });

  test('the observers receive only items that were written to a reader', async () => {
    const { app, inbox, feed } = await start(adapter);
    await fill(inbox, 5);
    const { follow } = await inbox.list('ann');
    await inbox.counts('ann');
    await inbox.markRead('ann', { upTo: follow });
    const headers = { Authorization: 'ann', 'Content-Type': 'application/json' };
    await request(app, { method: 'POST', path: '/inbox', headers, body: '{"op":"unread","ids":["a1"]}' });
    expect(feed.totals()).toMatchObject({ delivered: 0, pages: 0 });
    await get(app, 'status=unread');
    expect(feed.totals()).toMatchObject({ delivered: 1, pages: 1 });
    await get(app, 'limit=2');
    expect(feed.totals()).toMatchObject({ delivered: 3, pages: 2 });
    const live = (await get(app, '')).json.follow;
    await inbox.send('ann', { id: 'new', type: 'comment' });
    await get(app, `cursor=${live}&wait=0`);
    expect(feed.totals()).toMatchObject({ delivered: 9, pages: 4 });
  });

  test('a failed read does not end the process if an interceptor has ended the stream', async () => {
    const { app, inbox, feed, store } = await start(adapter, { decorators: [UseInterceptors(TakeOne)] });
    const stream = await open(app, '', { Accept: 'text/event-stream' });
    await until(() => feed.counts().waiters === 1);
    store.failWith(new Error('unreachable'));
    await inbox.send('ann', { type: 'comment' });
    await stream.head().then((head) => stream.when(() => head.complete, 'the end of the stream'));
    await turn(20);
    await stream.destroy();
  });
});
