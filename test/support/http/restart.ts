import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqliteStore } from 'nest-notifications/stores/sqlite';
import type { AppOptions, TestApp } from './app.js';
import { atTestEnd } from './cleanup.js';
import { WITH_FETCH } from './event-source.js';
import { freePort } from '../free-port.js';

/** An application that can restart on the same port with the same log. */
export class Server {
  readonly #start: (options: AppOptions) => Promise<TestApp>;
  readonly #path: string;
  #app: TestApp | undefined;

  private constructor(start: (options: AppOptions) => Promise<TestApp>, path: string) {
    this.#start = start;
    this.#path = path;
  }

  static async start(start: (options: AppOptions) => Promise<TestApp>): Promise<Server> {
    const folder = mkdtempSync(join(tmpdir(), 'nest-notifications-restart-'));
    atTestEnd(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    const server = new Server(start, join(folder, 'log.sqlite'));
    await server.#run(await freePort());
    return server;
  }

  get app(): TestApp {
    return this.#app!;
  }

  /** Clients lose their connections, cannot connect for a moment, and then reconnect. */
  async restart(): Promise<void> {
    const { port } = this.app;
    await this.app.close();
    await this.#run(port);
  }

  async #run(port: number): Promise<void> {
    this.#app = await this.#start({
      port,
      nest: WITH_FETCH,
      notifications: { access: 'public', store: sqliteStore({ path: this.#path }), stream: { retryMs: 50 } },
    });
  }
}
