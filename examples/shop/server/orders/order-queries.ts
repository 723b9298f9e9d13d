import type { Order, User } from '../../shared/api.js';
import type { Database } from '../database/schema.js';

/** The page shows the newest orders only. */
const ORDERS_MAX = 50;

/** Returns the newest orders: all of them for a keeper, the user's own for a customer. */
export async function newestOrders(database: Database, { id, role }: User): Promise<Order[]> {
  const rows = await database
    .selectFrom('orders')
    .innerJoin('users', 'users.id', 'orders.customer_id')
    .selectAll('orders')
    .select('users.name as customer')
    .$if(role === 'customer', (query) => query.where('orders.customer_id', '=', id))
    .orderBy('orders.id', 'desc')
    .limit(ORDERS_MAX)
    .execute();
  if (rows.length === 0) return [];
  const lines = await database
    .selectFrom('order_lines')
    .innerJoin('products', 'products.id', 'order_lines.product_id')
    .select(['order_lines.order_id', 'order_lines.quantity', 'products.name as product'])
    .where(
      'order_lines.order_id',
      'in',
      rows.map((row) => row.id),
    )
    .orderBy('products.name')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    customer: row.customer,
    status: row.status,
    carrier: row.carrier,
    totalCents: row.total_cents,
    placedAt: row.placed_at,
    shippedAt: row.shipped_at,
    lines: lines.filter(({ order_id }) => order_id === row.id).map(({ product, quantity }) => ({ product, quantity })),
  }));
}
