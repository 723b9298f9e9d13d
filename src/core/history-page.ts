import type { Gap } from './gap.js';
import type { LogPage, LogPosition } from './page.js';
import type { ReadResult } from './store.js';

/** A query for a page of the history: the newest notifications of these topics up to a position. */
export interface HistoryPageQuery {
  readonly topics: readonly string[];
  readonly before: LogPosition | 'latest';
  readonly limit: number;
  /** Bytes of notifications, if less than `pageBytesMax`. */
  readonly bytesMax?: number | undefined;
}

/**
 * Makes a page of the history from a read before the position after `upTo`.
 *
 * Below `trimmed` the log is incomplete, so its entries are not shown. Otherwise a history could
 * have a hole. A page that ends there says so, because its end is not the beginning of the log.
 */
export function historyPage(read: ReadResult, upTo: number, gap?: Gap): LogPage {
  const { epoch, trimmed } = read;
  const entries = read.entries.filter(({ position }) => position > trimmed);
  const more = read.more && entries.length === read.entries.length;
  const oldest = entries.at(-1);
  return {
    epoch,
    entries,
    position: oldest ? oldest.position - 1 : upTo,
    more,
    ...(gap && { gap }),
    history: { upTo, trimmed: !more && trimmed > 0 },
  };
}
