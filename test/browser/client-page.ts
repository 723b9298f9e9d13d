import type { NextFunction, Request, Response } from 'express';
import type { BrowserContext, Page } from 'playwright-core';
import { express } from '../support/http/adapters.js';
import { type AppOptions, startApp, type TestApp } from '../support/http/app.js';
import type { TestBrowser } from './in-chromium.js';

/**
 * A page without a bundler: it loads the client from the module, and records results for a test.
 */
const SCRIPT = `
import { connect } from '/notifications/client.js';
import { betweenTabs } from '/notifications/client/tabs.js';
const query = new URLSearchParams(location.search);
window.seen = [];
window.states = [];
window.feed = connect({
  url: query.get('url') ?? '/notifications',
  topics: ['orders'],
  cursor: query.get('cursor') ?? 'latest',
  transport: query.get('transport') ?? 'auto',
  credentials: 'include',
  ...(query.has('share') && { share: betweenTabs(query.get('share')) }),
  ...(query.has('key') && { headers: { 'X-Api-Key': query.get('key') } }),
});
feed.onState(({ phase, transport }) => states.push(phase + ' ' + transport));
feed.subscribe({ next: ({ data }) => seen.push(data.n), error: (error) => states.push(String(error)) });
`;

/** A strict policy: no inline scripts, no `eval`, and no markup from strings. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  'connect-src *',
  "img-src 'self'",
  "base-uri 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

interface Window {
  readonly seen: number[];
  readonly states: string[];
}

/** Starts an application that serves the client and a page per script: `/page` for `/page.js`. */
export async function serve(
  { notifications = { access: 'public' }, configure, ...options }: AppOptions = {},
  scripts: ReadonlyMap<string, string> = new Map(),
): Promise<TestApp> {
  const files = new Map([['/page.js', SCRIPT], ...scripts]);
  return startApp(express, {
    ...options,
    notifications: { serveClient: true, ...notifications },
    configure: async (nest) => {
      await configure?.(nest);
      nest.use(({ path }: Request, response: Response, next: NextFunction) => {
        response.setHeader('Content-Security-Policy', POLICY);
        const script = files.get(path);
        if (script !== undefined) response.type('js').send(script);
        else if (path === '/favicon.ico') response.status(204).end();
        else if (files.has(`${path}.js`)) {
          response.send(`<!doctype html><div id="root"></div><script type="module" src="${path}.js"></script>`);
        } else next();
      });
    },
  });
}

/** A tab of a browser that shows the page of a script. */
export class Tab {
  readonly page: Page;

  private constructor(page: Page) {
    this.page = page;
  }

  /** In a context a new tab; in the browser the page that its tests share. */
  static async open(owner: TestBrowser | BrowserContext, app: TestApp, path: string): Promise<Tab> {
    const tab = new Tab(await ('newPage' in owner ? owner.newPage() : owner.page()));
    await tab.page.goto(`http://127.0.0.1:${app.port}${path}`);
    return tab;
  }

  /** The numbers that the feed has delivered, in order. */
  seen(): Promise<number[]> {
    return this.page.evaluate(() => (globalThis as unknown as Window).seen);
  }

  /** The phase and transport of each state, in order. */
  states(): Promise<string[]> {
    return this.page.evaluate(() => (globalThis as unknown as Window).states);
  }

  async sees(count: number): Promise<void> {
    await this.page.waitForFunction((least) => (globalThis as unknown as Window).seen.length >= least, count);
  }

  async isLive(): Promise<void> {
    const isLive = () => (globalThis as unknown as Window).states.some((state) => state.startsWith('live'));
    await this.page.waitForFunction(isLive);
  }
}
