import { afterEach, describe, expect, test } from '@jest/globals';
import { connect, type ConnectOptions, cursorIn, FeedError, type FeedState } from 'nest-notifications/client';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { from, take, toArray, lastValueFrom } from 'rxjs';
import { type DeviceEvent, type Environment, runtime } from '../../src/client/environment.js';
import { NotificationsFeed } from '../../src/client/notifications-feed.js';
import { forEachAdapter } from '../support/http/adapters.js';
import { OPEN, startApp, type TestApp } from '../support/http/app.js';
import { atTestEnd, endTest } from '../support/http/cleanup.js';
import { publish, upTo } from '../support/http/feed.js';
import { turn, until } from '../support/time/until.js';
import { ManualDevice } from './manual-device.js';
import { startServer } from './servers.js';

interface Numbered {
  readonly id: string;
  readonly data: { readonly n: number };
}

const TRANSPORTS = ['poll', 'sse'] as const;

/** A device whose events a test emits. Time is real, and pauses have no jitter. */
class Device {
  readonly environment: Environment;
  #listener: (event: DeviceEvent) => void = () => undefined;
  listeners = 0;

  constructor(more: Partial<Environment> = {}) {
    this.environment = {
      ...runtime,
      random: () => 0,
      watch: (listener) => {
        this.listeners++;
        this.#listener = listener;
        return () => this.listeners--;
      },
      ...more,
    };
  }

  emit(event: DeviceEvent): void {
    this.#listener(event);
  }
}

function open(
  app: Pick<TestApp, 'port'> & Partial<TestApp>,
  options: Partial<ConnectOptions> = {},
  device = new Device(),
): NotificationsFeed<Numbered> {
  const url = `http://127.0.0.1:${app.port}/notifications`;
  const feed = new NotificationsFeed<Numbered>({ url, topics: ['orders'], ...options }, device.environment);
  atTestEnd(async () => {
    feed.close();
    expect(device.listeners).toBe(0);
    // After an abort, Node's `fetch` opens another connection and keeps it unused for four seconds.
    await turn(20);
    for (const socket of app.sockets ?? []) if (socket.bytesRead === 0) socket.destroy();
  });
  return feed;
}

/** The numbers that a feed delivers. */
function collect(feed: NotificationsFeed<Numbered>): number[] {
  const seen: number[] = [];
  feed.subscribe({ next: ({ data }) => seen.push(data.n), error: () => undefined });
  return seen;
}

/** A server with a test's listener. */
async function hostile(listener: RequestListener): Promise<{ port: number }> {
  return { port: Number(new URL(await startServer(listener)).port) };
}

const page = (numbers: readonly number[], cursor: string) =>
  JSON.stringify({ notifications: numbers.map((n) => ({ id: String(n), data: { n } })), cursor, more: false });
const cursorOf = (request: IncomingMessage): string =>
  new URL(request.url ?? '', 'http://x').searchParams.get('cursor') ?? '';
const json = (response: ServerResponse, text: string, status = 200, headers = {}): void => {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(text);
};

