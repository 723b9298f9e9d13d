import { Module } from '@nestjs/common';
import type { StoreFactory } from 'nest-notifications';
import { InboxModule } from 'nest-notifications/inbox';
import { postgresStore } from 'nest-notifications/stores/postgres';
import { sqliteStore } from 'nest-notifications/stores/sqlite';
import { join } from 'node:path';
import { Config } from '../config/config.js';
import { type Database, DATABASE } from '../database/schema.js';
import { inboxAccess } from '../feeds/access.js';
import { InboxWorker } from './inbox-worker.js';
import { KEEPERS } from './keepers.js';

/** Users find their items after a long holiday. This is the default of `items.retainMs`. */
const RETENTION = { retainMs: 90 * 24 * 3_600_000 };

/** The bell of each user: shipments for customers, and new orders for keepers. */
@Module({
  imports: [
    // GET and POST /inbox
    InboxModule.forRootAsync({
      isGlobal: true,
      inject: [Config, DATABASE],
      useFactory: (config: Config, database: Database) => ({
        store: inboxStore(config),
        access: inboxAccess,
        topics: (subscriber: string) => broadcastsFor(database, subscriber),
        // Only the shop's own pages may use the inbox: a cookie identifies the caller.
        origins: [],
      }),
    }),
  ],
  providers: [InboxWorker],
})
export class ShopInboxModule {}

/** The inbox has its own log, so no feed can remove its items. */
function inboxStore({ databaseUrl, dataFolder }: Config): StoreFactory {
  if (databaseUrl !== undefined) {
    return postgresStore({ connectionString: databaseUrl, schema: 'inbox', ...RETENTION });
  }
  return sqliteStore({ path: join(dataFolder, 'inbox.db'), idempotencyMs: RETENTION.retainMs, ...RETENTION });
}

/** Keepers see the broadcasts about new orders. */
async function broadcastsFor(database: Database, subscriber: string): Promise<readonly string[]> {
  const user = await database.selectFrom('users').select('role').where('id', '=', subscriber).executeTakeFirst();
  return user?.role === 'keeper' ? [KEEPERS.topic] : [];
}
