import type { Start } from './feed-request.js';
import type { LogPage } from './page.js';
import type { Epoch } from './store.js';

/** The epoch and head that a node knows without a read of the store. */
export interface ReadWindow {
  readonly epoch: Epoch;
  /** The newest position that this node has received. */
  readonly head: number;
}

/** The page for a reader if there are no new notifications. */
export function emptyPage({ epoch, head }: ReadWindow): LogPage {
  return { epoch, entries: [], position: head, more: false };
}

/** A query for the next page: notifications of these topics strictly after a position. */
export interface PageQuery {
  readonly topics: readonly string[];
  readonly after: Start;
  readonly limit: number;
  /** The maximum bytes of notifications, if lower than `pageBytesMax`. */
  readonly bytesMax?: number | undefined;
}

/**
 * Whether two reads that begin with the same notification have the same result. Equal requests
 * share one array of topics.
 */
export function isEqual(one: PageQuery, other: PageQuery): boolean {
  return one.topics === other.topics && one.limit === other.limit && one.bytesMax === other.bytesMax;
}
