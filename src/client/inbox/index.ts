import type { Notification } from '../../core/notification.js';
import { Inbox } from './inbox.js';
import type { InboxOptions } from './types.js';

export type { Inbox } from './inbox.js';
export type { InboxFilter, InboxItem, InboxOptions, InboxSnapshot, InboxTarget, MarkAllOptions } from './types.js';
export type { InboxCounts } from '../../inbox/inbox-counts.js';
export type { InboxStatus } from '../../inbox/nest/inbox-item.js';
export { queueIn } from './queue-store.js';
export type { QueueStore, RemovableStorage } from './queue-store.js';

/**
 * Creates the client of an inbox, on a server that uses `InboxModule`. It sends its first request
 * when it has a listener.
 *
 * ```ts
 * const inbox = createInbox({ url: '/inbox' });
 * inbox.subscribe(() => render(inbox.snapshot));
 * ```
 */
export function createInbox<N extends object = Notification>(options: InboxOptions): Inbox<N> {
  return new Inbox<N>(options);
}
