import type { LogPosition } from './page.js';
import { END_OF_LOG, type Store } from './store.js';

/** `ready`, or the reason why the node is not ready. */
export type NotificationsHealth = 'ready' | 'draining' | 'store_unavailable';

/**
 * Whether a store answers. The read returns no notification, so it is cheap.
 *
 * @param onEnd receives the end of the log
 */
export async function healthOf(
  store: Store,
  onEnd?: (end: LogPosition) => void,
): Promise<Exclude<NotificationsHealth, 'draining'>> {
  return store.read(END_OF_LOG).then(
    ({ epoch, head }) => {
      onEnd?.({ epochId: epoch.id, position: head });
      return 'ready';
    },
    () => 'store_unavailable',
  );
}
