import type { OrdersView } from '../feeds/use-orders.js';
import { OrderItem } from '../parts/order-item.js';
import { Problem } from '../parts/problem.js';

export function MyOrders({ view: { orders, problem, reload } }: { readonly view: OrdersView }) {
  return (
    <section className="card" aria-labelledby="orders-title" aria-busy={orders === undefined}>
      <h2 id="orders-title">Your orders</h2>
      <Problem text={problem} retry={reload} />
      {orders?.length === 0 && <p className="empty">You have no orders yet.</p>}
      <ul className="orders">
        {orders?.map((order) => (
          <OrderItem key={order.id} order={order} title={`Order ${order.id}`} />
        ))}
      </ul>
    </section>
  );
}
