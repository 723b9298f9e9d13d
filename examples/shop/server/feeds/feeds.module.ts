import { Module } from '@nestjs/common';
import { memoryStore, NotificationsModule, type StoreFactory } from 'nest-notifications';
import { postgresStore } from 'nest-notifications/stores/postgres';
import { sqliteStore } from 'nest-notifications/stores/sqlite';
import { join } from 'node:path';
import { z } from 'zod';
import { Config } from '../config/config.js';
import { orderAccess, stockAccess } from './access.js';

/** The name of the second feed, for @InjectNotifications(STOCK). */
export const STOCK = 'stock';

const DAY_MS = 24 * 3_600_000;
/** The page shows the notifications about orders of the last weeks. */
const ORDER_RETENTION = { retainMs: 28 * DAY_MS };
/** A page that was offline for longer reads all levels again. */
const STOCK_RETENTION = { retainMs: 10 * 60_000, retainCount: 10_000 };
/** Only the shop's own pages may use the feeds: a cookie identifies the caller. */
const origins: readonly string[] = [];

const orderId = z.number().int().positive();
const customer = z.string().min(1);

/** Two feeds have two logs, so stock levels cannot remove notifications about orders. */
@Module({
  imports: [
    // GET /notifications
    NotificationsModule.forRootAsync({
      isGlobal: true,
      inject: [Config],
      useFactory: (config: Config) => ({
        store: orderStore(config),
        access: orderAccess,
        origins,
        schemas: {
          'order.placed': z.object({ orderId, customer, totalCents: z.number().int().nonnegative() }),
          'order.shipped': z.object({ orderId, customer, carrier: z.string().min(1) }),
        },
      }),
    }),
    // GET /notifications/stock
    NotificationsModule.forRootAsync({
      name: STOCK,
      isGlobal: true,
      inject: [Config],
      useFactory: (config: Config) => ({ store: stockStore(config), access: stockAccess, origins }),
    }),
  ],
})
export class FeedsModule {}

function orderStore({ databaseUrl, dataFolder }: Config): StoreFactory {
  if (databaseUrl !== undefined) return postgresStore({ connectionString: databaseUrl, ...ORDER_RETENTION });
  // `idempotencyMs` equals `retainMs`, so the log recognises the id of every notification that it
  // keeps.
  const path = join(dataFolder, 'notifications.db');
  return sqliteStore({ path, idempotencyMs: ORDER_RETENTION.retainMs, ...ORDER_RETENTION });
}

/** Without PostgreSQL there is one process, and levels are read again after its restart. */
function stockStore({ databaseUrl }: Config): StoreFactory {
  if (databaseUrl === undefined) return memoryStore(STOCK_RETENTION);
  return postgresStore({ connectionString: databaseUrl, schema: 'stock_feed', ...STOCK_RETENTION });
}
