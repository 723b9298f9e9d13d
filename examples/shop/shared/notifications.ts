/** The notifications of both feeds, for the server and the page. */

import type { Role } from './api.js';

export interface OrderTypes {
  'order.placed': { readonly orderId: number; readonly customer: string; readonly totalCents: number };
  'order.shipped': { readonly orderId: number; readonly customer: string; readonly carrier: string };
}

/** A notification of the feed of orders. */
export type OrderEvent = {
  [Type in keyof OrderTypes]: { readonly type: Type; readonly data: OrderTypes[Type] };
}[keyof OrderTypes];

/** The feed of orders. Users need each notification, so the log keeps it for weeks. */
export interface OrderFeed {
  /** For all users who ship orders. */
  keepers: OrderTypes;
  /** For one customer. */
  [user: `user.${string}`]: OrderTypes;
}

/** The feed of stock levels. Levels change often, and only the newest of a product matters. */
export interface StockFeed {
  stock: { 'stock.changed': { readonly productId: string; readonly stock: number } };
}

/** The text of a notification about an order, for a reader. */
export function describe({ type, data }: OrderEvent, role: Role): string {
  const order = `Order ${data.orderId}`;
  if (role === 'customer')
    return type === 'order.placed' ? `${order} is placed` : `${order} was shipped with ${data.carrier}`;
  if (type === 'order.placed') return `${data.customer} placed order ${data.orderId}`;
  return `${order} of ${data.customer} was shipped with ${data.carrier}`;
}
