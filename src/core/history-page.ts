import type { Gap } from './gap.js';
import type { LogPage, LogPosition } from './page.js';
import type { Epoch, ReadResult } from './store.js';

/** A query for a page of the history: the newest notifications of these topics up to a position. */
export interface HistoryPageQuery {
  readonly topics: readonly string[];
  readonly before: LogPosition | 'latest';
  readonly limit: number;
  /** The maximum bytes of notifications, if lower than `pageBytesMax`. */
  readonly bytesMax?: number | undefined;
}

/** Reads pages of the history. */
export interface HistorySource {
  read(query: HistoryPageQuery): Promise<LogPage>;
}

/**
 * Makes a page of the history. `read` is a read of the store or of the window, before position
 * `upTo + 1`.
 *
 * Up to `trimmed` the log is incomplete, so the page omits entries up to that position. Otherwise
 * the history could have a hole. Such a page has `trimmed: true`, because the log had older
 * entries.
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

/** Whether the node that opened a cursor cannot say whether the log of an epoch includes it. */
export function isUnknown(before: HistoryPageQuery['before'], epoch: Epoch): boolean {
  return before !== 'latest' && before.unknownIn !== undefined && before.unknownIn !== epoch.id;
}
