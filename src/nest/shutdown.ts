import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Runtime } from './runtime.js';
import { RUNTIME } from './tokens.js';

/**
 * `app.close()` in two steps: while connections are still served, every waiter is answered and newcomers are refused; when
 * the server has stopped, the store is closed.
 */
@Injectable()
export class NotificationsShutdown implements BeforeApplicationShutdown, OnApplicationShutdown {
  readonly #runtime: Runtime;

  constructor(@Inject(RUNTIME) runtime: Runtime) {
    this.#runtime = runtime;
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#runtime.feed.drain();
    await this.#runtime.closing.settled();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#runtime.feed.close();
    await this.#runtime.store.close();
  }
}
