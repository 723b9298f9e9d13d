/** The notifications of both feeds. The server and the page share these types. */

export interface OrderTypes {
  'order.placed': { readonly orderId: number; readonly customer: string; readonly totalCents: number };
  'order.shipped': { readonly orderId: number; readonly customer: string; readonly carrier: string };
}

/** The feed of orders: each notification matters to a person, so it is kept for weeks. */
export interface OrderFeed {
  /** For all users who ship orders. */
  keepers: OrderTypes;
  /** For one customer. */
  [user: `user.${string}`]: OrderTypes;
}

/** The feed of stock levels: chatty, and only the newest level of a product matters. */
export interface StockFeed {
  stock: { 'stock.changed': { readonly productId: string; readonly stock: number } };
}
