import { afterEach, describe, expect, test } from '@jest/globals';
import { endTest } from '../support/http/cleanup.js';
import { until, within } from '../support/time/until.js';
import { ManualDevice } from './manual-device.js';
import { openFeed, startServer } from './servers.js';

afterEach(endTest);

const PAGE = { notifications: [{ n: 2 }, { n: 1 }], cursor: 'older', more: true, follow: 'newer', trimmed: false };

/** A server that answers each request with the next answer. */
async function answering(...answers: readonly { status?: number; body: unknown; headers?: Record<string, string> }[]) {
  const requests: { url: string; authorization: string | undefined }[] = [];
  const origin = await startServer(({ url = '', headers }, response) => {
    const { status = 200, body, headers: own } = answers[Math.min(requests.length, answers.length - 1)]!;
    requests.push({ url, authorization: headers.authorization });
    response.writeHead(status, { 'Content-Type': 'application/json', ...own });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  return { url: `${origin}/notifications`, requests };
}

describe('feed.history', () => {
  test('reads the newest page, and older ones from its cursor', async () => {
    const { url, requests } = await answering({ body: PAGE });
    const feed = openFeed({ url, topics: ['a', 'b'], limit: 20 });
    const page = await feed.history();
    expect(page).toEqual(PAGE);
    await feed.history({ before: page.cursor, limit: 5 });
    expect(requests.map((request) => request.url)).toEqual([
      '/notifications?topic=a&topic=b&before=latest&limit=20',
      '/notifications?topic=a&topic=b&before=older&limit=5',
    ]);
  });

  test('gives a new feed its position: it begins right after the newest page', async () => {
    const { url, requests } = await answering(
      { body: PAGE },
      { body: { ...PAGE, follow: 'of an older page' } },
      { body: { notifications: [{ n: 3 }], cursor: 'next', more: false } },
    );
    const feed = openFeed({ url, topics: ['a'], transport: 'poll' });
    await feed.history();
    await feed.history({ before: 'older' });
    expect(feed.cursor).toBe('newer');
    const received: number[] = [];
    feed.subscribe(({ n }) => received.push(n));
    await until(() => received.length > 0);
    expect(requests[2]?.url).toBe('/notifications?topic=a&cursor=newer&wait=0');
    expect(received[0]).toBe(3);
  });

  test.each([
    ['a cursor', { cursor: 'earliest' }],
    ['a store', { store: { load: () => 'stored', save: () => undefined } }],
  ])('leaves the position to %s', async (_, options) => {
    const { url } = await answering({ body: PAGE });
    const feed = openFeed({ url, ...options });
    await feed.history();
    expect(feed.cursor).toBeUndefined();
  });

  test('asks for new credentials once', async () => {
    const { url, requests } = await answering({ status: 401, body: {} }, { body: PAGE });
    const feed = openFeed({ url, auth: ({ refused }) => (refused ? 'new' : 'old') });
    expect(await feed.history()).toEqual(PAGE);
    expect(requests.map(({ authorization }) => authorization)).toEqual(['Bearer old', 'Bearer new']);
  });

  test.each([
    ['forbidden', { status: 403, body: { code: 'forbidden' } }],
    ['busy', { status: 503, body: {} }],
    ['server', { status: 500, body: {} }],
    ['malformed', { body: '{' }],
    ['malformed', { body: { notifications: [], cursor: 'c' } }],
  ])('rejects with the code %s, and does not end the feed', async (code, answer) => {
    const { url } = await answering(answer);
    const feed = openFeed({ url });
    await expect(feed.history()).rejects.toMatchObject({ name: 'FeedError', code });
    expect(feed.state.phase).not.toBe('closed');
  });

  test('rejects with the code auth if the credentials cannot be fetched', async () => {
    const { url } = await answering({ body: PAGE });
    const feed = openFeed({ url, auth: () => Promise.reject(new Error('offline')) });
    await expect(feed.history()).rejects.toMatchObject({ code: 'auth' });
  });

  test('rejects after ten seconds without an answer', async () => {
    const device = new ManualDevice();
    let asked = false;
    const url = await startServer(() => (asked = true));
    const page = openFeed(
      { url },
      device.environment(globalThis.fetch, () => 0),
    ).history();
    page.catch(() => undefined);
    await until(() => asked);
    await device.clock.advance(10_000);
    await expect(within(page, 'the error')).rejects.toMatchObject({ code: 'network' });
  });

  test('rejects when the feed is closed, before or during the request', async () => {
    let asked = false;
    const url = await startServer(() => (asked = true));
    const feed = openFeed({ url });
    const page = feed.history();
    page.catch(() => undefined);
    await until(() => asked);
    feed.close();
    await expect(within(page, 'the error')).rejects.toMatchObject({ code: 'network' });
    await expect(feed.history()).rejects.toMatchObject({ code: 'closed' });
  });
});
