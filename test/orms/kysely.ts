import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import type { OpenOutbox } from './outbox.js';

interface Database {
  orders: { id: number; shipped: boolean };
}

export const open: OpenOutbox = async (url) => {
  const dialect = new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) });
  const db = new Kysely<Database>({ dialect });
  return {
    ship: (id, publication, fail) =>
      db.transaction().execute(async (tx) => {
        await tx.updateTable('orders').set({ shipped: true }).where('id', '=', id).execute();
        await sql`SELECT notifications.publish(${publication.text})`.execute(tx);
        if (fail) throw fail;
      }),
    close: () => db.destroy(),
  };
};
