import type { FeedRequest } from './feed-request.js';
import type { LogPage } from './page.js';
import type { ReadWindow } from './reader.js';

/**
 * The part of a page of the store that this node may deliver. The store may be ahead of this node,
 * which then does not know the latest revocations. A subscriber gets the notifications up to the
 * node's head. The tail wakes the waiter for later ones. If the store has another epoch, a request
 * with access rules gets the whole page, because the rules are checked before the delivery. Without
 * rules the result is undefined.
 */
export function deliverablePage(
  page: LogPage,
  { rights, subscriber }: FeedRequest,
  { epoch, head }: ReadWindow,
): LogPage | undefined {
  if (subscriber === undefined || page.entries.length === 0) return page;
  if (page.epoch.id !== epoch.id) return rights && page;
  const entries = page.entries.filter(({ position }) => position <= head);
  const next = page.entries[entries.length];
  if (!next) return page;
  const { gap, staleAtMs } = page;
  return { epoch: page.epoch, entries, position: next.position - 1, more: false, ...(gap && { gap }), staleAtMs };
}
