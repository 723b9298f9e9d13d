import { useState } from 'react';
import { request, textOf } from '../api.js';
import { Stock } from '../parts/stock.js';
import { useProducts } from '../feeds/use-products.js';
import { Problem } from '../parts/problem.js';

const DELIVERY = 5;

export function StockCard({ userId }: { readonly userId: string }) {
  const { products, problem, reload } = useProducts(userId);
  const [failure, setFailure] = useState<string>();
  const add = async (productId: string) => {
    setFailure(undefined);
    try {
      await request('POST', `/api/products/${productId}/deliveries`, { quantity: DELIVERY });
    } catch (error) {
      setFailure(textOf(error));
    }
  };
  return (
    <section className="card" aria-labelledby="stock-title" aria-busy={products === undefined}>
      <h2 id="stock-title">Stock</h2>
      <Problem text={problem} retry={reload} />
      <Problem text={failure} />
      <ul className="lines">
        {products?.map(({ id, name, stock }) => (
          <li key={id} className="row">
            <span>{name}</span>
            <span className="row">
              <Stock stock={stock} />
              <button className="quiet" onClick={() => void add(id)}>
                +{DELIVERY}
                <span className="visually-hidden"> {name}</span>
              </button>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
