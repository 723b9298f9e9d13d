/** The notifications of both feeds. The server and the page share these types. */

export interface OrderTypes {
  'order.placed': { readonly orderId: number; readonly customer: string; readonly totalCents: number };
  'order.shipped': { readonly orderId: number; readonly customer: string; readonly carrier: string };
}

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
