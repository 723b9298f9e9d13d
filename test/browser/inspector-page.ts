import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Locator, Page } from 'playwright-core';
import { PAGE_POLICY } from '../../src/inspector/page-policy.js';
import { atTestEnd } from '../support/http/cleanup.js';
import { pageFiles } from '../support/page-files.js';
import type { InspectorState } from '../../src/inspector/inspector-report.js';
import type { TestBrowser } from './in-chromium.js';
import { EXPIRED_STORY, inspectorState } from './inspector-reports.js';

interface Answer {
  readonly status?: number;
  readonly body: unknown;
}

/** Serves the page. A test sets the answers of its routes. */
export class InspectorServer {
  state: Answer = { body: inspectorState() };
  story: Answer = { body: EXPIRED_STORY };
  /** The queries of the route `explain`. */
  readonly asked: Record<string, string>[] = [];
  /** The feeds that the queries of the route `state` name. */
  readonly askedFeeds: (string | null)[] = [];
  readonly #files = pageFiles();
  #server: Server | undefined;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  static async start(): Promise<InspectorServer> {
    const server = new InspectorServer();
    await server.listen();
    atTestEnd(() => server.stop());
    return server;
  }

  show(...feeds: Parameters<typeof inspectorState>): void {
    this.state = { body: inspectorState(...feeds) };
  }

  /** Listens again on the same port. */
  async listen(): Promise<void> {
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }

  #answer({ url = '/' }: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(url, this.url);
    const { html, script, style } = this.#files;
    if (pathname === '/') send(response, 'text/html', html);
    else if (pathname === '/inspector.js') send(response, 'text/javascript', script);
    else if (pathname === '/inspector.css') send(response, 'text/css', style);
    else if (pathname === '/state') this.#answerState(response, searchParams.get('feed'));
    else {
      this.asked.push(Object.fromEntries(searchParams));
      sendJson(response, this.story);
    }
  }

  #answerState(response: ServerResponse, feed: string | null): void {
    this.askedFeeds.push(feed);
    const { feeds } = this.state.body as Partial<InspectorState>;
    const shown = feeds?.filter(({ name }) => name === feed);
    if (!feeds || feed === null) sendJson(response, this.state);
    else if (shown?.length) sendJson(response, { body: { ...(this.state.body as InspectorState), feeds: shown } });
    else sendJson(response, { status: 404, body: { code: 'feed_unknown', message: 'unknown', field: 'feed' } });
  }
}

function sendJson(response: ServerResponse, { status = 200, body }: Answer): void {
  send(response, 'application/json', typeof body === 'string' ? body : JSON.stringify(body), status);
}

function send(response: ServerResponse, type: string, text: string, status = 200): void {
  response.writeHead(status, { 'Content-Type': `${type}; charset=utf-8`, 'Content-Security-Policy': PAGE_POLICY });
  response.end(text);
}

interface Look {
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: 'light' | 'dark';
  readonly forcedColors?: 'active' | 'none';
  readonly hash?: string;
}

/** Helpers that open the page of the inspector and read it. */
export class InspectorTestPage {
  readonly page: Page;

  private constructor(page: Page) {
    this.page = page;
  }

  /** Resolves when the first report is shown. */
  static async open(browser: TestBrowser, url: string, look: Look = {}): Promise<InspectorTestPage> {
    const { width = 1280, height = 900, hash = '', ...media } = look;
    const page = await browser.page();
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce', forcedColors: 'none', ...media });
    await page.goto(`${url}${hash}`);
    const inspector = new InspectorTestPage(page);
    await inspector.connection('Live');
    return inspector;
  }

  /** Waits for the text of the pill. */
  async connection(text: string): Promise<void> {
    await this.page.locator('#connection', { hasText: text }).waitFor();
  }

  /** Asks now. The event `online` makes the page send a request at once. */
  async refresh(): Promise<void> {
    await this.page.evaluate(`dispatchEvent(new Event('online'))`);
  }

  /** The texts of the tiles by their names. */
  async tiles(): Promise<Record<string, string>> {
    const tiles = await this.page.locator('.tile').all();
    const texts = await Promise.all(tiles.map((tile) => tile.locator('dt, dd').allTextContents()));
    return Object.fromEntries(texts.map(([name = '', ...figures]) => [name, figures.join(' | ')]));
  }

  card(title: string): Locator {
    return this.page
      .locator('section.card')
      .filter({ has: this.page.getByRole('heading', { name: title, exact: true }) });
  }

  chart(title: string): Locator {
    return this.page.locator('figure').filter({ has: this.page.getByRole('heading', { name: title, exact: true }) });
  }

  /** The cells of the table in a card, row by row. */
  async rows(card: Locator): Promise<string[][]> {
    const rows = await card.locator('tbody tr').all();
    return Promise.all(rows.map((row) => row.locator('th, td').allTextContents()));
  }

  async explain(question: {
    readonly id?: string;
    readonly subscriber?: string;
    readonly topic?: string;
  }): Promise<void> {
    for (const [name, value] of Object.entries(question)) await this.page.locator(`#story-${name}`).fill(value);
    await this.page.getByRole('button', { name: 'Explain', exact: true }).click();
  }

  /** The pixels by which the page is wider than its window. */
  async overflow(): Promise<number> {
    const script = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    return this.page.evaluate(script);
  }
}
