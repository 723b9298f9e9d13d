import { afterEach, describe, expect, test } from '@jest/globals';
import {
  connect,
  type ConnectOptions,
  cursorIn,
  type Feed,
  FeedError,
  type FeedState,
} from 'nest-notifications/client';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { from, take, toArray, lastValueFrom } from 'rxjs';
import { runtime, type Environment } from '../../src/client/environment.js';
import { Feed as FeedWith } from '../../src/client/feed.js';
import { forEachAdapter } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { atTestEnd, endTest } from '../support/http/cleanup.js';
import { publish, upTo } from '../support/http/feed.js';
import { turn, until } from '../support/http/until.js';

interface Numbered {
  readonly id: string;
  readonly data: { readonly n: number };
}

const TRANSPORTS = ['poll', 'sse'] as const;

/** A device that can be taken offline and a page that can be hidden; time is real, chance is not. */
class Device {
  readonly environment: Environment;
  #tell: (event: 'online' | 'offline' | 'visible' | 'hidden') => void = () => undefined;
  watched = 0;

  constructor(more: Partial<Environment> = {}) {
    this.environment = {
      ...runtime,
      random: () => 0,
      watch: (tell) => {
        this.watched++;
        this.#tell = tell;
        return () => this.watched--;
      },
      ...more,
    };
  }

  tell(event: 'online' | 'offline' | 'visible' | 'hidden'): void {
    this.#tell(event);
  }
}

function open(
  app: Pick<TestApp, 'port'> & Partial<TestApp>,
  options: Partial<ConnectOptions> = {},
  device = new Device(),
): Feed<Numbered> {
  const url = `http://127.0.0.1:${app.port}/notifications`;
  const feed = new FeedWith<Numbered>({ url, topics: ['orders'], ...options }, device.environment);
  atTestEnd(async () => {
    feed.close();
    expect(device.watched).toBe(0);
    // Node's fetch opens a connection in the place of one that was aborted, and keeps it for four seconds without a use for it.
    await turn(20);
    for (const socket of app.sockets ?? []) if (socket.bytesRead === 0) socket.destroy();
  });
  return feed;
}

/** What a feed hands over, as numbers. */
function collect(feed: Feed<Numbered>): number[] {
  const seen: number[] = [];
  feed.subscribe({ next: ({ data }) => seen.push(data.n), error: () => undefined });
  return seen;
}

