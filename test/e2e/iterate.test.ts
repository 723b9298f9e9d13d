import { describe, expect, test } from '@jest/globals';
import { memoryStore, type NotificationsService } from 'nest-notifications';
import { express } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { turn, until, within } from '../support/time/until.js';
import { watchedStore } from '../support/watched-store.js';

const start = (options: Parameters<typeof startApp>[1] = {}): Promise<TestApp> => startApp(express, options);
const item = (n: number) => ({ type: 't', data: n });
const topics = ['a'];

/**
 * Consumes the iterator like graphql-js: one value at a time, and `return()` when the client
 * disconnects.
 */
function subscribe<T>(
  source: AsyncIterable<T>,
  onValue: (value: T) => void,
): { stop: () => Promise<void>; ended: Promise<void> } {
  const iterator = source[Symbol.asyncIterator]();
  const run = async (): Promise<void> => {
    for (let result = await iterator.next(); !result.done; result = await iterator.next()) onValue(result.value);
  };
  const ended = run();
  return {
    ended,
    stop: async () => {
      await iterator.return?.();
    },
  };
}

async function take(
  service: NotificationsService,
  count: number,
  request: Partial<Parameters<NotificationsService['iterate']>[0]> = {},
) {
  const values: { data: unknown; cursor: string }[] = [];
  for await (const { data, cursor } of service.iterate({ topics, cursor: 'earliest', ...request })) {
    values.push({ data, cursor });
    if (values.length === count) break;
  }
  return values;
}