forEachAdapter((adapter) => {
  describe.each(TRANSPORTS)('a client by %s', (transport) => {
    // A client waits for `retry:` after a cut stream, so a short one makes the test fast.
    const start = async (): Promise<TestApp> =>
      startApp(adapter, { notifications: { ...OPEN, stream: { retryMs: 100 } } });
    /** A live feed has a position after the first answer. */
    const live = (feed: NotificationsFeed<Numbered>) =>
      until(() => feed.state.phase === 'live' && feed.cursor !== undefined);

    test('receives notifications that are published while it reads', async () => {
      const app = await start();
      const feed = open(app, { transport });
      const seen = collect(feed);
      await live(feed);
      await publish(app, 'orders', 20);
      await until(() => seen.length === 20);
      expect(seen).toEqual(upTo(20));
      expect(feed.state).toEqual({ phase: 'live', reason: undefined, transport });
    });

    test('receives all earlier notifications in a slow loop', async () => {
      const app = await start();
      await publish(app, 'orders', 250);
      const seen: number[] = [];
      for await (const { data } of open(app, { transport, cursor: 'earliest', limit: 10 })) {
        seen.push(data.n);
        if (seen.length === 250) break;
      }
      expect(seen).toEqual(upTo(250));
    });

    test('continues from its position when another loop starts', async () => {
      const app = await start();
      await publish(app, 'orders', 30);
      const feed = open(app, { transport, cursor: 'earliest' });
      const seen: number[] = [];
      for (let loop = 0; loop < 3; loop++) {
        for await (const { data } of feed) {
          seen.push(data.n);
          if (seen.length % 10 === 0) break;
        }
      }
      expect(seen).toEqual(upTo(30));
    });

    test('continues after cut connections, without loss or repetition', async () => {
      const app = await start();
      const feed = open(app, { transport });
      const seen = collect(feed);
      await live(feed);
      for (let round = 0; round < 10; round++) {
        await publish(app, 'orders', 3, 1 + 3 * round);
        for (const socket of app.sockets) socket.destroy();
        await publish(app, 'orders', 0);
      }
      await until(() => seen.length === 30);
      expect(seen).toEqual(upTo(30));
    });

    test('is live after a cut, and from a given cursor, before a notification arrives', async () => {
      const app = await start();
      const feed = open(app, { transport, cursor: app.service.cursor() });
      const phases: string[] = [];
      feed.onState(({ phase }) => phases.push(phase));
      collect(feed);
      await until(() => feed.state.phase === 'live');
      await until(() => app.counts().waiters === 1);
      for (const socket of app.sockets) socket.destroy();
      await until(() => phases.includes('waiting') && feed.state.phase === 'live');
    });

    test('sends no request while the device is offline, and catches up', async () => {
      const app = await start();
      const device = new Device();
      const feed = open(app, { transport }, device);
      const seen = collect(feed);
      await live(feed);
      device.emit('offline');
      await until(() => app.counts().waiters === 0);
      await publish(app, 'orders', 3);
      expect(seen).toEqual([]);
      device.emit('online');
      await until(() => seen.length === 3);
    });

    test('saves its cursor in a store, from which the next feed continues', async () => {
      const app = await start();
      const values = new Map<string, string>();
      const storage = {
        getItem: (key: string) => values.get(key) ?? null,
        setItem: (key: string, value: string) => {
          values.set(key, value);
        },
      };
      const options = { transport, cursor: 'earliest', store: cursorIn(storage, 'orders') };
      await publish(app, 'orders', 3);
      const first = open(app, options);
      const seen = collect(first);
      await until(() => seen.length === 3 && values.size === 1);
      first.close();
      await publish(app, 'orders', 2, 4);
      const after = collect(open(app, options));
      await until(() => after.length === 2);
      expect(after).toEqual([4, 5]);
    });

    test('starts from the first notification without an acknowledgement', async () => {
      const app = await start();
      const saved: string[] = [];
      const store = { load: () => saved.at(-1), save: (cursor: string) => void saved.push(cursor) };
      const options: Partial<ConnectOptions> = { transport, cursor: 'earliest', store, ack: 'manual', limit: 1 };
      await publish(app, 'orders', 4);
      const feed = open(app, options);
      const got: Numbered[] = [];
      feed.subscribe((notification) => got.push(notification));
      await until(() => got.length === 4);
      // The second has no acknowledgement, so the cursor stays before it.
      const before = saved.length;
      for (const index of [0, 2]) feed.ack(got[index]!);
      await until(() => saved.length === before + 1);
      feed.close();
      const again = collect(open(app, options));
      await until(() => again.length === 3);
      expect(again).toEqual([2, 3, 4]);
    });

    test('calls `onGap` before it delivers the next notification', async () => {
      const app = await start();
      const order: unknown[] = [];
      await publish(app, 'orders', 1);
      const other = await startApp(adapter);
      await publish(other, 'orders', 1);
      const feed = open(app, {
        transport,
        cursor: other.service.cursor(),
        onGap: async ({ reason }) => {
          await Promise.resolve();
          order.push(reason);
        },
      });
      feed.subscribe(({ data }) => order.push(data.n));
      await until(() => order.length === 2);
      expect(order).toEqual(['reset', 1]);
    });

    test('frees everything when it is closed', async () => {
      const app = await start();
      const device = new Device();
      const feed = open(app, { transport }, device);
      let completed = 0;
      feed.subscribe({ complete: () => completed++ });
      const loop = feed[Symbol.asyncIterator]().next();
      await live(feed);
      feed.close();
      expect(await loop).toEqual({ done: true, value: undefined });
      expect([completed, feed.state.phase, feed.state.reason, device.listeners]).toEqual([1, 'closed', 'closed', 0]);
      await until(() => app.counts().waiters === 0);
    });

    test('ends with a typed error when the server refuses it', async () => {
      const app = await startApp(adapter, { notifications: {} });
      const feed = open(app, { transport });
      const error: unknown = await feed[Symbol.asyncIterator]()
        .next()
        .catch((refusal: unknown) => refusal);
      expect(error).toBeInstanceOf(FeedError);
      expect(error).toMatchObject({ status: 403, code: 'forbidden' });
      expect(feed.state).toMatchObject({ phase: 'closed', reason: 'refused' });
    });
  });

  test('is an Observable after `from(feed)` of RxJS', async () => {
    const app = await startApp(adapter);
    await publish(app, 'orders', 3);
    const feed = open(app, { cursor: 'earliest' });
    const got = await lastValueFrom(from(feed).pipe(take(3), toArray()));
    expect(got.map(({ data }) => data.n)).toEqual([1, 2, 3]);
  });

  test('waits when its server shuts down', async () => {
    const first = await startApp(adapter);
    const feed = open(first, { transport: 'poll' });
    const states: FeedState['phase'][] = [];
    feed.onState(({ phase }) => states.push(phase));
    collect(feed);
    await until(() => first.counts().waiters === 1);
    await first.close();
    await until(() => states.includes('waiting'));
  });
});

