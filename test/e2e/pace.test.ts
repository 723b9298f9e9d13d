import { describe, expect, test } from '@jest/globals';
import { forEachAdapter, ONE_ADAPTER } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { Connection } from '../support/http/connection.js';
import { holdPoll, poll, publish } from '../support/http/feed.js';
import { LANE, Poller, startCounting } from '../support/http/lane.js';
import { SseReader } from '../support/http/sse.js';
import { until } from '../support/time/until.js';

const POLLS = 41;
/** Only the application may read `secret`. */
const OPTIONS = { access: { read: { mine: true as const } } };

/** Compares the cursors of consecutive answers to the same request. */
async function repetitions(app: TestApp, ask: () => Promise<string>, secrets: boolean): Promise<boolean[]> {
  const seen: boolean[] = [];
  let last = await ask();
  for (let turn = 0; turn < POLLS; turn++) {
    if (secrets) await publish(app, 'secret');
    const cursor = await ask();
    seen.push(cursor === last);
    last = cursor;
  }
  return seen;
}

forEachAdapter((adapter) => {
  describe('a reader of one topic cannot count what another topic gets', () => {
    test.each<[what: string, notifications: number, query: string]>([
      ['empty polls', 0, 'topic=mine&wait=0'],
      ['polls that repeat one page of the window', 3, 'topic=mine&wait=0&cursor=START'],
      ['polls that repeat one page of the store', 3, 'topic=mine&wait=0&cursor=earliest'],
      ['polls that repeat a part of a page of the store', 3, 'topic=mine&wait=0&limit=2&cursor=START'],
      ['polls that repeat a large page', 40, 'topic=mine&wait=0&cursor=START'],
    ])('by the cursors of %s', async (_, count, query) => {
      const app = await startApp(adapter, { notifications: OPTIONS });
      const start = app.service.cursor();
      for (let n = 0; n < count; n++) {
        await app.service.publish('mine', { type: 'padded', data: 'x'.repeat(count > 3 ? 1_000 : 1) });
      }
      const connection = await Connection.open(app);
      const ask = async (): Promise<string> => {
        connection.send({ path: `/notifications?${query.replace('START', start)}` });
        return ((await connection.response()).json as { cursor: string }).cursor;
      };
      const quiet = await repetitions(app, ask, false);
      expect(await repetitions(app, ask, true)).toEqual(quiet);
    });

    test('by cursors on the direct lane', async () => {
      const { app } = await startCounting(adapter, { ...LANE, ...OPTIONS, access: 'public' });
      const poller = await Poller.open(app);
      await poller.turns(3);
      const { cursor } = poller;
      await publish(app, 'orders');
      const ask = async (): Promise<string> => {
        poller.cursor = cursor;
        return ((await poller.answer()).json as { cursor: string }).cursor;
      };
      const quiet = await repetitions(app, ask, false);
      expect(await repetitions(app, ask, true)).toEqual(quiet);
    });

    test('by the ids of streams that replay one page', async () => {
      const app = await startApp(adapter, { notifications: OPTIONS });
      const start = app.service.cursor();
      await publish(app, 'mine', 3);
      const ask = async (): Promise<string> => {
        const reader = await SseReader.open(app, `topic=mine&cursor=${start}`);
        await reader.opening();
        const ids = [(await reader.next()).id, (await reader.next()).id, (await reader.next()).id];
        await reader.close();
        return ids.join();
      };
      const first = await ask();
      await publish(app, 'secret');
      expect(await ask()).toBe(first);
    });

    test('by the blocks of a quiet stream', async () => {
      const stream = { heartbeatMs: 100, cursorEveryMs: 100 };
      const app = await startApp(adapter, { notifications: { ...OPTIONS, stream } });
      const reader = await SseReader.open(app, 'topic=mine');
      const ids = [(await reader.opening()).id];
      for (let blocks = 0; blocks < 3; blocks++) {
        const block = await reader.next();
        expect(block.event).toBe('cursor');
        ids.push(block.id);
      }
      expect(new Set(ids).size).toBe(ids.length);
    });

    test('by the last block of a stream', async () => {
      const app = await startApp(adapter, { notifications: { ...OPTIONS, stream: { lifetimeMs: 1_000 } } });
      await publish(app, 'mine');
      const reader = await SseReader.open(app, 'topic=mine&cursor=earliest');
      await reader.opening();
      await reader.next();
      const rest = await reader.rest();
      expect(rest.filter(({ event }) => event === 'cursor')).toHaveLength(1);
    });

    test('by cursors of polls that are answered together: these cursors are equal', async () => {
      const app = await startApp(adapter, { notifications: OPTIONS });
      const held = [await holdPoll(app, 'topic=mine'), await holdPoll(app, 'topic=mine')];
      await publish(app, 'mine');
      const cursors = await Promise.all(
        held.map(async (one) => ((await one.response()).json as { cursor: string }).cursor),
      );
      expect(new Set(cursors).size).toBe(1);
      const next = await Promise.all(cursors.map((cursor) => poll(app, `topic=mine&wait=0&cursor=${cursor}`)));
      expect(next.map(({ json }) => (json as { notifications: unknown[] }).notifications)).toEqual([[], []]);
      await until(() => app.counts().waiters === 0);
    });
  });
}, ONE_ADAPTER);
