import { describe, expect, test } from '@jest/globals';
import { memoryStore } from 'nest-notifications';
import { ADAPTERS_AND_LANE, forEachAdapter } from '../support/http/adapters.js';
import { startApp } from '../support/http/app.js';
import { holdPoll, numbers, poll, publish, upTo } from '../support/http/feed.js';
import { SseReader } from '../support/http/sse.js';
import { until } from '../support/time/until.js';

forEachAdapter((adapter) => {
  describe('the cursor', () => {
    test('of a first poll with wait=0 is the current position', async () => {
      const app = await startApp(adapter);
      await publish(app, 'orders', 3);
      const { json } = await poll(app, 'topic=orders&wait=0');
      expect(json.notifications).toEqual([]);
      await publish(app, 'orders', 2, 4);
      const next = await poll(app, `topic=orders&cursor=${json.cursor}`);
      expect(numbers(next.json.notifications)).toEqual([4, 5]);
    });

    test('of the service misses no notification after a state that is read later', async () => {
      const app = await startApp(adapter);
      await publish(app, 'orders', 3);
      const state = { cursor: app.service.cursor(), orders: upTo(3) };
      await publish(app, 'orders', 2, 4);
      const { json } = await poll(app, `topic=orders&cursor=${state.cursor}`);
      expect([...state.orders, ...numbers(json.notifications)]).toEqual(upTo(5));
    });

    test('of a publish is the position after the published notifications', async () => {
      const app = await startApp(adapter);
      const cursor = await publish(app, 'orders', 3);
      await publish(app, 'orders', 1, 4);
      const { json } = await poll(app, `topic=orders&cursor=${cursor}`);
      expect(numbers(json.notifications)).toEqual([4]);
    });

    test.each([
      ['earliest', upTo(3)],
      ['latest', []],
    ])('may be the word %s', async (word, expected) => {
      const app = await startApp(adapter);
      await publish(app, 'orders', 3);
      const { json } = await poll(app, `topic=orders&cursor=${word}&wait=0`);
      expect(numbers(json.notifications)).toEqual(expected);
    });

    test('connects polls without a loss, also for notifications published between polls', async () => {
      const app = await startApp(adapter);
      let { cursor } = (await poll(app, 'topic=orders&wait=0')).json as { cursor: string };
      const seen: number[] = [];
      for (let n = 1; n <= 30; n += 3) {
        await publish(app, 'orders', 1, n);
        const held = await poll(app, `topic=orders&cursor=${cursor}`);
        await publish(app, 'orders', 1, n + 1);
        const missed = await poll(app, `topic=orders&cursor=${held.json.cursor}`);
        const waiting = await holdPoll(app, `topic=orders&cursor=${missed.json.cursor}`);
        await publish(app, 'orders', 1, n + 2);
        const woken = await waiting.response();
        await waiting.destroy();
        for (const { json } of [held, missed, woken]) seen.push(...numbers(json.notifications));
        ({ cursor } = woken.json);
      }
      expect(seen).toEqual(upTo(30));
    });

    test('moves on empty pages, so that the cursor of a quiet client does not expire', async () => {
      const app = await startApp(adapter, {
        notifications: { access: 'public', store: memoryStore({ retainCount: 10 }) },
      });
      let { cursor } = (await poll(app, 'topic=quiet&wait=0')).json as { cursor: string };
      for (let i = 0; i < 5; i++) {
        await publish(app, 'busy', 10);
        const { json } = await poll(app, `topic=quiet&cursor=${cursor}&wait=0`);
        expect(json).toEqual({ notifications: [], cursor: expect.any(String), more: false });
        // The text of a cursor always changes. The cursor has moved if no notification of the busy
        // topic follows it.
        expect((await poll(app, `topic=busy&cursor=${json.cursor}&wait=0`)).json.notifications).toEqual([]);
        ({ cursor } = json);
      }
    });

    test('is valid for any set of topics', async () => {
      const app = await startApp(adapter);
      const { cursor } = (await poll(app, 'topic=a&wait=0')).json as { cursor: string };
      await publish(app, 'a', 1, 1);
      await publish(app, 'b', 1, 2);
      const a = await poll(app, `topic=a&cursor=${cursor}`);
      const both = await poll(app, `topic=a,b&cursor=${cursor}`);
      const b = await poll(app, `topic=b&cursor=${a.json.cursor}&wait=0`);
      expect(numbers(a.json.notifications)).toEqual([1]);
      expect(numbers(both.json.notifications)).toEqual([1, 2]);
      // The first answer ends at its last notification. In the log, the notification of the other
      // topic follows that position.
      expect(numbers(b.json.notifications)).toEqual([2]);
    });

    test('of another log causes a gap, and the page starts from the oldest notification', async () => {
      const earlier = await startApp(adapter);
      const cursor = await publish(earlier, 'orders', 5);
      const later = await startApp(adapter);
      await publish(later, 'orders', 3);
      const { status, json } = await poll(later, `topic=orders&cursor=${cursor}`);
      expect(status).toBe(200);
      expect(json.gap).toEqual({ reason: 'reset' });
      expect(numbers(json.notifications)).toEqual([1, 2, 3]);
      const next = await poll(later, `topic=orders&cursor=${json.cursor}&wait=0`);
      expect(next.json).toMatchObject({ notifications: [] });
      expect(next.json).not.toHaveProperty('gap');
    });

    test('of another log is a gap at once on an empty log too', async () => {
      const earlier = await startApp(adapter);
      const cursor = earlier.service.cursor();
      const later = await startApp(adapter);
      const { json } = await poll(later, `topic=orders&cursor=${cursor}`);
      expect(json).toMatchObject({ notifications: [], gap: { reason: 'reset' } });
    });
  });

  describe('a client changes', () => {
    test('from polls to a stream, with the cursor in the query or in Last-Event-ID', async () => {
      const app = await startApp(adapter);
      await publish(app, 'orders', 2);
      const first = await poll(app, 'topic=orders&cursor=earliest');
      expect(numbers(first.json.notifications)).toEqual([1, 2]);
      await publish(app, 'orders', 2, 3);
      const { cursor } = first.json;
      const readers = await Promise.all([
        SseReader.open(app, `topic=orders&cursor=${cursor}`),
        SseReader.open(app, 'topic=orders', { 'Last-Event-ID': cursor }),
      ]);
      for (const reader of readers) {
        await reader.opening();
        expect(numbers(await reader.notifications(2))).toEqual([3, 4]);
      }
    });

    test('from a stream to polls, with any id that the stream has sent', async () => {
      const app = await startApp(adapter);
      const reader = await SseReader.open(app, 'topic=orders');
      await until(() => app.counts().waiters === 1);
      await publish(app, 'orders', 3);
      const blocks = [await reader.opening(), ...(await reader.nextBlocks(3))];
      await reader.close();
      await publish(app, 'orders', 1, 4);
      const after = await Promise.all(blocks.map(({ id }) => poll(app, `topic=orders&cursor=${id}`)));
      expect(after.map(({ json }) => numbers(json.notifications))).toEqual([[1, 2, 3, 4], [2, 3, 4], [3, 4], [4]]);
    });
  });
}, ADAPTERS_AND_LANE);
