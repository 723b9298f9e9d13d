import { connect, type NotificationOf } from 'nest-notifications/client';
import { betweenTabs } from 'nest-notifications/client/tabs';
import { useCallback, useEffect, useState } from 'react';
import type { Product, Products } from '../../shared/api.js';
import type { StockFeed } from '../../shared/notifications.js';
import { request, textOf } from '../api.js';

export interface ProductsView {
  /** Undefined before the first answer. */
  readonly products: readonly Product[] | undefined;
  readonly problem: string | undefined;
  readonly reload: () => void;
}

/**
 * The products with their live stock. The page reads all products once, and then follows the feed
 * of stock levels from the cursor that was read with them.
 */
export function useProducts(userId: string): ProductsView {
  const [products, setProducts] = useState<readonly Product[]>();
  const [problem, setProblem] = useState<string>();
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    const closing = new AbortController();
    const load = async (): Promise<string> => {
      const answer = await request<Products>('GET', '/api/products');
      setProducts(answer.products);
      setProblem(undefined);
      return answer.cursor;
    };
    const follow = async (): Promise<void> => {
      const cursor = await load();
      const feed = connect<NotificationOf<StockFeed>>({
        url: '/notifications/stock',
        topics: ['stock'],
        cursor,
        share: betweenTabs(userId),
        signal: closing.signal,
        // Levels were lost, for example by a restart of the server: read all of them again.
        onGap: async () => {
          await load();
        },
      });
      for await (const { data } of feed) {
        setProducts((before) =>
          before?.map((product) => (product.id === data.productId ? { ...product, stock: data.stock } : product)),
        );
      }
    };
    follow().catch((error: unknown) => {
      if (!closing.signal.aborted) setProblem(textOf(error));
    });
    return () => {
      closing.abort();
    };
  }, [userId, attempt]);

  const reload = useCallback(() => {
    setAttempt((before) => before + 1);
  }, []);
  return { products, problem, reload };
}
