import { useMemo } from 'react';
import { useStored } from '../stored.js';

/** The number of pieces by product. */
export type Basket = Readonly<Record<string, number>>;

export interface BasketView {
  readonly basket: Basket;
  /** The id of the request that creates this order. A repeated request creates no second order. */
  readonly requestId: string;
  readonly put: (productId: string, quantity: number) => void;
  readonly empty: () => void;
}

interface StoredBasket {
  readonly requestId: string;
  readonly lines: Basket;
}

/** The basket of a user in this browser. */
export function useBasket(userId: string): BasketView {
  const [text, store] = useStored(`shop.basket.${userId}`);
  return useMemo(() => {
    const { requestId, lines } = parse(text);
    const set = (changed: Basket) => {
      // A changed basket is a new order, so it needs a new id.
      store(JSON.stringify({ requestId: newId(), lines: changed } satisfies StoredBasket));
    };
    return {
      basket: lines,
      requestId,
      put: (productId, quantity) => {
        const { [productId]: _, ...others } = lines;
        set(quantity > 0 ? { ...others, [productId]: quantity } : others);
      },
      empty: () => {
        set({});
      },
    };
  }, [text, store]);
}

function parse(text: string | undefined): StoredBasket {
  try {
    if (text !== undefined) return JSON.parse(text) as StoredBasket;
  } catch {
    // Another version of the page may have stored a basket in another format.
  }
  return { requestId: '', lines: {} };
}

/** `crypto.randomUUID` is missing on pages over plain HTTP. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
