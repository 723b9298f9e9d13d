import { describe, expect, test } from '@jest/globals';
import { memoryStore, type StoreFactory } from 'nest-notifications';
import { NotificationsError, type Store } from 'nest-notifications/store';
import { firstValueFrom } from 'rxjs';
import { abilitiesOf } from '../../src/core/abilities.js';
import { forEachAdapter, ONE_ADAPTER } from '../support/http/adapters.js';
import { OPEN, startApp, type TestApp } from '../support/http/app.js';
import { Connection, request } from '../support/http/connection.js';
import { LANE, Poller, startCounting } from '../support/http/lane.js';
import { numbers, poll, post, publish, upTo } from '../support/http/feed.js';
import { isNotification, namesOf, SseReader } from '../support/http/sse.js';
import { turn, until } from '../support/time/until.js';

const ITEM = { topic: 'orders', type: 'numbered', data: { n: 1 } };
const ENGINE_TEXT = "NOPERM this user has no permissions to run the 'evalsha' command at 10.1.2.3";
const UNAVAILABLE = new NotificationsError('store_unavailable', `The engine has failed: ${ENGINE_TEXT}`, {
  cause: new Error(ENGINE_TEXT),
});
const GENERIC = 'The store cannot answer at the moment; retry.';

/** A memory store whose engine fails, or makes callers wait, when a test says so. */
class Engine {
  failure: Error | undefined;
  waiting = 0;
  #gate: Promise<void> | undefined;
  #open = (): void => undefined;

  readonly factory: StoreFactory = async (runtime) => {
    const store = await memoryStore()(runtime);
    return {
      ...abilitiesOf(store),
      append: (drafts) => this.#through(() => store.append(drafts)),
      read: (query) => this.#through(() => store.read(query)),
      tail: (after, onAppended) => store.tail(after, onAppended),
      remove: (query) => store.remove(query),
      close: () => store.close(),
    } satisfies Store;
  };

  hold(): void {
    this.#gate = new Promise((resolve) => (this.#open = resolve));
  }

  letGo(): void {
    this.#gate = undefined;
    this.#open();
  }

  async #through<T>(call: () => Promise<T>): Promise<T> {
    if (this.failure) throw this.failure;
    // The answer is held back. It reports the state at the time of the call.
    const answer = await call();
    if (this.#gate) {
      this.waiting++;
      await this.#gate;
    }
    return answer;
  }
}

