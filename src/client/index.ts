import { Feed } from './feed.js';
import type { Notification } from '../core/notification.js';
import type { ConnectOptions, CursorStore } from './options.js';

export { FeedError } from './errors.js';
export type { Feed, Subscribable } from './feed.js';
export { parseTopic, topicOf } from '../wire/topic-of.js';
export type { TopicPart } from '../wire/topic-of.js';
export type { Notification, NotificationOf } from '../core/notification.js';
export type { Gap } from '../core/page.js';
export type { Auth, ConnectOptions, CursorStore, FeedState } from './options.js';
export type { Observer } from './hand-over.js';
export type { Phase, Reason, Transport } from './machine.js';

/**
 * Connects to a feed of `NotificationsModule`; nothing is asked before somebody listens.
 *
 * ```ts
 * const feed = connect({ url: '/notifications', topics: ['orders'] });
 * for await (const notification of feed) console.log(notification);
 * ```
 */
export function connect<N extends object = Notification>(options: ConnectOptions): Feed<N> {
  return new Feed<N>(options);
}

/** What of the Web Storage API a cursor needs. */
export interface KeyValueStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

/** A cursor store in what browsers offer: `cursorIn(sessionStorage, 'orders')` outlives a reload, `localStorage` the browser. */
export function cursorIn(storage: KeyValueStorage, key: string): CursorStore {
  return {
    load: () => storage.getItem(key),
    save: (cursor) => {
      storage.setItem(key, cursor);
    },
  };
}
