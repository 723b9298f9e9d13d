import { describe, expect, test } from '@jest/globals';
import { forEachAdapter } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { request } from '../support/http/connection.js';

const APP = 'https://app.example';
const EVIL = 'https://evil.example';
const STREAM = { Accept: 'text/event-stream' };

forEachAdapter((adapter) => {
  let asked = 0;
  const access = {
    subscriber: () => {
      asked++;
      return 'ann';
    },
    read: 'public' as const,
    publish: 'public' as const,
  };
  const start = (origins?: readonly string[]): Promise<TestApp> =>
    startApp(adapter, { notifications: { access, tickets: {}, ...(origins && { origins }) } });

  /** The statuses of a poll, a publish and a ticket with these headers. */
  async function statuses(app: TestApp, headers: Record<string, string>): Promise<number[]> {
    const json = { ...headers, 'Content-Type': 'application/json' };
    const answers = [
      await request(app, { path: '/notifications?topic=a&wait=0', headers }),
      await request(app, {
        method: 'POST',
        path: '/notifications',
        headers: json,
        body: JSON.stringify({ topic: 'a', type: 't' }),
      }),
      await request(app, {
        method: 'POST',
        path: '/notifications/tickets',
        headers: json,
        body: JSON.stringify({ topics: ['a'] }),
      }),
    ];
    return answers.map(({ status }) => status);
  }

  describe('with a list of origins', () => {
    test.each<[what: string, headers: Record<string, string>]>([
      ['another origin', { Origin: EVIL }],
      ['another origin, with the browser’s Sec-Fetch-Site header', { Origin: EVIL, 'Sec-Fetch-Site': 'cross-site' }],
      ['another origin of the same site', { Origin: 'https://other.app.example', 'Sec-Fetch-Site': 'same-site' }],
      ['an image of another site, which sends no Origin', { 'Sec-Fetch-Site': 'cross-site' }],
      ['a sandboxed page', { Origin: 'null' }],
      ['an origin that begins with an allowed origin', { Origin: `${APP}.evil.example` }],
      ['the same host by another scheme', { Origin: 'http://app.example' }],
      [
        'the host of the server with Sec-Fetch-Site: cross-site',
        { Origin: 'http://HOST', 'Sec-Fetch-Site': 'cross-site' },
      ],
    ])('refuses %s, before any rule is called', async (_, given) => {
      const app = await start([APP]);
      const headers = Object.fromEntries(
        Object.entries(given).map(([name, value]) => [name, value.replace('HOST', `127.0.0.1:${app.port}`)]),
      );
      asked = 0;
      expect(await statuses(app, headers)).toEqual([403, 403, 403]);
      const stream = await request(app, { path: '/notifications?topic=a', headers: { ...STREAM, ...headers } });
      expect([stream.status, stream.json.code]).toEqual([403, 'origin_forbidden']);
      expect(asked).toBe(0);
    });

    test.each<[what: string, headers: Record<string, string>]>([
      ['a listed origin', { Origin: APP, 'Sec-Fetch-Site': 'cross-site' }],
      ['its own origin', { 'Sec-Fetch-Site': 'same-origin' }],
      ['its own origin, from a browser without Sec-Fetch-Site', { Origin: 'http://HOST' }],
      ['a URL that the user has opened', { 'Sec-Fetch-Site': 'none' }],
      ['a client that is no browser', {}],
    ])('accepts %s', async (_, given) => {
      const app = await start([APP]);
      const headers = Object.fromEntries(
        Object.entries(given).map(([name, value]) => [name, value.replace('HOST', `127.0.0.1:${app.port}`)]),
      );
      expect(await statuses(app, { ...headers, Host: `127.0.0.1:${app.port}` })).toEqual([200, 201, 201]);
    });
  });

  test('without a list every origin is accepted', async () => {
    expect(await statuses(await start(), { Origin: EVIL, 'Sec-Fetch-Site': 'cross-site' })).toEqual([200, 201, 201]);
  });

  test.each([[['https://app.example/']], [['app.example']], [['*']], ['https://app.example'], [[5]]])(
    'a wrong list is rejected at the start: %j',
    async (origins) => {
      const error = await startApp(adapter, { notifications: { origins: origins as string[] } }).then(String, String);
      expect(error).toMatch(/option origins/);
    },
  );
});
