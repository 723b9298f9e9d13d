import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { isReading, type PublishRuntime } from '../context.js';
import { RUNTIME } from '../module/tokens.js';

/**
 * The steps of `app.close()`. First readiness goes down. While connections are still served, every waiter is answered and new
 * requests are rejected. When the server has stopped, the store is closed.
 */
@Injectable()
export class NotificationsShutdown implements BeforeApplicationShutdown, OnApplicationShutdown {
  readonly #runtime: PublishRuntime;

  constructor(@Inject(RUNTIME) runtime: PublishRuntime) {
    this.#runtime = runtime;
  }

  async beforeApplicationShutdown(): Promise<void> {
    const runtime = this.#runtime;
    runtime.leaving = true;
    await this.#delay();
    if (!isReading(runtime)) return;
    await runtime.feed.drain();
    await runtime.closing.settled();
  }

  /** Load balancers need this time to notice that the node is not ready. */
  async #delay(): Promise<void> {
    const { clock, settings } = this.#runtime;
    const { delayMs } = settings.shutdown;
    if (delayMs > 0) await new Promise<void>((resolve) => clock.setTimeout(resolve, delayMs));
  }

  async onApplicationShutdown(): Promise<void> {
    const runtime = this.#runtime;
    if (isReading(runtime)) runtime.unread.cutAll();
    await runtime.close();
  }
}
