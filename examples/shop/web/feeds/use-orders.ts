import { useCallback, useEffect, useRef, useState } from 'react';
import type { Order } from '../../shared/api.js';
import { request, textOf } from '../api.js';
import { useOrderFeed } from './use-order-feed.js';

export interface OrdersView {
  /** Undefined before the first answer. */
  readonly orders: readonly Order[] | undefined;
  readonly problem: string | undefined;
  readonly reload: () => void;
}

/**
 * The orders that the user may see. A notification says that an order has changed; the orders
 * themselves come from the shop's own route.
 */
export function useOrders(): OrdersView {
  const { notifications, state } = useOrderFeed();
  const [orders, setOrders] = useState<readonly Order[]>();
  const [problem, setProblem] = useState<string>();
  const lastRequest = useRef(0);

  const reload = useCallback(() => {
    const current = ++lastRequest.current;
    // An older answer may arrive after a newer one.
    const apply = (change: () => void) => {
      if (current === lastRequest.current) change();
    };
    request<readonly Order[]>('GET', '/api/orders').then(
      (answer) => {
        apply(() => {
          setOrders(answer);
          setProblem(undefined);
        });
      },
      (error: unknown) => {
        apply(() => {
          setProblem(textOf(error));
        });
      },
    );
  }, []);

  const newest = notifications.at(-1)?.id;
  const isLive = state.phase === 'live';
  useEffect(reload, [reload, newest]);
  // An attempt may have failed while the device or the server was offline.
  useEffect(() => {
    if (isLive) reload();
  }, [reload, isLive]);
  return { orders, problem, reload };
}
