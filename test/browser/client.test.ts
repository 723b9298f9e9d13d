import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import type { NextFunction, Request, Response } from 'express';
import type { NotificationsOptions } from 'nest-notifications';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { express } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { endTest } from '../support/http/cleanup.js';
import { publish, upTo } from '../support/http/feed.js';
import { until } from '../support/http/until.js';
import { CHROMIUM_ARGS, chromiumPath } from './chromium.js';

/** What runs in the page: the client as it is published, and what a test looks at. */
const PAGE = `
import { connect } from 'nest-notifications/client';
const query = new URLSearchParams(location.search);
window.seen = [];
window.states = [];
window.feed = connect({
  url: query.get('url') ?? '/notifications',
  topics: ['orders'],
  cursor: query.get('cursor') ?? 'latest',
  transport: query.get('transport') ?? 'auto',
  credentials: 'include',
  ...(query.has('share') && { share: query.get('share') }),
});
feed.onState(({ phase, transport }) => states.push(phase + ' ' + transport));
feed.subscribe({ next: ({ data }) => seen.push(data.n), error: (error) => states.push(String(error)) });
`;

const REACT_PAGE = `
import { createElement, StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { useNotifications } from 'nest-notifications/react';
function Orders() {
  const { notifications, state } = useNotifications({ url: '/notifications', topics: ['orders'], cursor: 'earliest', keep: 3 });
  return createElement('p', { id: 'orders' }, state.phase + ': ' + notifications.map(({ data }) => data.n).join());
}
function App() {
  const [isShown, show] = useState(true);
  return createElement('div', null, isShown && createElement(Orders), createElement('button', { onClick: () => show(false) }, 'leave'));
}
createRoot(document.getElementById('root')).render(createElement(StrictMode, null, createElement(App)));
`;

interface Window {
  readonly seen: number[];
  readonly states: string[];
}

const source = (path: string): string => fileURLToPath(new URL(`../../src/${path}`, import.meta.url));

async function bundle(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    alias: {
      'nest-notifications/client': source('client/index.ts'),
      'nest-notifications/react': source('client/react.ts'),
    },
    define: { 'process.env.NODE_ENV': '"development"' },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}

