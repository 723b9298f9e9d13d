import pg from 'pg';
import { publishInTransaction } from '../../src/stores/postgres/index.js';
import type { OpenOutbox } from './outbox.js';

export const open: OpenOutbox = async (url) => {
  const pool = new pg.Pool({ connectionString: url });
  return {
    ship: async (id, publication, fail) => {
      const client = await pool.connect();
      try {
        await client.query('BEGIN');
        await client.query('UPDATE orders SET shipped = true WHERE id = $1', [id]);
        await publishInTransaction(client, publication);
        if (fail) throw fail;
        await client.query('COMMIT');
      } catch (error) {
        await client.query('ROLLBACK');
        throw error;
      } finally {
        client.release();
      }
    },
    close: () => pool.end(),
  };
};
