import type { Notification } from '../core/notification.js';
import { NotificationsFeed } from './notifications-feed.js';
import type { ConnectOptions, CursorStore, KeyValueStorage } from './options.js';

export { FeedError } from './errors.js';
export type { HistoryOptions, HistoryPage } from './history.js';
export type { NotificationsFeed, Subscribable } from './notifications-feed.js';
export { parseTopic, topicOf } from '../wire/topic-of.js';
export type { TopicPart } from '../wire/topic-of.js';
export type { Notification, NotificationOf } from '../core/notification.js';
export type { Gap } from '../core/gap.js';
export type { Retraction } from '../core/retraction.js';
export type { Auth, ConnectOptions, Credentials, CursorStore, KeyValueStorage } from './options.js';
export type { FeedSharing } from './sharing.js';
export type { Observer } from './consumers.js';
export type { FeedState, Transport } from './connection-state.js';

/**
 * Creates a feed that reads from a server that uses `NotificationsModule`. The feed sends its first
 * request when it has a consumer.
 *
 * ```ts
 * const feed = connect({ url: '/notifications', topics: ['orders'] });
 * for await (const notification of feed) console.log(notification);
 * ```
 */
export function connect<N extends object = Notification>(options: ConnectOptions): NotificationsFeed<N> {
  return new NotificationsFeed<N>(options);
}

/**
 * Stores a cursor in the browser: `cursorIn(sessionStorage, 'orders')` survives a reload,
 * `cursorIn(localStorage, 'orders')` also survives a restart of the browser.
 */
export function cursorIn(storage: KeyValueStorage, key: string): CursorStore {
  return {
    load: () => storage.getItem(key),
    save: (cursor) => {
      storage.setItem(key, cursor);
    },
  };
}
