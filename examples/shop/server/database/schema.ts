import type { Generated, Kysely, Transaction } from 'kysely';
import type { Role } from '../../shared/api.js';

/** The tables. Times are ISO 8601 texts, so both engines have the same columns. */
export interface Schema {
  users: { id: string; name: string; role: Role; password_hash: string };
  products: { id: string; name: string; price_cents: number; stock: number };
  orders: {
    id: Generated<number>;
    customer_id: string;
    /**
     * The id that the customer's page gave the request. A repeated request creates no second order.
     */
    request_id: string;
    status: 'placed' | 'shipped';
    carrier: string | null;
    total_cents: number;
    placed_at: string;
    shipped_at: string | null;
  };
  order_lines: { order_id: number; product_id: string; quantity: number; price_cents: number };
  /** Notifications of committed transactions that are not in the log yet. Used with SQLite only. */
  outbox: { id: Generated<number>; item: string };
  /** The positions of the server's own readers in the feed of orders. */
  feed_positions: { reader: string; cursor: string };
}

/** The token of the database, and its type. */
export const DATABASE = Symbol('database');
export type Database = Kysely<Schema>;
export type OpenTransaction = Transaction<Schema>;
