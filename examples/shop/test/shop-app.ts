import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { getNotificationsStoreToken, memoryStore, type Notification } from 'nest-notifications';
import type { InboxEvent, InboxPage } from 'nest-notifications/inbox';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppModule } from '../server/app.module.js';
import { Config } from '../server/config/config.js';

/** The shop on a free port, with an empty database. */
export class ShopApp {
  readonly folder: string;
  readonly #keepsFeed: boolean;
  #app: INestApplication | undefined;

  /** @param options - `keepsFeed`: a restart keeps the feed of orders. Default: it is in memory. */
  constructor({ keepsFeed = false } = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'shop-test-'));
    this.#keepsFeed = keepsFeed;
  }

  get app(): INestApplication {
    if (!this.#app) throw new Error('the shop is not running');
    return this.#app;
  }

  async start(): Promise<this> {
    const config = new Config({ DATA_FOLDER: this.folder, PORT: '0', DELIVERY_SECONDS: '0' });
    const testing = Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(Config)
      .useValue(config);
    // The application keeps its access rules and schemas. Only its log is replaced.
    if (!this.#keepsFeed) testing.overrideProvider(getNotificationsStoreToken()).useValue(memoryStore());
    const module = await testing.compile();
    this.#app = module.createNestApplication({ forceCloseConnections: true });
    await this.#app.listen(0, '127.0.0.1');
    return this;
  }

  async stop(): Promise<void> {
    await this.#app?.close();
    this.#app = undefined;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true });
  }

  /** Returns a caller with the session of this user. */
  async signIn(user: string): Promise<Caller> {
    const response = await new Caller(this.app).send('POST', '/api/session', { user, password: 'demo' });
    const [cookie = ''] = response.headers.getSetCookie();
    return new Caller(this.app, cookie.split(';')[0]);
  }
}

/** Sends requests with the cookie of one user. */
export class Caller {
  readonly #app: INestApplication;
  readonly #cookie: string | undefined;

  constructor(app: INestApplication, cookie?: string) {
    this.#app = app;
    this.#cookie = cookie;
  }

  async send(method: string, path: string, body?: unknown): Promise<Response> {
    const headers = {
      'Content-Type': 'application/json',
      ...(this.#cookie === undefined ? {} : { Cookie: this.#cookie }),
    };
    return fetch(`${await this.#app.getUrl()}${path}`, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
    });
  }

  /** Returns the status and the JSON of the answer. */
  async ask(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const response = await this.send(method, path, body);
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
  }

  /** Returns the type and the data of all notifications that the caller can read. */
  async notifications(topic = ''): Promise<unknown[]> {
    const { body } = await this.ask('GET', `/notifications?cursor=earliest&wait=0${topic && `&topic=${topic}`}`);
    const { notifications } = body as { notifications: Notification[] };
    return notifications.map(({ type, data }) => [type, data]);
  }

  /**
   * Returns the caller's inbox as soon as it has this number of items. Throws if no item arrives
   * for ten seconds.
   */
  async inbox(count: number): Promise<InboxPage> {
    for (;;) {
      const page = (await this.ask('GET', '/inbox')).body as InboxPage;
      if (page.items.length >= count) return page;
      const { body } = await this.ask('GET', `/inbox?cursor=${encodeURIComponent(page.follow)}&wait=10`);
      const { items } = body as InboxEvent;
      if (items.length === 0) throw new Error(`the inbox has ${page.items.length} items, but not ${count}`);
    }
  }
}