(chromiumPath || process.env.CI === 'true' ? describe : describe.skip)('the client in Chromium', () => {
  const scripts = new Map<string, string>();
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath ?? 'chromium', args: CHROMIUM_ARGS });
    scripts.set('/page.js', await bundle(PAGE));
    scripts.set('/react.js', await bundle(REACT_PAGE));
  });

  afterAll(async () => {
    await browser.close();
  });

  afterEach(async () => {
    await context.close();
    await endTest();
    expect(complaints).toEqual([]);
  });

  /** An application that serves the page too, under a policy that allows nothing inline. */
  async function serve(notifications: NotificationsOptions = { access: 'public' }, origin?: string): Promise<TestApp> {
    const app = await startApp(express, {
      notifications,
      configure: (nest) => {
        if (origin !== undefined) nest.enableCors({ origin, credentials: true });
        nest.use((request: Request, response: Response, next: NextFunction) => {
          const script = scripts.get(request.path);
          response.setHeader(
            'Content-Security-Policy',
            "default-src 'none'; script-src 'self'; connect-src *; img-src 'self'",
          );
          if (script !== undefined) response.type('js').send(script);
          else if (request.path === '/favicon.ico') response.status(204).end();
          else if (!request.path.startsWith('/page') && !request.path.startsWith('/react')) next();
          else
            response.send(
              `<!doctype html><div id="root"></div><script type="module" src="${request.path}.js"></script>`,
            );
        });
      },
    });
    complaints = [];
    context = await browser.newContext();
    page = await context.newPage();
    page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(String(error)));
    return app;
  }

  const open = (app: TestApp, query: string, path = '/page') =>
    page.goto(`http://127.0.0.1:${app.port}${path}?${query}`);
  const seen = () => page.evaluate(() => (globalThis as unknown as Window).seen);
  const states = () => page.evaluate(() => (globalThis as unknown as Window).states);
  const live = () => until(async () => (await states()).some((state) => state.startsWith('live')));
  const sees = (count: number) => until(async () => (await seen()).length >= count);

  describe.each(['poll', 'sse'])('by %s', (transport) => {
    test('is live, and leaves nothing behind when its page is left', async () => {
      const app = await serve();
      await open(app, `transport=${transport}`);
      await live();
      await until(() => app.counts().waiters === 1);
      await publish(app, 'orders', 20);
      await sees(20);
      expect(await seen()).toEqual(upTo(20));
      await page.goto('about:blank');
      await until(() => app.counts().waiters === 0);
    });

    test('goes on where it was when the network is back, and when connections are cut', async () => {
      const app = await serve();
      await open(app, `transport=${transport}`);
      await until(() => app.counts().waiters === 1);
      await publish(app, 'orders', 2);
      await sees(2);
      await context.setOffline(true);
      await until(async () => (await states()).at(-1)?.startsWith('offline') === true);
      await publish(app, 'orders', 3, 3);
      await context.setOffline(false);
      await sees(5);
      for (const socket of app.sockets) socket.destroy();
      await publish(app, 'orders', 3, 6);
      await sees(8);
      expect(await seen()).toEqual(upTo(8));
      // The browser itself says what it thinks of connections that are cut.
      complaints = complaints.filter(
        (text) => !/ERR_(INTERNET_DISCONNECTED|CONNECTION_|EMPTY_RESPONSE|INCOMPLETE)/.test(text),
      );
    });

    test('sends cookies to another origin that allows it', async () => {
      const page1 = await serve();
      const pageOrigin = `http://127.0.0.1:${page1.port}`;
      const subscriber = ({ request }: { request: Request }) => /user=(\w+)/.exec(request.headers.cookie ?? '')?.[1];
      const read = ({ subscriber: user }: { subscriber: string | undefined }) => user === 'ann';
      await context.close();
      const feed = await serve({ access: { subscriber, read } }, pageOrigin);
      await context.addCookies([{ name: 'user', value: 'ann', url: `http://127.0.0.1:${feed.port}` }]);
      await publish(feed, 'orders', 3);
      const url = encodeURIComponent(`http://127.0.0.1:${feed.port}/notifications`);
      await open(page1, `transport=${transport}&cursor=earliest&url=${url}`);
      await sees(3);
      expect(await seen()).toEqual([1, 2, 3]);
    });
  });

  test('takes a stream where it proves itself', async () => {
    const app = await serve();
    await open(app, '');
    await live();
    expect(await states()).toEqual(['live sse']);
    expect(app.counts().waiters).toBe(1);
  });

  describe('in ten tabs that share a feed', () => {
    const seenIn = (tab: Page) => tab.evaluate(() => (globalThis as unknown as Window).seen);
    const all = (tabs: readonly Page[], count: number) =>
      until(async () => (await Promise.all(tabs.map(seenIn))).every((numbers) => numbers.length >= count));

    async function openTabs(app: TestApp, count: number, query = ''): Promise<Page[]> {
      const tabs: Page[] = [];
      for (let index = 0; index < count; index++) {
        const tab = await context.newPage();
        await tab.goto(`http://127.0.0.1:${app.port}/page?share=orders${query}`);
        await until(() =>
          tab.evaluate(() => (globalThis as unknown as Window).states.some((state) => state.startsWith('live'))),
        );
        tabs.push(tab);
      }
      return tabs;
    }

    test.each(['poll', 'sse'])(
      'by %s, has one connection, and another tab takes over when the one that asks is closed',
      async (transport) => {
        const app = await serve();
        const tabs = await openTabs(app, 10, `&transport=${transport}`);
        expect(app.counts().waiters).toBe(1);
        await publish(app, 'orders', 5);
        await all(tabs, 5);
        for (let from = 6; tabs.length > 7; from += 5) {
          const leader = tabs.shift();
          const closing = leader?.close();
          await publish(app, 'orders', 3, from);
          await closing;
          const startMs = performance.now();
          await until(() => app.counts().waiters === 1);
          expect(performance.now() - startMs).toBeLessThan(1_000);
          await publish(app, 'orders', 2, from + 3);
          await all(tabs, from + 4);
        }
        for (const tab of tabs) expect(await seenIn(tab)).toEqual(upTo(20));
      },
    );

    test('lets one that comes with an old cursor catch up, and gives it nothing twice', async () => {
      const app = await serve();
      const [first] = await openTabs(app, 1);
      const cursor = app.service.cursor();
      await publish(app, 'orders', 5);
      const [late] = await openTabs(app, 1, `&cursor=${cursor}`);
      await all([late!], 5);
      await publish(app, 'orders', 5, 6);
      await all([first!, late!], 10);
      for (const tab of [first!, late!]) expect(await seenIn(tab)).toEqual(upTo(10));
      expect(app.counts().waiters).toBe(1);
    });
  });

  test('is a hook for React, which keeps the newest and leaves with its component', async () => {
    const app = await serve();
    await publish(app, 'orders', 5);
    await open(app, '', '/react');
    await page.getByText('live: 3,4,5').waitFor();
    await publish(app, 'orders', 1, 6);
    await page.getByText('live: 4,5,6').waitFor();
    await page.getByRole('button', { name: 'leave' }).click();
    await until(() => app.counts().waiters === 0);
    complaints = complaints.filter((text) => !text.includes('React DevTools'));
  });
});
