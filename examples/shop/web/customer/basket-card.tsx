import { useState } from 'react';
import type { Product } from '../../shared/api.js';
import { request, textOf } from '../api.js';
import { price } from '../format.js';
import { Problem } from '../parts/problem.js';
import type { BasketView } from './use-basket.js';

interface BasketCardProps {
  readonly products: readonly Product[];
  readonly view: BasketView;
  readonly onPlaced: () => void;
}

export function BasketCard({ products, view, onPlaced }: BasketCardProps) {
  const { basket, requestId, put, empty } = view;
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const lines = products
    .filter(({ id }) => (basket[id] ?? 0) > 0)
    .map((product) => ({ product, quantity: basket[product.id] ?? 0 }));
  const totalCents = lines.reduce((sum, { product, quantity }) => sum + product.priceCents * quantity, 0);

  const place = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      const body = { requestId, lines: lines.map(({ product, quantity }) => ({ productId: product.id, quantity })) };
      await request('POST', '/api/orders', body);
      empty();
      onPlaced();
    } catch (error) {
      setProblem(textOf(error));
    } finally {
      setBusy(false);
    }
  };

  return (
    <section className="card" aria-labelledby="basket-title">
      <h2 id="basket-title">Basket</h2>
      {lines.length === 0 ? (
        <p className="empty">Your basket is empty.</p>
      ) : (
        <>
          <ul className="lines">
            {lines.map(({ product, quantity }) => (
              <li key={product.id} className="row">
                <span>
                  {quantity} × {product.name}
                </span>
                <span className="row">
                  {price(product.priceCents * quantity)}
                  <button
                    className="quiet"
                    aria-label={`Remove one ${product.name}`}
                    onClick={() => {
                      put(product.id, quantity - 1);
                    }}
                  >
                    −
                  </button>
                </span>
              </li>
            ))}
          </ul>
          <p className="row total">
            <span>Total</span>
            <b>{price(totalCents)}</b>
          </p>
          <button className="primary wide" disabled={isBusy} onClick={() => void place()}>
            {isBusy ? 'Placing the order…' : 'Place the order'}
          </button>
        </>
      )}
      <Problem text={problem} />
    </section>
  );
}
