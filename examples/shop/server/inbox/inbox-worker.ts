import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { NotificationsService } from 'nest-notifications';
import { InboxService } from 'nest-notifications/inbox';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, type OrderEvent, type OrderFeed } from '../../shared/notifications.js';
import { type Database, DATABASE } from '../database/schema.js';
import { KEEPERS } from './keepers.js';

/** The name of the worker's position in the database. */
const READER = 'inbox';
/** The pause before the next attempt after the inbox or the database has failed. */
const RETRY_MS = 1_000;

/**
 * Sends the items of the inbox. It follows the feed of orders, which the outbox fills, so each
 * committed change of an order reaches it.
 *
 * It saves its position in the feed after it has sent the item. If the process crashes in between,
 * the next start sends the item again under the same id, and the inbox keeps one. So a crash
 * neither loses nor doubles an item. For the same reason, several servers may do this work.
 */
@Injectable()
export class InboxWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #logger = new Logger('Inbox');
  readonly #closing = new AbortController();
  #work: Promise<void> = Promise.resolve();

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly orders: NotificationsService<OrderFeed>,
    private readonly inbox: InboxService,
  ) {}

  onApplicationBootstrap(): void {
    this.#work = this.#run(this.#closing.signal);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#closing.abort();
    await this.#work;
  }

  async #run(signal: AbortSignal): Promise<void> {
    let isDone = false;
    while (!isDone && !signal.aborted) {
      try {
        await this.#follow(signal);
        isDone = true;
      } catch (error) {
        this.#logger.error(`The items of the inbox are sent later: ${String(error)}`);
        await pause(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** Returns when the application shuts down. */
  async #follow(signal: AbortSignal): Promise<void> {
    const events = this.orders.iterate({
      // This topic has each change of an order once.
      topics: ['keepers'],
      cursor: await this.#position(),
      signal,
      onGap: ({ reason }) => {
        this.#logger.warn(`The feed of orders has a gap (${reason}), so some items may be missing.`);
      },
    });
    for await (const { cursor, ...event } of events) {
      await this.#send(event);
      await this.#savePosition(cursor);
    }
  }

  async #send(event: OrderEvent): Promise<void> {
    const { type, data } = event;
    const { orderId } = data;
    if (type === 'order.placed') {
      const title = describe(event, 'keeper');
      await this.inbox.send(KEEPERS, { id: `order-${orderId}.placed`, type, data: { title } });
      return;
    }
    const order = await this.database
      .selectFrom('orders')
      .select('customer_id')
      .where('id', '=', orderId)
      .executeTakeFirst();
    if (!order) return;
    const title = describe(event, 'customer');
    await this.inbox.send(order.customer_id, { id: `order-${orderId}.shipped`, type, data: { title } });
  }

  /** The first start begins with the oldest notification that the feed has. */
  async #position(): Promise<string> {
    const row = await this.database
      .selectFrom('feed_positions')
      .select('cursor')
      .where('reader', '=', READER)
      .executeTakeFirst();
    return row?.cursor ?? 'earliest';
  }

  async #savePosition(cursor: string): Promise<void> {
    await this.database
      .insertInto('feed_positions')
      .values({ reader: READER, cursor })
      .onConflict((conflict) => conflict.column('reader').doUpdateSet({ cursor }))
      .execute();
  }
}
