import { afterEach, describe, expect, test } from '@jest/globals';
import type { IncomingHttpHeaders } from 'node:http';
import { type runtime } from '../../src/client/environment.js';
import { endTest } from '../support/http/cleanup.js';
import { within } from '../support/time/until.js';
import { errorOf, openFeed, startServer } from './servers.js';

afterEach(endTest);

const FORGED = JSON.stringify({ notifications: [{ id: '1', n: 1 }], cursor: 'forged', more: false });

/** A server that records the requests that reach it and answers each with a forged page. */
async function startTarget() {
  const received: IncomingHttpHeaders[] = [];
  const origin = await startServer(({ headers }, response) => {
    received.push(headers);
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(FORGED);
  });
  return { origin, received };
}

const SECRETS = { headers: { 'X-Api-Key': 'secret' }, auth: () => 'token' };

describe.each(['poll', 'sse'] as const)('a client by %s', (transport) => {
  test.each([301, 302, 303, 307, 308])(
    'rejects a redirect (%i) to another origin and sends nothing there',
    async (status) => {
      const target = await startTarget();
      const origin = await startServer((_, response) => {
        response.writeHead(status, { Location: `${target.origin}/feed` }).end();
      });
      const feed = openFeed({ url: `${origin}/feed?ticket=secret`, transport, ...SECRETS });
      const error = await within(errorOf(feed), 'the error');
      expect(error).toMatchObject({ name: 'FeedError', code: 'redirected', status });
      expect(error.message).toContain(`${origin}/feed redirects`);
      expect(error.message).not.toContain('secret');
      expect(target.received).toEqual([]);
      expect(feed.cursor).toBeUndefined();
    },
  );

  test('rejects a redirect within its origin', async () => {
    const paths: (string | undefined)[] = [];
    const origin = await startServer(({ url }, response) => {
      paths.push(url?.split('?')[0]);
      response.writeHead(308, { Location: '/feed' }).end();
    });
    const feed = openFeed({ url: `${origin}/feed/`, transport });
    expect(await within(errorOf(feed), 'the error')).toMatchObject({ code: 'redirected' });
    expect(paths).toEqual(['/feed/']);
  });
});

describe('a client whose runtime always follows redirects', () => {
  /** In React Native the response has the final URL, and no `redirected`. */
  const fetchFrom = (finalUrl: string, redirected?: boolean) => async () => ({
    status: 200,
    url: finalUrl,
    redirected,
    headers: new Headers(),
    json: async () => JSON.parse(FORGED) as unknown,
  });

  test.each([
    ['the final address is on another host', 'https://evil.example/feed', undefined],
    ['the final address has another port', 'https://api.example:8443/feed', undefined],
    ['the final address has another scheme', 'http://api.example/feed', undefined],
    ['the response has `redirected`', 'https://api.example/feed', true],
  ])('rejects the page when %s', async (_, url, redirected) => {
    const fetch = fetchFrom(url, redirected) as unknown as typeof runtime.fetch;
    const feed = openFeed({ url: 'https://api.example/feed', transport: 'poll' }, { fetch });
    expect(await within(errorOf(feed), 'the error')).toMatchObject({ code: 'redirected' });
  });

  test.each([
    ['https://api.example/feed?wait=0', 'https://API.example:443/feed'],
    ['', 'https://api.example/feed'],
    ['https://page.example/feed', '/feed'],
  ])('accepts the page of %j for %j', async (finalUrl, url) => {
    const fetch = fetchFrom(finalUrl) as unknown as typeof runtime.fetch;
    const feed = openFeed({ url, transport: 'poll' }, { fetch });
    const { value } = (await feed[Symbol.asyncIterator]().next()) as { value: unknown };
    expect(value).toMatchObject({ n: 1 });
  });
});
