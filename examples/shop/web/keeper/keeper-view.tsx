import type { User } from '../../shared/api.js';
import { useOrders } from '../feeds/use-orders.js';
import { OrderItem } from '../parts/order-item.js';
import { Problem } from '../parts/problem.js';
import { ShipForm } from './ship-form.js';
import { StockCard } from './stock-card.js';

export function KeeperView({ user }: { readonly user: User }) {
  const { orders, problem, reload } = useOrders();
  const open = orders?.filter(({ status }) => status === 'placed').reverse();
  const shipped = orders?.filter(({ status }) => status === 'shipped');
  return (
    <div className="columns">
      <div className="side">
        <section className="card" aria-labelledby="open-title" aria-busy={orders === undefined}>
          <h2 id="open-title">To ship</h2>
          <Problem text={problem} retry={reload} />
          {open?.length === 0 && <p className="empty">Every order is shipped. New orders appear here.</p>}
          <ul className="orders">
            {open?.map((order) => (
              <OrderItem key={order.id} order={order} title={`Order ${order.id} of ${order.customer}`}>
                <ShipForm orderId={order.id} onShipped={reload} />
              </OrderItem>
            ))}
          </ul>
        </section>
        <section className="card" aria-labelledby="shipped-title">
          <h2 id="shipped-title">Shipped</h2>
          {shipped?.length === 0 && <p className="empty">No order is shipped yet.</p>}
          <ul className="orders">
            {shipped?.map((order) => (
              <OrderItem key={order.id} order={order} title={`Order ${order.id} of ${order.customer}`} />
            ))}
          </ul>
        </section>
      </div>
      <StockCard userId={user.id} />
    </div>
  );
}
