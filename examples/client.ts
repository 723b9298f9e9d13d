import { connect, cursorIn, type KeyValueStorage, type NotificationOf } from 'nest-notifications/client';

/** The notifications of the server: its code and this client can share the declaration. */
type Order = NotificationOf<{
  orders: { 'order.placed': { orderId: string }; 'order.shipped': { orderId: string; carrier: string } };
}>;

interface View {
  show(text: string): void;
  /** Fetches the whole state again. */
  refetch(): Promise<void>;
  setLive(isLive: boolean): void;
}

/** Reads orders until the signal aborts. A reload continues from the cursor in the storage. */
export async function followOrders(
  url: string,
  view: View,
  storage: KeyValueStorage,
  signal: AbortSignal,
): Promise<void> {
  const feed = connect<Order>({
    url,
    topics: ['orders'],
    store: cursorIn(storage, 'orders'),
    auth: async () => Promise.resolve('the token of your session'),
    onGap: () => view.refetch(),
    signal,
  });
  feed.onState(({ phase }) => {
    view.setLive(phase === 'live');
  });
  for await (const { type, data } of feed) {
    if (type === 'order.placed') view.show(`${data.orderId} is placed`);
    else view.show(`${data.orderId} is on its way with ${data.carrier}`);
  }
}
