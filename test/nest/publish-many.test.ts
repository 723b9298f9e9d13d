import { beforeEach, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { NotificationsError } from '../../src/core/errors.js';
import type { Draft } from '../../src/core/notification.js';
import type { Store } from '../../src/core/store.js';
import { type NotificationsService, PublishManyError, type PublishManyProgress } from '../../src/index.js';
import { type ManyItems, ManyPublisher } from '../../src/nest/publishing/many-publisher.js';
import { resolveSettings } from '../../src/nest/settings.js';
import { systemClock } from '../../src/core/clock.js';
import { PublishTracing } from '../../src/core/publish-tracing.js';
import { openMemoryStore } from '../support/memory.js';
import { turn, until } from '../support/time/until.js';

const CHUNK = 10;
const NOTIFICATION = { id: 'release-7', type: 'release', data: { version: 7 } };
const users = (count: number): string[] => Array.from({ length: count }, (_, n) => `user.${n}`);

/** Yields topics one by one, as a database cursor does. `read` counts them. */
class Cursor {
  read = 0;
  isReleased = false;

  async *topics(count: number): AsyncGenerator<string> {
    try {
      for (const topic of users(count)) {
        this.read++;
        yield await Promise.resolve(topic);
      }
    } finally {
      this.isReleased = true;
    }
  }
}

describe('publishMany', () => {
  let store: Store;
  /** The drafts of each append, in order. */
  let appends: (readonly Draft[])[];
  /** Runs before each append. */
  let onAppend: () => Promise<void> | void;
  let publisher: ManyPublisher;

  beforeEach(async () => {
    const memory = await openMemoryStore();
    appends = [];
    onAppend = () => undefined;
    store = {
      append: async (drafts) => {
        appends.push(drafts);
        await onAppend();
        return memory.append(drafts);
      },
      read: (query) => memory.read(query),
      tail: (after, onAppended) => memory.tail(after, onAppended),
      remove: (query) => memory.remove(query),
      close: () => memory.close(),
    };
    publisher = publisherOf({});
  });

  const publisherOf = (options: Parameters<typeof resolveSettings>[0]): ManyPublisher => {
    const settings = resolveSettings({ publish: { notificationsMax: CHUNK }, ...options });
    return new ManyPublisher({
      store,
      settings,
      schemas: options.schemas ?? {},
      clock: systemClock,
      tracing: new PublishTracing(),
    });
  };
  const publish = (topics: ManyItems['topics'], more: Partial<ManyItems> = {}): Promise<PublishManyProgress> =>
    publisher.publish({ topics, notification: NOTIFICATION, ...more });
  const failure = async (result: Promise<unknown>): Promise<PublishManyError> => {
    const error: unknown = await result.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(PublishManyError);
    return error as PublishManyError;
  };
  const inLog = async (): Promise<string[]> => {
    const { entries } = await store.read({ topics: users(100), after: 0, limit: 1_000, bytesMax: 2 ** 24 });
    return entries.map(({ topic }) => topic);
  };

  test.each([
    ['an array', () => users(25)],
    ['a set', () => new Set(users(25))],
    ['an async iterable', () => new Cursor().topics(25)],
  ])('appends one copy for each topic of %s, in their order, in chunks', async (_, topics) => {
    const seen: number[] = [];
    const onProgress = (progress: PublishManyProgress): void => void seen.push(progress.topics);
    expect(await publish(topics(), { onProgress })).toEqual({ id: 'release-7', topics: 25, duplicates: 0 });
    expect(await inLog()).toEqual(users(25));
    expect(appends.map(({ length }) => length)).toEqual([10, 10, 5]);
    expect(seen).toEqual([10, 20, 25]);
    const { id, json } = appends[2]![4]!;
    expect(JSON.parse(json)).toMatchObject({ id, topic: 'user.24', type: 'release', data: { version: 7 } });
  });

  test.each([0, 10, 20])('ends after %i topics, which fill their chunks', async (count) => {
    expect(await publish(users(count))).toEqual({ id: 'release-7', topics: count, duplicates: 0 });
    expect(await inLog()).toHaveLength(count);
  });

  test('ends a chunk after about 1 MiB', async () => {
    publisher = publisherOf({ publish: { notificationsMax: 1_000 } });
    await publish(users(40), { notification: { type: 'large', data: 'x'.repeat(60_000) } });
    expect(appends.map(({ length }) => length)).toEqual([18, 18, 4]);
  });

  test('reads no topics while the store appends, or while onProgress runs', async () => {
    const cursor = new Cursor();
    let appended = (): void => undefined;
    onAppend = () => new Promise((resolve) => (appended = resolve));
    let stored = (): void => undefined;
    const onProgress = (): Promise<void> => new Promise((resolve) => (stored = resolve));
    const result = publish(cursor.topics(25), { onProgress });
    await until(() => appends.length === 1);
    await turn(10);
    expect(cursor.read).toBe(10);
    appended();
    await turn(10);
    expect(cursor.read).toBe(10);
    onAppend = () => undefined;
    stored();
    await until(() => appends.length === 2);
    await turn(10);
    expect(cursor.read).toBe(20);
    stored();
    await until(() => appends.length === 3);
    await turn(2);
    stored();
    expect((await result).topics).toBe(25);
  });

  test('lets the event loop turn after each chunk', async () => {
    let turns = 0;
    const count = (): void => {
      turns++;
      immediate = setImmediate(count);
    };
    let immediate = setImmediate(count);
    await publish(users(100));
    clearImmediate(immediate);
    expect(turns).toBeGreaterThanOrEqual(9);
  });

  test('a repeat appends only the copies that are missing', async () => {
    onAppend = () => {
      if (appends.length === 3) throw new NotificationsError('store_unavailable', 'the engine is down');
    };
    const error = await failure(publish(users(25)));
    expect(error).toMatchObject({
      code: 'store_unavailable',
      progress: { id: 'release-7', topics: 20, duplicates: 0 },
    });
    expect(error.getStatus()).toBe(503);
    expect(await inLog()).toEqual(users(20));
    expect(await publish(users(25))).toEqual({ id: 'release-7', topics: 25, duplicates: 20 });
    expect(await inLog()).toEqual(users(25));
  });

  test('a repeat continues with the id of the error if the notification has none', async () => {
    onAppend = () => {
      if (appends.length === 2) throw new NotificationsError('store_unavailable', 'the engine is down');
    };
    const notification = { type: 'release', data: 1 };
    const { progress } = await failure(publish(users(15), { notification }));
    const { topics, duplicates } = await publish(users(15), { notification: { ...notification, id: progress.id } });
    expect([progress.topics, topics, duplicates]).toEqual([10, 15, 10]);
    expect(await inLog()).toEqual(users(15));
  });

  test('a topic that occurs twice gets one copy, and another id gets another one', async () => {
    expect(await publish(['user.1', 'user.2', 'user.1'])).toMatchObject({ topics: 3, duplicates: 1 });
    await publish(['user.1'], { notification: { ...NOTIFICATION, id: 'release-8' } });
    expect(await inLog()).toEqual(['user.1', 'user.2', 'user.1']);
  });

  test('copies have the options of the notification', async () => {
    const options = { ttlMs: 60_000, key: 'release', priority: 'high', publisher: 'shop' } as const;
    await publish(['user.1'], { notification: { ...NOTIFICATION, ...options } });
    const { expiresAt, time, ...copy } = JSON.parse(appends[0]![0]!.json) as Record<string, string>;
    expect(copy).toMatchObject({ key: 'release', priority: 'high', publisher: 'shop' });
    expect(Date.parse(expiresAt!) - Date.parse(time!)).toBe(60_000);
  });

  test('a schema runs once, and its output is the data of all copies', async () => {
    let runs = 0;
    const release = z.object({ version: z.number().transform((version) => (runs++, `v${version}`)) });
    publisher = publisherOf({ schemas: { release } });
    await publish(users(15));
    expect(runs).toBe(1);
    expect(appends.flat().every(({ json }) => json.endsWith('"data":{"version":"v7"}}'))).toBe(true);
    const error = await failure(publish(users(15), { notification: { type: 'release', data: {} } }));
    expect([error.code, appends.length]).toEqual(['data_invalid', 2]);
  });

  test.each([
    ['a text', 'orders', 'topic_invalid'],
    ['null', null, 'topic_invalid'],
    ['an object', {}, 'topic_invalid'],
    ['a number among the topics', [7], 'topic_invalid'],
    ['a reserved topic', ['$records'], 'topic_invalid'],
  ])('rejects %s', async (_, topics, code) => {
    expect(await failure(publish(topics as never))).toMatchObject({ code, progress: { topics: 0 } });
    expect(appends).toEqual([]);
  });

  test.each([
    ['a wrong type', { type: 'a b' }, 'type_invalid'],
    ['a wrong id', { type: 'a', id: '' }, 'id_invalid'],
    ['a wrong option', { type: 'a', ttlMs: 0 }, 'option_invalid'],
    ['data that is not JSON', { type: 'a', data: 1n }, 'data_invalid'],
    ['too much data', { type: 'a', data: 'x'.repeat(70_000) }, 'notification_too_large'],
  ])('rejects %s', async (_, notification, code) => {
    const cursor = new Cursor();
    expect(await failure(publish(cursor.topics(25), { notification }))).toMatchObject({ code });
    expect([appends.length, cursor.read <= 1]).toEqual([0, true]);
  });

  test('an invalid topic is named by its index, and its chunk is not appended', async () => {
    const error = await failure(publish([...users(14), 'not a topic', ...users(3)]));
    expect(error.message).toMatch(/^publishMany stopped after 10 topics; .*: item 14: topic may have/);
    expect(await inLog()).toEqual(users(10));
  });

  test('the error of an iterable is the cause, and no part of an answer over HTTP', async () => {
    const down = new Error('password of the database');
    async function* topics(): AsyncGenerator<string> {
      yield* users(12);
      await Promise.reject(down);
    }
    const error = await failure(publish(topics()));
    expect(error).toMatchObject({ code: 'publish_incomplete', cause: down, progress: { topics: 10 } });
    expect(JSON.stringify(error.getResponse())).not.toMatch(/password/);
  });

  test('the error of onProgress stops the publish, and releases the iterable', async () => {
    const cursor = new Cursor();
    const cause = new Error('the progress cannot be stored');
    const error = await failure(publish(cursor.topics(25), { onProgress: () => Promise.reject(cause) }));
    expect(error).toMatchObject({ code: 'publish_incomplete', cause, progress: { topics: 10 } });
    await until(() => cursor.isReleased);
  });

  describe('with a signal', () => {
    test('an aborted signal publishes nothing', async () => {
      const error = await failure(publish(users(5), { signal: AbortSignal.abort() }));
      expect(error).toMatchObject({
        code: 'publish_incomplete',
        cause: { name: 'AbortError' },
        progress: { topics: 0 },
      });
      expect(appends).toEqual([]);
    });

    test('completes the chunk that is being appended, and stops', async () => {
      const [controller, cursor] = [new AbortController(), new Cursor()];
      onAppend = () => controller.abort(new Error('enough'));
      const error = await failure(publish(cursor.topics(25), { signal: controller.signal }));
      expect(error).toMatchObject({ cause: { message: 'enough' }, progress: { topics: 10 } });
      expect(await inLog()).toEqual(users(10));
      await until(() => cursor.isReleased);
    });

    test('does not wait for a source that does not answer', async () => {
      const controller = new AbortController();
      async function* topics(): AsyncGenerator<string> {
        yield* users(3);
        await new Promise(() => undefined);
      }
      const result = publish(topics(), { signal: controller.signal });
      await turn(10);
      controller.abort();
      expect((await failure(result)).progress.topics).toBe(0);
      expect(appends).toEqual([]);
    });

    test('leaves no listener', async () => {
      const { signal } = new AbortController();
      let listeners = 0;
      const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
      signal.addEventListener = (...args: Parameters<typeof add>): void => {
        listeners++;
        add(...args);
      };
      signal.removeEventListener = (...args: Parameters<typeof remove>): void => {
        listeners--;
        remove(...args);
      };
      await publish(new Cursor().topics(25), { signal });
      await turn();
      expect(listeners).toBe(0);
    });
  });
});

test('publishMany takes topics and data of the declared notifications only', () => {
  interface AppNotifications {
    orders: { shipped: { orderId: number } };
    [user: `user.${string}`]: { mention: { by: string } };
  }
  const compiles = (service: NotificationsService<AppNotifications>): readonly unknown[] => [
    service.publishMany(['user.1', 'user.2'], { type: 'mention', data: { by: 'ann' } }),
    // @ts-expect-error `shipped` is a type of another topic.
    service.publishMany(['user.1'], { type: 'shipped', data: { orderId: 1 } }),
    // @ts-expect-error There is no such topic.
    service.publishMany(['others'], { type: 'mention', data: { by: 'ann' } }),
  ];
  expect(compiles).toBeInstanceOf(Function);
});