forEachAdapter((adapter) => {
  const start = (engine: Engine): Promise<TestApp> =>
    startApp(adapter, { notifications: { ...OPEN, store: engine.factory, window: { count: 1 } } });

  describe('error messages of the engine', () => {
    test('do not reach a client whose ticket cannot be checked', async () => {
      const engine = new Engine();
      const access = { subscriber: () => 'alice', read: 'public' as const };
      const notifications = { access, tickets: {}, store: engine.factory };
      const app = await startApp(adapter, { notifications });
      const { json } = await request(app, {
        method: 'POST',
        path: '/notifications/tickets',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ topics: ['orders'] }),
      });
      engine.failure = UNAVAILABLE;
      const path = `/notifications?ticket=${json.ticket}`;
      const answer = await request(app, { path, headers: { Accept: 'text/event-stream' } });
      // An EventSource retries after this answer, and not after a 503.
      expect([answer.status, answer.text]).toEqual([200, expect.stringMatching(/^(retry: \d+\n+)+$/)]);
    });

    test('do not reach a client on the direct lane', async () => {
      const engine = new Engine();
      const options = { ...LANE, store: engine.factory, window: { count: 1 } };
      const { app, wholeWays } = await startCounting(adapter, options);
      const poller = await Poller.open(app);
      const { cursor } = poller;
      await poller.turns(3);
      const whole = wholeWays();
      engine.failure = UNAVAILABLE;
      poller.cursor = cursor;
      const { status, json } = await poller.answer();
      expect(wholeWays()).toBe(whole);
      expect([status, json.code, json.message]).toEqual([503, 'store_unavailable', GENERIC]);
    });

    test('are in the cause of the error, and not in its message', async () => {
      const engine = new Engine();
      const app = await start(engine);
      engine.failure = UNAVAILABLE;
      const { service } = app;
      for (const call of [
        () => service.publish('orders', { type: 't', data: 1 }),
        () => service.revoke('alice'),
        () => firstValueFrom(service.poll({ topics: ['orders'], cursor: 'earliest' })),
      ]) {
        const error: unknown = await call().then(String, (thrown: unknown) => thrown);
        expect(error).toMatchObject({ code: 'store_unavailable', message: GENERIC, cause: UNAVAILABLE });
      }
    });
  });

  describe('while the store is unavailable', () => {
    test('a poll that needs it and a publish are refused with 503 and Retry-After, and work again afterwards', async () => {
      const engine = new Engine();
      const app = await start(engine);
      await publish(app, 'orders', 5);
      engine.failure = UNAVAILABLE;
      for (const response of [await poll(app, 'topic=orders&cursor=earliest'), await post(app, ITEM)]) {
        expect(response.status).toBe(503);
        expect(response.json).toMatchObject({
          statusCode: 503,
          error: 'Service Unavailable',
          message: GENERIC,
          code: 'store_unavailable',
        });
        expect(response.header('retry-after')).toMatch(/^[1-3]$/);
        expect(response.header('cache-control')).toContain('no-store');
      }
      engine.failure = undefined;
      const { json } = await poll(app, 'topic=orders&cursor=earliest');
      expect(numbers(json.notifications)).toEqual(upTo(5));
      expect((await post(app, ITEM)).status).toBe(201);
    });

    test('a stream that needs it ends with 200, a longer retry and its client’s position', async () => {
      const engine = new Engine();
      const app = await start(engine);
      const cursor = app.service.cursor();
      await publish(app, 'orders', 5);
      engine.failure = UNAVAILABLE;
      const reader = await SseReader.open(app, `topic=orders&cursor=${cursor}`);
      expect(reader.head.status).toBe(200);
      const { retry } = await reader.opening();
      const [last] = await reader.rest();
      expect(Number(last!.retry)).toBeGreaterThan(3 * Number(retry));
      engine.failure = undefined;
      const again = await SseReader.open(app, 'topic=orders', { 'Last-Event-ID': reader.lastId });
      await again.opening();
      expect(numbers(await again.notifications(5))).toEqual(upTo(5));
    });

    test('requests that need only the node’s memory are served', async () => {
      const engine = new Engine();
      const app = await start(engine);
      const cursor = await publish(app, 'orders');
      await publish(app, 'orders', 1, 2);
      engine.failure = UNAVAILABLE;
      const { json } = await poll(app, `topic=orders&cursor=${cursor}`);
      expect(numbers(json.notifications)).toEqual([2]);
    });
  });

  describe('when the store fails with an unknown error', () => {
    test('a poll and a publish answer 500 without the message of the error, and a stream ends', async () => {
      const engine = new Engine();
      const app = await start(engine);
      await publish(app, 'orders', 5);
      engine.failure = new Error('secret of the engine');
      for (const response of [await poll(app, 'topic=orders&cursor=earliest'), await post(app, ITEM)]) {
        expect(response.status).toBe(500);
        expect(response.text).not.toContain('secret');
      }
      const reader = await SseReader.open(app, 'topic=orders&cursor=earliest');
      const blocks = await reader.rest();
      expect(reader.text).not.toContain('secret');
      expect(blocks.some(isNotification)).toBe(false);
      expect(app.counts()).toMatchObject({ waiters: 0, topics: 0, subscribers: 0, addresses: 0 });
      expect(
        app.logs
          .splice(0)
          .join('\n')
          .match(/secret of the engine/g),
      ).toHaveLength(3);
    });

    test('a stream also ends if an exception filter of the application answers errors', async () => {
      const engine = new Engine();
      const app = await startApp(adapter, {
        notifications: { ...OPEN, store: engine.factory, window: { count: 1 } },
        configure: (nest) =>
          nest.useGlobalFilters({
            catch: (_, host) => {
              const response = host
                .switchToHttp()
                .getResponse<{ status(code: number): { send(body: object): void } }>();
              response.status(500).send({ sorry: true });
            },
          }),
      });
      await publish(app, 'orders', 5);
      engine.failure = new Error('secret of the engine');
      const reader = await SseReader.open(app, 'topic=orders&cursor=earliest');
      const { connection } = reader;
      await connection.when(() => reader.ended || connection.closed, 'the end of the stream, or of its connection');
      expect(app.counts()).toMatchObject({ waiters: 0, topics: 0, subscribers: 0, addresses: 0 });
      app.logs.length = 0;
    });
  });

  describe('while the store is slow', () => {
    test.each([
      ['a poll', 'application/json'],
      ['a stream', 'text/event-stream'],
    ])('%s leaves no resources after its client disconnects', async (_, accept) => {
      const engine = new Engine();
      const app = await start(engine);
      await publish(app, 'orders', 5);
      engine.hold();
      const connection = await Connection.open(app);
      connection.send({ path: '/notifications?topic=orders&cursor=earliest', headers: { Accept: accept } });
      await until(() => engine.waiting === 1);
      expect(app.counts().waiters).toBe(1);
      await connection.destroy();
      await until(() => app.counts().waiters === 0);
      engine.letGo();
      await turn(10);
      expect(app.counts()).toMatchObject({ waiters: 0, topics: 0, subscribers: 0, addresses: 0 });
    });

    test('a notification between read and answer is not missed', async () => {
      const engine = new Engine();
      const app = await start(engine);
      const cursor = app.service.cursor();
      await publish(app, 'others', 5);
      engine.hold();
      const polled = poll(app, `topic=orders&cursor=${cursor}`);
      await until(() => engine.waiting === 1);
      const published = publish(app, 'orders');
      await until(() => engine.waiting === 2);
      // The topic of the poll has a notification that the pending answer lacks. No other event will
      // wake the poll.
      await turn(10);
      engine.letGo();
      await published;
      expect(numbers((await polled).json.notifications)).toEqual([1]);
    });

    test('close does not wait for a read, and waits for a publish', async () => {
      const engine = new Engine();
      const app = await start(engine);
      await publish(app, 'orders', 5);
      engine.hold();
      const reading = poll(app, 'topic=orders&cursor=earliest');
      const streaming = SseReader.open(app, 'topic=orders&cursor=earliest');
      const publishing = post(app, ITEM);
      await until(() => engine.waiting === 2 && app.counts().waiters === 2);
      const closing = app.close();
      expect(await reading).toMatchObject({ status: 503, json: { code: 'draining' } });
      expect((await (await streaming).rest()).map(namesOf).at(-1)).toEqual(['retry']);
      engine.letGo();
      expect((await publishing).status).toBe(201);
      await closing;
    });
  });

  test('an invalid expiry date of credentials is an error, and not an endless poll', async () => {
    const expiresAt = () => new Date(Number.NaN);
    const app = await startApp(adapter, { notifications: { access: { read: 'public', expiresAt } } });
    const response = await poll(app, 'topic=orders&wait=1');
    expect(response.status).toBe(500);
    app.logs.length = 0;
  });
}, ONE_ADAPTER);
