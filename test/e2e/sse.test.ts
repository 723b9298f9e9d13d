import { describe, expect, test } from '@jest/globals';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { memoryStore } from 'nest-notifications';
import { ADAPTERS, forEachAdapter } from '../support/http/adapters.js';
import { startApp } from '../support/http/app.js';
import { holdPoll, numbers, poll, publish } from '../support/http/feed.js';
import { cursorBlock, namesOf, SseReader } from '../support/http/sse.js';
import { until } from '../support/time/until.js';

const QUIET = { heartbeatMs: 100 };

/** The messages that a client's `onmessage` receives from the stream so far. */
function messages(reader: SseReader): EventSourceMessage[] {
  const events: EventSourceMessage[] = [];
  createParser({ onEvent: (event) => events.push(event) }).feed(reader.text);
  // A message handler does not see events that have a name of their own.
  return events.filter(({ event }) => event !== 'cursor');
}

forEachAdapter((adapter) => {
  describe('a stream begins', () => {
    test('with its headers and its first block', async () => {
      const app = await startApp(adapter);
      const reader = await SseReader.open(app, 'topic=orders');
      const { status, rawHeaders } = reader.head;
      expect(status).toBe(200);
      const framing = ['Date', 'Connection', 'Transfer-Encoding', 'X-Powered-By'];
      expect(rawHeaders.filter(([name]) => !framing.includes(name)).sort()).toEqual([
        ['Cache-Control', 'no-cache, no-store, no-transform'],
        ['Content-Type', 'text/event-stream'],
        ['X-Accel-Buffering', 'no'],
      ]);
      expect(reader.head.header('connection')).toBe('close');
      const first = await reader.opening();
      expect(namesOf(first)).toEqual(['retry', 'event', 'data', 'id']);
      // 2 s, give or take 20 %.
      expect(Number(first.retry)).toBeGreaterThanOrEqual(1600);
      expect(Number(first.retry)).toBeLessThanOrEqual(2400);
      expect((await poll(app, `topic=orders&wait=0&cursor=${first.id}`)).status).toBe(200);
      expect(app.counts().waiters).toBe(1);
    });

    test.each([
      ['the header Last-Event-ID', (cursor: string) => ['', { 'Last-Event-ID': cursor }] as const],
      ['the query’s cursor', (cursor: string) => [`&cursor=${cursor}`, {}] as const],
      ['the query’s lastEventId', (cursor: string) => [`&lastEventId=${cursor}`, {}] as const],
      ['the query’s last_event_id', (cursor: string) => [`&last_event_id=${cursor}`, {}] as const],
      ['the header before the query', (cursor: string) => ['&cursor=earliest', { 'Last-Event-ID': cursor }] as const],
      ['the header before a bad query', (cursor: string) => ['&lastEventId=no', { 'Last-Event-ID': cursor }] as const],
      ['the query beside an empty header', (cursor: string) => [`&cursor=${cursor}`, { 'Last-Event-ID': '' }] as const],
    ])('from the cursor in %s', async (_, place) => {
      const app = await startApp(adapter);
      const cursor = await publish(app, 'orders', 2);
      await publish(app, 'orders', 2, 3);
      const [query, headers] = place(cursor);
      const reader = await SseReader.open(app, `topic=orders${query}`, headers);
      await reader.opening();
      expect(numbers(await reader.notifications(2))).toEqual([3, 4]);
    });

    test('at the head without a cursor, at the oldest notification with `earliest`', async () => {
      const app = await startApp(adapter);
      await publish(app, 'orders', 2);
      const [now, all] = await Promise.all([
        SseReader.open(app, 'topic=orders'),
        SseReader.open(app, 'topic=orders&cursor=earliest'),
      ]);
      await until(() => app.counts().waiters === 2);
      await publish(app, 'orders', 1, 3);
      await now.opening();
      await all.opening();
      expect(numbers(await now.notifications(1))).toEqual([3]);
      expect(numbers(await all.notifications(3))).toEqual([1, 2, 3]);
    });
  });

  describe('a block', () => {
    test('is a notification’s data and id, the id last, and no event name', async () => {
      const app = await startApp(adapter);
      const reader = await SseReader.open(app, 'topic=orders&cursor=earliest');
      await reader.opening();
      const { ids } = await app.service.publish('orders', [
        { type: 'order.shipped', data: { orderId: 7 } },
        { type: 'order.shipped', data: null },
      ]);
      const blocks = await reader.nextBlocks(2);
      expect(blocks.map(namesOf)).toEqual([
        ['data', 'id'],
        ['data', 'id'],
      ]);
      const polled = await poll(app, 'topic=orders&cursor=earliest');
      expect(blocks.map(({ data }) => JSON.parse(data!))).toEqual(polled.json.notifications);
      expect(polled.json.notifications.map(({ id }: { id: string }) => id)).toEqual(ids);
    });

    test.each([
      ['line ends', 'a\n\nb\r\n\r\nc\rd\n'],
      ['fields of the format', 'x\n\ndata: {"forged":true}\nid: forged\n\n'],
      ['characters that some parsers treat as line ends', '\u0085\u2028\u2029\u000b\u000c'],
      ['NUL and the byte order mark', '\u0000\ufeff'],
      ['half a surrogate pair and more than one byte', '\ud800 ü 漢 😀'],
    ])('keeps its framing valid for each published text: %s', async (_, text) => {
      const app = await startApp(adapter);
      const reader = await SseReader.open(app, 'topic=orders&cursor=earliest');
      await app.service.publish('orders', { type: 't', data: { text, [text]: [text] } });
      await publish(app, 'orders');
      await until(() => messages(reader).length === 2);
      const [hostile, next] = messages(reader);
      expect(hostile!.event).toBeUndefined();
      expect(JSON.parse(hostile!.data).data).toEqual({ text, [text]: [text] });
      expect(JSON.parse(next!.data).data).toEqual({ n: 1 });
      expect(reader.text.split('\n')).toHaveLength(
        'retry event data id blank data id blank data id blank'.split(' ').length + 1,
      );
    });
  });

  describe('a stream without notifications', () => {
    test('comment lines are sent in quiet times, and clients ignore them', async () => {
      const app = await startApp(adapter, { notifications: { access: 'public', stream: QUIET } });
      const reader = await SseReader.open(app, 'topic=orders');
      const first = await reader.opening();
      await until(() => reader.text.endsWith(':\n:\n:\n'));
      const opening = `retry: ${first.retry}\nevent: cursor\ndata: {}\nid: ${first.id}\n\n`;
      expect(reader.text).toBe(`${opening}:\n:\n:\n`);
      expect(messages(reader)).toEqual([]);
      await publish(app, 'orders');
      expect(numbers(await reader.notifications(1))).toEqual([1]);
      expect(messages(reader)).toHaveLength(1);
    });

    test('a cursor block is sent from time to time, also if no topic has notifications, and message handlers ignore it', async () => {
      const stream = { heartbeatMs: 100, cursorEveryMs: 400 };
      const app = await startApp(adapter, { notifications: { access: 'public', stream } });
      const reader = await SseReader.open(app, 'topic=quiet');
      await reader.opening();
      await publish(app, 'busy', 10);
      for (let blocks = 0; blocks < 2; blocks++) {
        const cursor = await reader.next();
        expect(cursor).toEqual(cursorBlock(cursor.id!));
        expect((await poll(app, `topic=busy&wait=0&cursor=${cursor.id}`)).json.notifications).toEqual([]);
      }
      expect(messages(reader)).toEqual([]);
      await until(() => reader.text.endsWith(':\n'.repeat(2)));
    });
  });

  describe('a gap', () => {
    test.each([
      ['some text', 'no-cursor-at-all'],
      ['`earliest`, which only the query accepts', 'earliest'],
      ['an escape', '%F0%9F%98%80'],
      ['4000 characters', 'x'.repeat(4000)],
    ])('answers a Last-Event-ID that cannot be read: %s', async (_, id) => {
      const app = await startApp(adapter);
      await publish(app, 'orders', 3);
      const reader = await SseReader.open(app, 'topic=orders', { 'Last-Event-ID': id });
      expect(reader.head.status).toBe(200);
      const first = await reader.next();
      // Until the gap has arrived, the client keeps the id that leads to it.
      expect(namesOf(first)).toEqual(['retry', 'event', 'data', 'id']);
      expect(first).toMatchObject({ event: 'gap', data: '{"reason":"reset"}' });
      expect(numbers(await reader.notifications(3))).toEqual([1, 2, 3]);
    });

    test('reports removed notifications, and its id leads to the oldest kept notification', async () => {
      const store = memoryStore({ retainCount: 3 });
      const app = await startApp(adapter, { notifications: { access: 'public', store, window: { count: 1 } } });
      const cursor = app.service.cursor();
      await publish(app, 'orders', 5);
      const reader = await SseReader.open(app, `topic=orders&cursor=${cursor}`);
      await reader.opening();
      const gap = await reader.next();
      expect(gap).toMatchObject({ event: 'gap', data: '{"reason":"expired"}' });
      expect(numbers(await reader.notifications(3))).toEqual([3, 4, 5]);
      const { json } = await poll(app, `topic=orders&cursor=${gap.id}`);
      expect(json).not.toHaveProperty('gap');
      expect(numbers(json.notifications)).toEqual([3, 4, 5]);
    });

    test('is not sent for an invalid cursor in the query, which is an error', async () => {
      const app = await startApp(adapter);
      for (const name of ['cursor', 'lastEventId', 'last_event_id']) {
        const { status, json } = await poll(app, `topic=orders&${name}=no-cursor`, { Accept: 'text/event-stream' });
        expect({ status, code: json.code }).toEqual({ status: 400, code: 'cursor_invalid' });
      }
    });
  });

  describe('a busy node', () => {
    const busy = { notifications: { access: 'public' as const, limits: { waitersMax: 1 } } };

    test('refuses a poll with 503 and Retry-After', async () => {
      const app = await startApp(adapter, busy);
      await holdPoll(app, 'topic=orders');
      const response = await poll(app, 'topic=orders');
      expect(response.status).toBe(503);
      expect(response.json).toMatchObject({ statusCode: 503, error: 'Service Unavailable', code: 'waiters_too_many' });
      expect(response.header('retry-after')).toMatch(/^[1-3]$/);
      expect(response.header('cache-control')).toContain('no-store');
    });

    test('ends a stream at once, with 200, a longer retry and the client’s position', async () => {
      const app = await startApp(adapter, busy);
      const held = await holdPoll(app, 'topic=orders');
      const reader = await SseReader.open(app, 'topic=orders');
      expect(reader.head.status).toBe(200);
      const first = await reader.opening();
      const blocks = await reader.rest();
      expect(namesOf(first)).toEqual(['retry', 'event', 'data', 'id']);
      expect(blocks.map(namesOf)).toEqual([['retry']]);
      expect(Number(blocks[0]!.retry)).toBeGreaterThan(3 * Number(first.retry));
      await held.destroy();
      await until(() => app.counts().waiters === 0);
      await publish(app, 'orders');
      const again = await SseReader.open(app, 'topic=orders', { 'Last-Event-ID': first.id! });
      await again.opening();
      expect(numbers(await again.notifications(1))).toEqual([1]);
    });
  });
}, ADAPTERS);
