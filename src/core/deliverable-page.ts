import type { FeedRequest, Start } from './feed-request.js';
import type { LogPage } from './page.js';
import type { ReadWindow } from './page-query.js';

/** A page of the store, the position after which it was read, and this node's current window. */
export interface StoreRead {
  readonly page: LogPage;
  readonly after: Start;
  readonly window: ReadWindow;
}

/**
 * Returns the part of a store's page that this node may deliver. Undefined if the node is behind
 * the store and cannot answer the request yet.
 *
 * - The cursor may belong to an epoch that this node did not know when it parsed the request. Then
 *   the page is used only if the store read it from that epoch.
 * - The store may be ahead of this node. Then this node does not know the latest revocations yet.
 *   So a subscriber receives only the notifications up to the node's head. When the node receives
 *   the later ones, it wakes the waiter.
 * - If the store has another epoch, a request with access rules gets the whole page, because the
 *   rules are checked before the delivery.
 */
export function deliverablePage({ rights, subscriber }: FeedRequest, read: StoreRead): LogPage | undefined {
  const { page, after } = read;
  const { epoch, head } = read.window;
  if (after !== 'earliest' && after.unknownIn !== undefined && after.unknownIn !== page.epoch.id) return undefined;
  if (subscriber === undefined || page.entries.length === 0) return page;
  if (page.epoch.id !== epoch.id) return rights && page;
  const entries = page.entries.filter(({ position }) => position <= head);
  const next = page.entries[entries.length];
  if (!next) return page;
  const { gap, staleAtMs } = page;
  return { epoch: page.epoch, entries, position: next.position - 1, more: false, ...(gap && { gap }), staleAtMs };
}
