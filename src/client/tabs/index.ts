import type { FeedSharing } from '../sharing.js';
import { browserApis } from './browser-apis.js';
import { shareThrough } from './tab-group.js';

export type { FeedSharing } from '../sharing.js';

/**
 * Shares one connection between all feeds of a browser that have this name and the same topics, in
 * one page or in several. One feed leads and reads for all. If its page is closed, crashes, freezes
 * or is hidden, another feed takes over: at once, or within 33 s if the page is frozen.
 *
 * Without Web Locks and BroadcastChannel (Node, React Native, pages over plain HTTP), each feed has
 * its own connection.
 *
 * ```ts
 * const feed = connect({ url: '/notifications', share: betweenTabs(userId) });
 * ```
 *
 * @param name - Must contain the user's id: all feeds with this name receive the same
 *   notifications.
 */
export function betweenTabs(name: string): FeedSharing {
  return shareThrough(browserApis, name);
}
