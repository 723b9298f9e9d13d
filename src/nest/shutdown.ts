import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Runtime } from './runtime.js';
import { RUNTIME } from './tokens.js';

/**
 * `app.close()` in steps: readiness goes first; while connections are still served, every waiter is answered and newcomers are refused; when
 * the server has stopped, the store is closed.
 */
@Injectable()
export class NotificationsShutdown implements BeforeApplicationShutdown, OnApplicationShutdown {
  readonly #runtime: Runtime;

  constructor(@Inject(RUNTIME) runtime: Runtime) {
    this.#runtime = runtime;
  }

  async beforeApplicationShutdown(): Promise<void> {
    const { feed, closing } = this.#runtime;
    this.#runtime.leaving = true;
    await this.#delay();
    await feed.drain();
    await closing.settled();
  }

  /** Readiness is told first, so that nobody is sent here any more by the time newcomers are refused. */
  async #delay(): Promise<void> {
    const { clock, settings } = this.#runtime;
    const { delayMs } = settings.shutdown;
    if (delayMs > 0) await new Promise<void>((resolve) => clock.setTimeout(resolve, delayMs));
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#runtime.feed.close();
    await this.#runtime.store.close();
  }
}
