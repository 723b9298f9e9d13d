import type { User } from '../../shared/api.js';
import { useOrders } from '../feeds/use-orders.js';
import { useProducts } from '../feeds/use-products.js';
import { BasketCard } from './basket-card.js';
import { Catalogue } from './catalogue.js';
import { MyOrders } from './my-orders.js';
import { useBasket } from './use-basket.js';

export function CustomerView({ user }: { readonly user: User }) {
  const products = useProducts(user.id);
  const orders = useOrders();
  const basket = useBasket(user.id);
  return (
    <div className="columns">
      <Catalogue view={products} basket={basket} />
      <div className="side">
        <BasketCard products={products.products ?? []} view={basket} onPlaced={orders.reload} />
        <MyOrders view={orders} />
      </div>
    </div>
  );
}
