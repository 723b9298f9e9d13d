import { eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { boolean, integer, pgTable } from 'drizzle-orm/pg-core';
import pg from 'pg';
import type { OpenOutbox } from './outbox.js';

const orders = pgTable('orders', { id: integer().primaryKey(), shipped: boolean() });

export const open: OpenOutbox = async (url) => {
  const pool = new pg.Pool({ connectionString: url });
  const db = drizzle(pool);
  return {
    ship: (id, publication, fail) =>
      db.transaction(async (tx) => {
        await tx.update(orders).set({ shipped: true }).where(eq(orders.id, id));
        await tx.execute(sql`SELECT notifications.publish(${publication.text})`);
        if (fail) throw fail;
      }),
    close: () => pool.end(),
  };
};
