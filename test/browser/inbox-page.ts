import type { NextFunction, Request, Response } from 'express';
import { getNotificationsToken, NotificationsModule, type NotificationsService } from 'nest-notifications';
import { InboxModule, type InboxOptions, InboxService } from 'nest-notifications/inbox';
import type { Locator, Page } from 'playwright-core';
import { express } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { until } from '../support/time/until.js';
import type { TestBrowser } from './in-chromium.js';

/** The strictest policy under which a page can use the element. */
const POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'";

/** An application with inboxes, and a page per path of `pages`. */
export interface InboxApp {
  readonly app: TestApp;
  readonly inbox: InboxService;
  readonly url: string;
  /** Polls and streams of the inbox. */
  waiters(): number;
  /** Sends items with the titles `item 1`, `item 2`, … */
  send(from: number, to?: number): Promise<void>;
}

export interface InboxAppOptions {
  /** The body of the page. Default: the element. */
  readonly body?: string;
  /** A module that the page loads after the element. */
  readonly script?: string;
  readonly html?: string;
  readonly options?: Partial<InboxOptions>;
}

const ELEMENT = '<notification-inbox url="/inbox"></notification-inbox>';

/** Starts an application whose pages show the inbox of ann. The page of each path is the same. */
export async function serveInbox({
  body = ELEMENT,
  script = '',
  html = 'lang="en"',
  options,
}: InboxAppOptions = {}): Promise<InboxApp> {
  const page = `<!doctype html><html ${html}><meta name="viewport" content="width=device-width"><title>Inbox</title>
<script type="module" src="/inbox/client/inbox-element.js"></script><script type="module" src="/page.js"></script>
<body><main><h1>Page</h1>${body}<button>after</button></main></body></html>`;
  const inboxModule = InboxModule.forRoot({ access: { subscriber: () => 'ann' }, serveClient: true, ...options });
  const app = await startApp(express, {
    imports: [NotificationsModule.forRoot({ access: 'public' }), inboxModule],
    configure: (nest) => {
      nest.use(({ path }: Request, response: Response, next: NextFunction) => {
        response.setHeader('Content-Security-Policy', POLICY);
        if (path === '/page.js') response.type('js').send(script);
        else if (path === '/favicon.ico') response.status(204).end();
        else if (path.startsWith('/inbox')) next();
        else response.send(page);
      });
    },
  });
  const inbox = app.nest.get(InboxService, { strict: false });
  const feed = app.nest.get<NotificationsService>(getNotificationsToken('inbox'), { strict: false });
  return {
    app,
    inbox,
    url: `http://127.0.0.1:${app.port}`,
    waiters: () => feed.counts().waiters,
    send: async (from, to = from) => {
      for (let n = from; n <= to; n++) {
        await inbox.send('ann', { id: `i${n}`, type: 'comment', data: { title: `item ${n}` } });
      }
    },
  };
}

interface Look {
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: 'light' | 'dark';
  readonly reducedMotion?: 'reduce' | 'no-preference';
  readonly forcedColors?: 'active' | 'none';
}

/** A page with the element, in the words of its tests. */
export class InboxPage {
  readonly page: Page;

  private constructor(page: Page) {
    this.page = page;
  }

  /** Opens the page that the tests share, or a given one. Resolves when the bell is live. */
  static async open(owner: TestBrowser | Page, app: InboxApp, look: Look = {}): Promise<InboxPage> {
    const inbox = await InboxPage.openAny(owner, app, look);
    // `waitForFunction` uses `eval`, which the policy of the page forbids.
    const status = `document.querySelector('notification-inbox')?.inbox?.status`;
    await until(async () => (await inbox.page.evaluate(status)) === 'live');
    return inbox;
  }

  /** Resolves when the page is loaded. */
  static async openAny(owner: TestBrowser | Page, { url }: InboxApp, look: Look = {}): Promise<InboxPage> {
    const { width = 800, height = 700, ...media } = look;
    const page = 'goto' in owner ? owner : await owner.page();
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce', forcedColors: 'none', ...media });
    await page.goto(url);
    return new InboxPage(page);
  }

  get element(): Locator {
    return this.page.locator('notification-inbox');
  }

  get bell(): Locator {
    return this.page.getByRole('button', { name: /^Notifications/ });
  }

  get badge(): Locator {
    return this.element.locator('[part=badge]');
  }

  get panel(): Locator {
    return this.page.getByRole('dialog', { name: 'Notifications' });
  }

  get items(): Locator {
    return this.panel.locator('li');
  }

  item(title: string): Locator {
    return this.items.filter({ hasText: title });
  }

  button(name: string | RegExp): Locator {
    return this.panel.getByRole('button', { name, exact: true });
  }

  async openPanel(): Promise<void> {
    await this.bell.click();
    await this.panel.waitFor();
  }

  /** The texts of the titles, in their order. */
  titles(): Promise<string[]> {
    return this.panel.locator('[part=item-title]').allTextContents();
  }

  /** The text of the focused element, in the shadow root too. */
  focused(): Promise<string> {
    return this.page.evaluate(`(() => {
      const outer = document.activeElement;
      const inner = outer?.shadowRoot?.activeElement ?? outer;
      return inner?.getAttribute('aria-label') ?? inner?.textContent ?? '';
    })()`);
  }
}
