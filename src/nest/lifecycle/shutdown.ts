import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationShutdown,
  Optional,
} from '@nestjs/common';
import { pause } from '../../core/pause.js';
import { isReading, type PublishContext } from '../context.js';
import { CONTEXT } from '../module/tokens.js';
import { UnusedConnections } from './unused-connections.js';

/**
 * The steps of `app.close()`. First the node reports that it is not ready. Then every waiter is
 * answered and new requests are rejected, while the server is still open. When the server has
 * stopped, the store is closed.
 */
@Injectable()
export class NotificationsShutdown implements BeforeApplicationShutdown, OnApplicationShutdown {
  readonly #context: PublishContext;
  readonly #unused: UnusedConnections | undefined;

  /**
   * Without a controller `unused` is undefined, because the application handles the connections.
   */
  constructor(
    @Inject(CONTEXT) context: PublishContext,
    @Optional() @Inject(UnusedConnections) unused: UnusedConnections | undefined,
  ) {
    this.#context = context;
    this.#unused = unused;
  }

  async beforeApplicationShutdown(): Promise<void> {
    const context = this.#context;
    context.leaving.begin();
    await this.#delay();
    if (!isReading(context)) return;
    await context.feed.drain();
    await context.closing.settled();
    this.#unused?.close();
  }

  /** Load balancers need this time to notice that the node is not ready. */
  async #delay(): Promise<void> {
    const { clock, settings } = this.#context;
    const { delayMs } = settings.shutdown;
    if (delayMs > 0) await pause(clock, delayMs);
  }

  async onApplicationShutdown(): Promise<void> {
    const context = this.#context;
    if (isReading(context)) context.unread.cutAll();
    await context.close();
  }
}