/** A server that answers as a test says. */
async function hostile(listener: RequestListener): Promise<{ port: number; server: Server }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atTestEnd(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, server };
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
    const start = async (): Promise<TestApp> => startApp(adapter);
    /** It has its place once it knows a cursor. */
    const live = (feed: Feed<Numbered>) => until(() => feed.state.phase === 'live' && feed.cursor !== undefined);

    test('gets what is published while it listens', async () => {
      const app = await start();
      const feed = open(app, { transport });
      const seen = collect(feed);
      await live(feed);
      await publish(app, 'orders', 20);
      await until(() => seen.length === 20);
      expect(seen).toEqual(upTo(20));
      expect(feed.state).toEqual({ phase: 'live', reason: undefined, transport });
    });

    test('gets the past from the beginning, in a loop that is slow', async () => {
      const app = await start();
      await publish(app, 'orders', 250);
      const seen: number[] = [];
      for await (const { data } of open(app, { transport, cursor: 'earliest', limit: 10 })) {
        seen.push(data.n);
        if (seen.length === 250) break;
      }
      expect(seen).toEqual(upTo(250));
    });

    test('goes on where it was when another begins to listen', async () => {
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

    test('goes on after its connections are cut, without loss or repetition', async () => {
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

    test('is live again after a cut, and from a cursor that it was given, without waiting for news', async () => {
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

    test('asks nothing while the device is offline, and catches up', async () => {
      const app = await start();
      const device = new Device();
      const feed = open(app, { transport }, device);
      const seen = collect(feed);
      await live(feed);
      device.tell('offline');
      await until(() => app.counts().waiters === 0);
      await publish(app, 'orders', 3);
      expect(seen).toEqual([]);
      device.tell('online');
      await until(() => seen.length === 3);
    });

    test('keeps its cursor in a store, from which the next one goes on', async () => {
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

    test('with acknowledgements begins again with the first that has none', async () => {
      const app = await start();
      const saved: string[] = [];
      const store = { load: () => saved.at(-1), save: (cursor: string) => void saved.push(cursor) };
      const options: Partial<ConnectOptions> = { transport, cursor: 'earliest', store, ack: 'manual', limit: 1 };
      await publish(app, 'orders', 4);
      const feed = open(app, options);
      const got: Numbered[] = [];
      feed.subscribe((notification) => got.push(notification));
      await until(() => got.length === 4);
      // The second stays open, so the third does not count yet.
      const before = saved.length;
      for (const index of [0, 2]) feed.ack(got[index]!);
      await until(() => saved.length === before + 1);
      feed.close();
      const again = collect(open(app, options));
      await until(() => again.length === 3);
      expect(again).toEqual([2, 3, 4]);
    });

    test('is told of a gap before what follows it', async () => {
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

    test('leaves nothing behind when it is closed', async () => {
      const app = await start();
      const device = new Device();
      const feed = open(app, { transport }, device);
      let completed = 0;
      feed.subscribe({ complete: () => completed++ });
      const loop = feed[Symbol.asyncIterator]().next();
      await live(feed);
      feed.close();
      expect(await loop).toEqual({ done: true, value: undefined });
      expect([completed, feed.state.phase, feed.state.reason, device.watched]).toEqual([1, 'closed', 'closed', 0]);
      await until(() => app.counts().waiters === 0);
    });

    test('ends with a typed error when it is refused', async () => {
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

  test('is an Observable for RxJS', async () => {
    const app = await startApp(adapter);
    await publish(app, 'orders', 3);
    const feed = open(app, { cursor: 'earliest' });
    const got = await lastValueFrom(from(feed).pipe(take(3), toArray()));
    expect(got.map(({ data }) => data.n)).toEqual([1, 2, 3]);
  });

  test('waits for a server that drains, and goes on with the next', async () => {
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

describe('a client whose server is hostile', () => {
  afterEach(endTest);

  test.each<[string, (response: ServerResponse) => void]>([
    [
      'half an answer',
      (response) =>
        response.writeHead(200, { 'Content-Length': 500 }).write('{"notifications":[') && response.destroy(),
    ],
    ['no JSON', (response) => json(response, 'oops')],
    ['another shape', (response) => json(response, '{"notifications":{},"cursor":1}')],
    ['a fault', (response) => json(response, '{}', 500)],
    ['a connection that is cut', (response) => response.destroy()],
    ['429 and patience', (response) => json(response, '{}', 429, { 'Retry-After': '0' })],
  ])('gets %s, and then goes on from where it was', async (_, misbehave) => {
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

  test('polls when a stream is held back, and loses nothing', async () => {
    const asked: string[] = [];
    const timers = { setTimeout: (task: () => void, ms: number) => setTimeout(task, ms / 100) };
    const server = await hostile((request, response) => {
      asked.push(request.headers.accept ?? '');
      // A proxy that buffers passes nothing on.
      if (request.headers.accept !== 'text/event-stream' && asked.length < 4)
        json(response, page([asked.length], `c${asked.length}`));
    });
    const feed = open(server, {}, new Device(timers));
    const seen = collect(feed);
    await until(() => asked.length === 4);
    expect(asked).toEqual(['text/event-stream', ...Array<string>(3).fill('application/json')]);
    expect(seen).toEqual([2, 3]);
    expect(feed.state.transport).toBe('poll');
  });

  test('reads a block that was cut in two again, once', async () => {
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

  test('asks for a fresh token after a 401, once', async () => {
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

  test('ends when a second token is refused too', async () => {
    const server = await hostile((_, response) => {
      json(response, '{"message":"no","code":"x"}', 401);
    });
    const feed = open(server, { transport: 'poll', auth: () => 'token' });
    await expect(feed[Symbol.asyncIterator]().next()).rejects.toMatchObject({ status: 401, code: 'x', message: 'no' });
  });

  test('does not spin: it waits longer after every failure', async () => {
    const waits: number[] = [];
    const setTimeout = (task: () => void, ms: number) => {
      // The time that an answer has.
      if (ms === 10_000) return globalThis.setTimeout(task, ms);
      waits.push(ms);
      return globalThis.setTimeout(task, 0);
    };
    const server = await hostile((_, response) => response.destroy());
    const device = new Device({ random: () => 1, setTimeout, now: () => 0 });
    collect(open(server, { transport: 'poll', wait: 30, cursor: 'c0' }, device));
    await until(() => waits.length >= 7);
    expect(waits.slice(0, 7)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });
});

describe('connect', () => {
  afterEach(endTest);

  test('takes the runtime as it is', async () => {
    const server = await hostile((_, response) => {
      json(response, page([1], 'c'));
    });
    const feed = connect<Numbered>({ url: `http://127.0.0.1:${server.port}`, transport: 'poll' });
    const { value } = await feed[Symbol.asyncIterator]().next();
    expect((value as Numbered).data.n).toBe(1);
    feed.close();
  });
});