describe('a client with a faulty server', () => {
  afterEach(endTest);

  test.each<[string, (response: ServerResponse) => void]>([
    [
      'an answer that breaks off',
      (response) =>
        response.writeHead(200, { 'Content-Length': 500 }).write('{"notifications":[') && response.destroy(),
    ],
    ['an answer that is not JSON', (response) => json(response, 'oops')],
    ['an answer with a wrong shape', (response) => json(response, '{"notifications":{},"cursor":1}')],
    ['status 500', (response) => json(response, '{}', 500)],
    ['a cut connection', (response) => response.destroy()],
    ['status 429 with `Retry-After`', (response) => json(response, '{}', 429, { 'Retry-After': '0' })],
  ])('continues from its position after %s', async (_, misbehave) => {
    const cursors: string[] = [];
    const server = await hostile((request, response) => {
      cursors.push(cursorOf(request));
      if (cursors.length === 2) misbehave(response);
      else if (cursors.length < 5) json(response, page([cursors.length], `c${cursors.length}`));
    });
    const seen = collect(open(server, { transport: 'poll', cursor: 'c0' }));
    await until(() => cursors.length === 5);
    expect(seen).toEqual([1, 3, 4]);
    expect(cursors).toEqual(['c0', 'c1', 'c1', 'c3', 'c4']);
  });

  test('polls when a proxy buffers its stream, and loses nothing', async () => {
    const asked: string[] = [];
    const manual = new ManualDevice();
    const server = await hostile((request, response) => {
      asked.push(request.headers.accept ?? '');
      // A proxy that buffers forwards no part of a stream.
      if (request.headers.accept !== 'text/event-stream' && asked.length < 4)
        json(response, page([asked.length], `c${asked.length}`));
    });
    const feed = open(server, {}, new Device(manual.environment(runtime.fetch, () => 0)));
    const seen = collect(feed);
    await until(() => asked.length === 1);
    // The time in which a stream has to open.
    await manual.clock.advance(4_000);
    await until(async () => {
      await manual.clock.advance(1);
      return asked.length === 4;
    });
    expect(asked).toEqual(['text/event-stream', ...Array<string>(3).fill('application/json')]);
    expect(seen).toEqual([2, 3]);
    expect(feed.state.transport).toBe('poll');
  });

  test('delivers a block once after the stream broke off within it', async () => {
    const ids: string[] = [];
    const server = await hostile((request, response) => {
      ids.push(cursorOf(request));
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write(`retry: 1\nevent: cursor\ndata: {}\nid: ${cursorOf(request) || 's'}\n\n`);
      if (ids.length === 1) {
        response.write('data: {"data":{"n":1}}\nid: a\n\ndata: {"data":{"n":2}}\nid:', () => response.destroy());
      } else response.write('data: {"data":{"n":2}}\nid: b\n\n');
    });
    const seen = collect(open(server, { transport: 'sse' }));
    await until(() => seen.length === 2);
    expect(seen).toEqual([1, 2]);
    expect(ids).toEqual(['', 'a']);
  });

  test('calls `auth` once for a new token after a 401', async () => {
    const tokens: (string | undefined)[] = [];
    const server = await hostile((request, response) => {
      tokens.push(request.headers.authorization);
      if (request.headers.authorization === 'Bearer old') json(response, '{"code":"expired"}', 401);
      else if (tokens.length < 4) json(response, page([tokens.length], `c${tokens.length}`));
    });
    let token = 'old';
    const feed = open(server, {
      transport: 'poll',
      auth: ({ refused }) => (refused ? (token = 'new') : token),
    });
    const seen = collect(feed);
    await until(() => tokens.length === 4);
    expect(tokens).toEqual(['Bearer old', 'Bearer new', 'Bearer new', 'Bearer new']);
    expect(seen).toEqual([2, 3]);
  });

  test('ends when the server refuses a second token', async () => {
    const server = await hostile((_, response) => {
      json(response, '{"message":"no","code":"x"}', 401);
    });
    const feed = open(server, { transport: 'poll', auth: () => 'token' });
    await expect(feed[Symbol.asyncIterator]().next()).rejects.toMatchObject({ status: 401, code: 'x', message: 'no' });
  });

  test('waits longer after each failure, up to 30 s', async () => {
    const device = new ManualDevice();
    const { clock } = device;
    const sentAt: number[] = [];
    const fetch = async () => {
      sentAt.push(clock.monotonic());
      throw new TypeError('fetch failed');
    };
    const environment = device.environment(fetch, () => 1);
    const feed = new NotificationsFeed<Numbered>({ url: 'http://feed/', transport: 'poll' }, environment);
    collect(feed);
    await clock.advance(91_000);
    feed.close();
    const pauses = sentAt.slice(1).map((at, index) => at - sentAt[index]!);
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });
});

describe('connect', () => {
  afterEach(endTest);

  test('uses the real runtime', async () => {
    const server = await hostile((_, response) => {
      json(response, page([1], 'c'));
    });
    const feed = connect<Numbered>({ url: `http://127.0.0.1:${server.port}`, transport: 'poll' });
    const { value } = await feed[Symbol.asyncIterator]().next();
    expect((value as Numbered).data.n).toBe(1);
    feed.close();
  });
});
