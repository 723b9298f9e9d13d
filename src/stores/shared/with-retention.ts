import type { Retention } from '../../core/retention.js';
import type { Store, StoreFactory, StoreRuntime } from '../../core/store.js';

/** A factory that states the retention of its store. */
export function withRetention(
  { retainCount, retainMs, retainBytes }: Retention,
  open: (runtime: StoreRuntime) => Store | Promise<Store>,
): StoreFactory {
  return Object.assign(open, { retention: { retainCount, retainMs, retainBytes } });
}
