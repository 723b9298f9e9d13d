import type { Product } from '../../shared/api.js';
import type { ProductsView } from '../feeds/use-products.js';
import { price } from '../format.js';
import { ProductPicture } from '../parts/icons.js';
import { Problem } from '../parts/problem.js';
import { Stock } from '../parts/stock.js';
import type { BasketView } from './use-basket.js';

/** The most pieces of a product in one order, as in server/orders/orders.dto.ts. */
const PIECES_MAX = 20;

interface CatalogueProps {
  readonly view: ProductsView;
  readonly basket: BasketView;
}

export function Catalogue({ view: { products, problem, reload }, basket }: CatalogueProps) {
  return (
    <section aria-labelledby="products-title" aria-busy={products === undefined}>
      <h2 id="products-title">Products</h2>
      <Problem text={problem} retry={reload} />
      <ul className="products">
        {products?.map((product) => (
          <li key={product.id} className="card product">
            <ProductCard product={product} basket={basket} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function ProductCard({ product, basket }: { readonly product: Product; readonly basket: BasketView }) {
  const { id, name, priceCents, stock } = product;
  const inBasket = basket.basket[id] ?? 0;
  return (
    <>
      <ProductPicture id={id} />
      <h3>{name}</h3>
      <p className="row">
        <b>{price(priceCents)}</b>
        <Stock stock={stock} />
      </p>
      <button
        disabled={inBasket >= Math.min(stock, PIECES_MAX)}
        onClick={() => {
          basket.put(id, inBasket + 1);
        }}
      >
        {inBasket > 0 ? `Add one more (${inBasket})` : 'Add to basket'}
        <span className="visually-hidden">: {name}</span>
      </button>
    </>
  );
}