describe('iterate', () => {
  test('delivers one notification after another, each with the cursor after it', async () => {
    const app = await start();
    await app.service.publish('a', [item(1), item(2), item(3)]);
    await app.service.publish('b', item(0));
    const values = await take(app.service, 3);
    expect(values.map(({ data }) => data)).toEqual([1, 2, 3]);
    expect((await take(app.service, 2, { cursor: values[0]?.cursor })).map(({ data }) => data)).toEqual([2, 3]);
    expect((await take(app.service, 1, { cursor: values[1]?.cursor })).map(({ data }) => data)).toEqual([3]);
    expect(app.counts().waiters).toBe(0);
    await app.close();
  });

  test('starts at the end of the log at the time of the call, not of the first `next`', async () => {
    const app = await start();
    await app.service.publish('a', item(1));
    const iterator = app.service.iterate({ topics });
    await app.service.publish('a', item(2));
    expect(await iterator.next()).toMatchObject({ done: false, value: { topic: 'a', type: 't', data: 2 } });
    await app.close();
  });

  test('serves a GraphQL subscription, and releases its waiter at the end', async () => {
    const app = await start();
    const seen: unknown[] = [];
    const { stop, ended } = subscribe(app.service.iterate({ topics }), ({ data }) => seen.push(data));
    await until(() => app.counts().waiters === 1);
    await app.service.publish('a', item(1));
    await until(() => seen.length === 1 && app.counts().waiters === 1);
    await stop();
    expect(app.counts()).toMatchObject({ waiters: 0, topics: 0 });
    await within(ended, 'the end of the subscription');
    await app.service.publish('a', item(2));
    expect(seen).toEqual([1]);
    await app.close();
  });

  test('releases its waiter when the signal aborts, and ends the loop', async () => {
    const app = await start();
    const abort = new AbortController();
    const { ended } = subscribe(app.service.iterate({ topics, signal: abort.signal }), () => undefined);
    await until(() => app.counts().waiters === 1);
    abort.abort();
    expect(app.counts().waiters).toBe(0);
    await within(ended, 'the end of the loop');
    const again = app.service.iterate({ topics, cursor: 'earliest', signal: abort.signal });
    expect(await again.next()).toEqual({ done: true, value: undefined });
    await app.close();
  });

  test('releases its waiter when the loop throws', async () => {
    const app = await start();
    await app.service.publish('a', [item(1), item(2)]);
    const loop = async (): Promise<void> => {
      for await (const { data } of app.service.iterate({ topics, cursor: 'earliest' }))
        throw new Error(`no ${String(data)}`);
    };
    await expect(loop()).rejects.toThrow('no 1');
    expect(app.counts().waiters).toBe(0);
    await app.close();
  });

  test('does not read ahead for a slow consumer, and holds no waiter meanwhile', async () => {
    const { store, log } = watchedStore();
    const app = await start({ notifications: { access: 'public', store, window: { count: 1 } } });
    await app.service.publish(
      'a',
      Array.from({ length: 10 }, (_, n) => item(n)),
    );
    const iterator = app.service.iterate({ topics, cursor: 'earliest', limit: 3 });
    const { reads } = log;
    await iterator.next();
    await turn(10);
    expect(log.reads).toBe(reads + 1);
    expect(app.counts().waiters).toBe(0);
    for (let n = 1; n < 3; n++) expect(await iterator.next()).toMatchObject({ value: { data: n } });
    expect(log.reads).toBe(reads + 1);
    expect(await iterator.next()).toMatchObject({ value: { data: 3 } });
    expect(log.reads).toBe(reads + 2);
    await app.close();
  });

  test('answers concurrent calls in the order of the calls', async () => {
    const app = await start();
    const iterator = app.service.iterate({ topics });
    const pending = [iterator.next(), iterator.next(), iterator.next()];
    await app.service.publish('a', [item(1), item(2)]);
    expect(await Promise.all(pending.slice(0, 2))).toMatchObject([{ value: { data: 1 } }, { value: { data: 2 } }]);
    await iterator.return();
    expect(await pending[2]).toEqual({ done: true, value: undefined });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    await app.close();
  });

  test('ends when the application shuts down', async () => {
    const app = await start();
    const { ended } = subscribe(app.service.iterate({ topics }), () => undefined);
    await until(() => app.counts().waiters === 1);
    const idle = app.service.iterate({ topics });
    await app.close();
    await within(ended, 'the end of the loop');
    expect(await idle.next()).toEqual({ done: true, value: undefined });
  });

  describe('at a gap', () => {
    const startTrimmed = async () => {
      const app = await start({
        notifications: { access: 'public', store: memoryStore({ retainCount: 2 }), window: { count: 1 } },
      });
      const { cursor } = await app.service.publish('a', item(0));
      await app.service.publish('a', [1, 2, 3, 4].map(item));
      return { app, cursor };
    };

    test('fails without onGap', async () => {
      const { app, cursor } = await startTrimmed();
      const iterator = app.service.iterate({ topics, cursor });
      await expect(iterator.next()).rejects.toMatchObject({
        code: 'gap',
        message: expect.stringContaining('(expired)'),
      });
      expect(await iterator.next()).toEqual({ done: true, value: undefined });
      expect(app.counts().waiters).toBe(0);
      await app.close();
    });

    test('waits for onGap, and continues with the oldest kept notification', async () => {
      const { app, cursor } = await startTrimmed();
      const seen: unknown[] = [];
      const onGap = async ({ reason }: { reason: string }): Promise<void> => {
        await turn(3);
        seen.push(reason);
      };
      for (const { data } of await take(app.service, 2, { cursor, onGap })) seen.push(data);
      expect(seen).toEqual(['expired', 3, 4]);
      await app.close();
    });
  });

  test('moves its cursor while its topics are quiet', async () => {
    const app = await start();
    const iterator = app.service.iterate({ topics });
    const before = iterator.cursor;
    await app.service.publish('b', item(1));
    await app.service.publish('a', item(2));
    const { value } = await iterator.next();
    expect(iterator.cursor).toBe(value?.cursor);
    expect(iterator.cursor).not.toBe(before);
    expect((await take(app.service, 1, { cursor: before })).map(({ data }) => data)).toEqual([2]);
    await app.close();
  });

  test.each([
    [{ topics: [] }, 'topic_missing'],
    [{ topics: ['a b'] }, 'topic_invalid'],
    [{ topics, cursor: 'x' }, 'cursor_invalid'],
    [{ topics, limit: 0 }, 'limit_invalid'],
  ])('rejects %j at once', async (request, code) => {
    const app = await start();
    expect(() => app.service.iterate(request)).toThrow(expect.objectContaining({ code }));
    await app.close();
  });

  test('is rejected by a feed that only publishes', async () => {
    const app = await start({ notifications: { publishOnly: true } });
    expect(() => app.service.iterate({ topics })).toThrow(expect.objectContaining({ code: 'publish_only' }));
    await app.close();
  });
});
