import { describe, expect, test } from '@jest/globals';
import type { Request, Response } from 'express';
import { AppModule as ExampleModule } from '../../examples/page.js';
import { startServer } from '../client/servers.js';
import { express } from '../support/http/adapters.js';
import { startApp } from '../support/http/app.js';
import { publish, upTo } from '../support/http/feed.js';
import { until } from '../support/time/until.js';
import { serve, Tab } from './client-page.js';
import { inChromium } from './in-chromium.js';

/** The browser's own messages about cut connections. */
const CUT = /ERR_(INTERNET_DISCONNECTED|CONNECTION_|EMPTY_RESPONSE|INCOMPLETE)/;

inChromium('the client, as the module serves it,', (browser) => {
  describe.each(['poll', 'sse'])('by %s', (transport) => {
    test('is live under a policy without exceptions, and frees everything when its page is left', async () => {
      const app = await serve();
      const tab = await Tab.open(browser, app, `/page?transport=${transport}`);
      await tab.isLive();
      await until(() => app.counts().waiters === 1);
      await publish(app, 'orders', 20);
      await tab.sees(20);
      expect(await tab.seen()).toEqual(upTo(20));
      await tab.page.goto('about:blank');
      await until(() => app.counts().waiters === 0);
    });

    test('continues from its position after the device was offline, and after cut connections', async () => {
      const app = await serve();
      const tab = await Tab.open(browser, app, `/page?transport=${transport}`);
      await until(() => app.counts().waiters === 1);
      await publish(app, 'orders', 2);
      await tab.sees(2);
      await tab.page.context().setOffline(true);
      await until(async () => (await tab.states()).at(-1)?.startsWith('offline') === true);
      await publish(app, 'orders', 3, 3);
      await tab.page.context().setOffline(false);
      await tab.sees(5);
      for (const socket of app.sockets) socket.destroy();
      await publish(app, 'orders', 3, 6);
      await tab.sees(8);
      expect(await tab.seen()).toEqual(upTo(8));
      browser.expectComplaints(CUT);
    });

    test('sends cookies to another origin that allows it', async () => {
      const pages = await serve();
      const origin = `http://127.0.0.1:${pages.port}`;
      const subscriber = ({ request }: { request: Request }) => /user=(\w+)/.exec(request.headers.cookie ?? '')?.[1];
      const read = ({ subscriber: user }: { subscriber: string | undefined }) => user === 'ann';
      const feed = await serve({
        notifications: { access: { subscriber, read } },
        configure: (nest) => {
          nest.enableCors({ origin, credentials: true });
        },
      });
      const url = `http://127.0.0.1:${feed.port}`;
      const context = await browser.newContext();
      await context.addCookies([{ name: 'user', value: 'ann', url }]);
      await publish(feed, 'orders', 3);
      const query = `transport=${transport}&cursor=earliest&url=${encodeURIComponent(`${url}/notifications`)}`;
      const tab = await Tab.open(context, pages, `/page?${query}`);
      await tab.sees(3);
      expect(await tab.seen()).toEqual([1, 2, 3]);
    });
  });

  test.each(['poll', 'sse'])(
    'by %s, rejects a redirect to another origin and sends nothing there',
    async (transport) => {
      const received: string[] = [];
      const other = await startServer(({ method, headers }, response) => {
        received.push(`${method} ${String(headers['x-api-key'])}`);
        const allow = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': '*' };
        response
          .writeHead(200, { 'Content-Type': 'application/json', ...allow })
          .end('{"notifications":[],"cursor":"c"}');
      });
      const app = await serve({
        configure: (nest) => {
          nest.use('/moved', (_: Request, response: Response) => {
            response.redirect(307, `${other}/feed`);
          });
        },
      });
      const tab = await Tab.open(browser, app, `/page?url=/moved&key=secret&transport=${transport}`);
      await until(async () => (await tab.states()).some((state) => state.includes('FeedError: /moved redirects')));
      expect(received).toEqual([]);
    },
  );

  test('works in the page of the example', async () => {
    const app = await startApp(express, { imports: [ExampleModule] });
    const { page } = await Tab.open(browser, app, '/');
    await until(() => app.counts().waiters === 1);
    await app.service.publish('orders', { type: 'order.shipped', data: { id: '42' } });
    await page.getByText('42').waitFor();
    // It has no icon.
    browser.expectComplaints(/favicon|404/);
  });

  test('uses a stream if one opens', async () => {
    const app = await serve();
    const tab = await Tab.open(browser, app, '/page');
    await tab.isLive();
    expect(await tab.states()).toEqual(['live sse']);
    expect(app.counts().waiters).toBe(1);
  });
});
