import { createInbox } from 'nest-notifications/client/inbox';
import { onScopeDispose, shallowRef } from 'vue';

/** All components share it. It is connected while one of them is mounted. */
export const inbox = createInbox({ url: '/inbox' });

/** The current snapshot of the inbox. */
export function useInbox() {
  const snapshot = shallowRef(inbox.snapshot);
  const unsubscribe = inbox.subscribe(() => {
    snapshot.value = inbox.snapshot;
  });
  onScopeDispose(unsubscribe);
  return snapshot;
}
