import { afterEach, describe, expect, test } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { endTest } from '../support/http/cleanup.js';
import { until, within } from '../support/time/until.js';
import { ManualDevice } from './manual-device.js';
import { errorOf, openFeed, startServer } from './servers.js';
import { runtime } from '../../src/client/environment.js';

afterEach(endTest);

const MIB = 1024 * 1024;

describe.each(['poll', 'sse'] as const)('the error of a client by %s', (transport) => {
  const errorFor = async (body: string, headers: Record<string, string> = {}) => {
    const url = await startServer((_, response) => {
      response.writeHead(403, { 'Content-Type': 'text/html', ...headers }).end(body);
    });
    return within(errorOf(openFeed({ url, transport })), 'the error');
  };

  test('has the code of the header after an exception filter has changed the body', async () => {
    const error = await errorFor('<h1>No</h1>', { 'Notifications-Error': 'forbidden' });
    expect(error).toMatchObject({ status: 403, code: 'forbidden' });
    expect(error.message).toBe('the server answered with status 403 (forbidden)');
  });

  test('has the code of the header and the message of the body if there are both', async () => {
    const error = await errorFor('{"code":"E42","message":"No"}', { 'Notifications-Error': 'forbidden' });
    expect(error).toMatchObject({ status: 403, code: 'forbidden', message: 'No' });
  });

  test('has the code of the body without a header', async () => {
    expect(await errorFor('{"code":"forbidden","message":"No"}')).toMatchObject({ code: 'forbidden', message: 'No' });
  });

  test.each(['null', '[]', '"text"', '{"code":1,"message":{}}', ''])('has no code for the body %j', async (body) => {
    const error = await errorFor(body);
    expect(error).toMatchObject({ status: 403, code: undefined, message: 'the server answered with status 403' });
  });

  test('has at most 500 characters of the message', async () => {
    const message = 'x'.repeat(MIB);
    expect((await errorFor(JSON.stringify({ message, code: message }))).message).toHaveLength(500);
  });
});

/** Writes as fast as the client reads, until the client closes the connection. */
function flood(response: ServerResponse, chunk: string): { sent: number } {
  const count = { sent: 0 };
  const write = (): void => {
    while (!response.destroyed && count.sent < 200 * MIB) {
      count.sent += chunk.length;
      if (!response.write(chunk)) {
        response.once('drain', write);
        return;
      }
    }
  };
  write();
  return count;
}

const CHUNK = 'x'.repeat(64 * 1024);

describe('an endless answer', () => {
  test.each([
    ['a page', 'poll', 'application/json', '{"notifications":["', CHUNK],
    ['a line of a stream', 'sse', 'text/event-stream', 'data: ', CHUNK],
    ['a block of a stream', 'sse', 'text/event-stream', '', `data: ${CHUNK}\n`],
    ['the name of an event', 'sse', 'text/event-stream', 'event: ', CHUNK],
  ] as const)('ends the feed: %s', async (_, transport, type, start, chunk) => {
    let [sent, isClosed] = [{ sent: 0 }, false];
    const url = await startServer((_request, response) => {
      response.on('close', () => (isClosed = true));
      response.writeHead(200, { 'Content-Type': type }).write(start);
      sent = flood(response, chunk);
    });
    const error = await within(errorOf(openFeed({ url, transport })), 'the error');
    expect(error).toMatchObject({ code: 'answer_too_large' });
    await until(() => isClosed);
    expect(sent.sent).toBeLessThan(64 * MIB);
  });

  test('accepts a long stream of small blocks', async () => {
    const url = await startServer((_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      for (let n = 1; n <= 600; n++) response.write(`data: {"n":${n},"text":"${CHUNK}"}\nid: c${n}\n\n`);
    });
    const seen: number[] = [];
    openFeed({ url, transport: 'sse' }).subscribe(({ n }) => seen.push(n));
    await until(() => seen.length === 600);
  });
});

describe.each([
  ['poll', 'application/json', (body: string) => body],
  ['sse', 'text/event-stream', (_: string, block: string) => block],
] as const)('a client by %s', (transport, type, choose) => {
  test.each([
    ['a cursor of 10 MB', page([{ n: 1 }], 'c'.repeat(10 * MIB)), `data: {"n":1}\nid: ${'c'.repeat(10 * MIB)}\n\n`],
    ['a cursor event without a cursor', page([], ''), 'event: cursor\ndata: {}\n\n'],
    ['a notification that is null', page([null], 'c9'), 'data: null\nid: c9\n\n'],
    ['a notification that is a string', page(['x'], 'c9'), 'data: "x"\nid: c9\n\n'],
    ['a gap that is null', page([], 'c9', null), 'event: gap\ndata: null\nid: c9\n\n'],
    ['a gap that is a string', page([], 'c9', 'expired'), 'event: gap\ndata: "expired"\nid: c9\n\n'],
    ['a gap without a reason', page([], 'c9', {}), 'event: gap\ndata: {}\nid: c9\n\n'],
  ])('rejects %s as malformed, closes the connection and keeps its cursor', async (_, body, block) => {
    const cursors: (string | null)[] = [];
    const gaps: unknown[] = [];
    let closed = 0;
    const url = await startServer((request, response) => {
      cursors.push(new URL(request.url ?? '', 'http://x').searchParams.get('cursor'));
      response.on('close', () => closed++);
      if (cursors.length > 1) return;
      response.writeHead(200, { 'Content-Type': type }).write(choose(body, block));
      if (transport === 'poll') response.end();
    });
    const seen: unknown[] = [];
    const feed = openFeed({ url, transport, cursor: 'c0', onGap: (gap) => void gaps.push(gap) });
    feed.subscribe((notification) => seen.push(notification));
    await until(() => cursors.length === 2 && closed === 1);
    expect(cursors).toEqual(['c0', 'c0']);
    expect([seen, gaps, feed.cursor]).toEqual([[], [], 'c0']);
  });

  test('closes an answer with a wrong content type', async () => {
    const device = new ManualDevice();
    let [opened, closed] = [0, 0];
    const url = await startServer((_, response) => {
      opened++;
      response.on('close', () => closed++);
      response.writeHead(200, { 'Content-Type': 'text/html' }).write('<html>');
    });
    openFeed(
      { url, transport },
      device.environment(runtime.fetch, () => 0),
    ).subscribe(() => undefined);
    await until(() => opened === 1);
    await until(async () => {
      await device.clock.advance(1_000);
      return closed >= 1;
    });
  });
});

function page(notifications: readonly unknown[], cursor: string, gap?: unknown): string {
  return JSON.stringify({ notifications, cursor, more: false, gap });
}

describe('a server that answers each poll at once', () => {
  const requestsIn = async (minutes: number, body: (n: number) => object): Promise<number> => {
    const device = new ManualDevice();
    let requests = 0;
    const fetch = async () => {
      requests++;
      return Response.json(body(requests));
    };
    const feed = openFeed(
      { url: 'http://feed/', transport: 'poll' },
      device.environment(fetch, () => 1),
    );
    feed.subscribe(() => undefined);
    await device.clock.advance(60_000 * minutes);
    return requests;
  };

  test.each([
    ['with an empty page', (n: number) => ({ notifications: [], cursor: `c${n}`, more: false })],
    ['with an empty page that says there is more', (n: number) => ({ notifications: [], cursor: `c${n}`, more: true })],
  ])('%s gets fewer and fewer requests', async (_, body) => {
    // After the pauses have grown, a client sends two requests in half a minute.
    expect(await requestsIn(10, body)).toBeLessThan(60);
  });
});
