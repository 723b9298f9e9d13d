import { useCallback, useSyncExternalStore } from 'react';
import type { Notification } from '../../core/notification.js';
import { EMPTY, type Inbox } from './inbox.js';
import type { InboxSnapshot } from './types.js';

/**
 * Shows an inbox in a component. The inbox is connected while such a component is mounted. Create
 * the inbox outside of the component, so that all components share it.
 *
 * ```tsx
 * const inbox = createInbox({ url: '/inbox' });
 * function Badge() {
 *   const { counts } = useInbox(inbox);
 *   return <b>{counts.unread}</b>;
 * }
 * ```
 *
 * On the server, the snapshot is empty.
 */
export function useInbox<N extends object = Notification>(inbox: Inbox<N>): InboxSnapshot<N> {
  const subscribe = useCallback((listener: () => void) => inbox.subscribe(listener), [inbox]);
  return useSyncExternalStore(
    subscribe,
    () => inbox.snapshot,
    () => EMPTY,
  );
}
