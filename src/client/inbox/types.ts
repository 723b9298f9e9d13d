import type { Notification } from '../../core/notification.js';
import type { InboxCounts } from '../../inbox/inbox-counts.js';
import type { InboxStatus } from '../../inbox/nest/inbox-item.js';
import type { ConnectOptions } from '../options.js';
import type { QueueStore } from './queue-store.js';

/** The part of an inbox that a client lists. */
export interface InboxFilter {
  /**
   * The items of the list. `inbox` has all items except archived and snoozed ones.
   * @default inbox
   */
  readonly status?: InboxStatus | undefined;
  /**
   * Only items of these types.
   * @default all types
   */
  readonly types?: readonly string[] | undefined;
}

/**
 * Options of `createInbox`. `url` is the URL of the inbox, such as `/inbox`. `limit` is the number
 * of items in a page. The other options of the connection are those of `connect`.
 */
export interface InboxOptions
  extends
    InboxFilter,
    Pick<
      ConnectOptions,
      'url' | 'limit' | 'auth' | 'headers' | 'credentials' | 'transport' | 'wait' | 'share' | 'signal'
    > {
  /**
   * Keeps the operations that the server has not acknowledged:
   * `queueIn(sessionStorage, userId)` survives a reload of the page.
   * @default the client keeps them in memory
   */
  readonly queue?: QueueStore | undefined;
}

/** A notification in an inbox, with its state. */
export interface InboxItem<N extends object = Notification> {
  readonly notification: N;
  /** Some device of the user has shown it. */
  readonly seen: boolean;
  readonly read: boolean;
  readonly archived: boolean;
  /** Until this time the item is hidden: an RFC 3339 timestamp in UTC. */
  readonly snoozedUntil?: string | undefined;
}

/** The content of an inbox at one moment. It never changes. */
export interface InboxSnapshot<N extends object = Notification> {
  /** Newest first, with the effects of pending operations. */
  readonly items: readonly InboxItem<N>[];
  /**
   * The server's numbers. The effects of pending operations are included where the client knows
   * them.
   */
  readonly counts: InboxCounts;
  /**
   * - `idle`: the inbox has no listener, and no connection.
   * - `loading`: the first page of the list is not loaded yet.
   * - `live`: the list is loaded, and new items arrive.
   * - `offline`: the device is offline, or the server cannot be reached. The client retries.
   * - `closed`: `close` was called, or the server has refused the request. `error` has the reason.
   */
  readonly status: 'idle' | 'loading' | 'live' | 'offline' | 'closed';
  /**
   * The error that closed the inbox, or the error of the last rejected operation. The next
   * successful operation or load removes it.
   */
  readonly error: unknown;
  /** Whether `loadOlder` can load older items. */
  readonly more: boolean;
  /** The number of operations that the server has not acknowledged. */
  readonly pending: number;
  /** The position after the newest item. Undefined before the first page. */
  readonly cursor: string | undefined;
}

/** The items of "mark all". */
export interface MarkAllOptions {
  /**
   * Only items of these types, among the newest 1,000 items. More than
   * 20 types become several requests.
   * @default all types
   */
  readonly types?: readonly string[] | undefined;
}

/** The items of an operation: ids, items, or both. */
export type InboxTarget = string | InboxItem<object> | readonly (string | InboxItem<object>)[];
