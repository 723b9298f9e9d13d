import { connect } from 'nest-notifications/client';
import { onScopeDispose, ref } from 'vue';

/** Reads orders until the component is unmounted. */
export function useOrders() {
  const orders = ref([]);
  const feed = connect({ url: '/notifications', topics: ['orders'] });
  feed.subscribe((order) => {
    orders.value = [...orders.value, order];
  });
  onScopeDispose(() => feed.close());
  return orders;
}
