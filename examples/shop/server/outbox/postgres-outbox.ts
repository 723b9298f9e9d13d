import { sql } from 'kysely';
import type { NotificationsService } from 'nest-notifications';
import type { OrderFeed } from '../../shared/notifications.js';
import type { Database, OpenTransaction } from '../database/schema.js';
import { Outbox, type Publish } from './outbox.js';

/** PostgreSQL holds orders and notifications, so one transaction writes both. */
export class PostgresOutbox extends Outbox {
  constructor(
    private readonly database: Database,
    private readonly notifications: NotificationsService<OrderFeed>,
  ) {
    super();
  }

  transaction<T>(work: (tx: OpenTransaction, publish: Publish) => Promise<T>): Promise<T> {
    return this.database.transaction().execute((tx) =>
      work(tx, async (topic, notification) => {
        const { text } = await this.notifications.prepare(topic, notification);
        await sql`SELECT notifications.publish(${text})`.execute(tx);
      }),
    );
  }
}
