import { type BeforeApplicationShutdown, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import type { NotificationsService, PublishItem } from 'nest-notifications';
import { randomUUID } from 'node:crypto';
import type { OrderFeed } from '../../shared/notifications.js';
import type { Database, OpenTransaction } from '../database/schema.js';
import { Outbox, type Publish } from './outbox.js';

/** The pause before the next attempt after the log could not be written. */
const RETRY_MS = 1_000;

/**
 * With SQLite the log is a separate file, so no transaction covers both the orders and the log. The
 * transaction writes each notification into the table `outbox`. After the commit, a relay publishes
 * the rows in order and deletes them. After a crash the next start publishes the remaining rows.
 * The log recognises the id of a notification that it already has.
 */
export class SqliteOutbox extends Outbox implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #logger = new Logger('Outbox');
  #relay: Promise<void> = Promise.resolve();
  #retry: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(
    private readonly database: Database,
    private readonly notifications: NotificationsService<OrderFeed>,
  ) {
    super();
  }

  async transaction<T>(work: (tx: OpenTransaction, publish: Publish) => Promise<T>): Promise<T> {
    const result = await this.database.transaction().execute((tx) =>
      work(tx, async (topic, notification) => {
        // If a check of `prepare` fails, the transaction fails too.
        const item = { ...notification, topic, id: randomUUID() };
        await this.notifications.prepare(topic, item);
        await tx
          .insertInto('outbox')
          .values({ item: JSON.stringify(item) })
          .execute();
      }),
    );
    await this.#publishInTurn();
    return result;
  }

  /** Publishes the rows that a crash has left. */
  onApplicationBootstrap(): Promise<void> {
    return this.#publishInTurn();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    await this.#relay;
  }

  /** Calls run one after another, so the order of the rows is kept. */
  #publishInTurn(): Promise<void> {
    this.#relay = this.#relay.then(() => this.#publishRows());
    return this.#relay;
  }

  async #publishRows(): Promise<void> {
    try {
      const rows = await this.database.selectFrom('outbox').selectAll().orderBy('id').execute();
      for (const { id, item } of rows) {
        await this.notifications.publishAll([JSON.parse(item) as PublishItem]);
        await this.database.deleteFrom('outbox').where('id', '=', id).execute();
      }
    } catch (error) {
      // The rows remain. The order is committed, so its request does not fail.
      this.#logger.error(`The notifications are published later: ${String(error)}`);
      clearTimeout(this.#retry);
      if (!this.#isClosed) this.#retry = setTimeout(() => void this.#publishInTurn(), RETRY_MS);
    }
  }
}
