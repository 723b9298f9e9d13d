import type { FeedSharing } from '../sharing.js';
import { browserApis } from './browser-apis.js';
import { shareThrough } from './tab-group.js';

export type { FeedSharing } from '../sharing.js';

/**
 * Shares one connection between all feeds of a browser that have this name and the same topics, in
 * one page or in several. One feed leads and reads for all. Another feed takes over when the
 * leader's page closes, crashes or freezes, or when a polling leader is hidden. After a freeze this
 * takes up to 33 s, in the other cases at most half a second.
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
 * @throws TypeError if the name is empty, or is not a string
 */
export function betweenTabs(name: string): FeedSharing {
  // Without a user's id, all users of a browser would receive each other's notifications.
  if (typeof (name as unknown) !== 'string' || name === '') {
    throw new TypeError(
      `the name of betweenTabs is ${name === '' ? 'empty' : typeof name}; pass a string with the id of the user`,
    );
  }
  return shareThrough(browserApis, name);
}
