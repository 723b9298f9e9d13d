import type { Notification } from '../core/notification.js';
import type { Page } from './encoder.js';

/**
 * One page of the history: the newest notifications up to a position, **newest first**. A client
 * shows it, reads older pages with `before`, and follows the feed from `follow`. So it sees each
 * notification once.
 */
export interface HistoryPage<N extends Notification = Notification> extends Page<N> {
  /** Newest first. */
  readonly notifications: readonly N[];
  /**
   * The position right before the oldest notification of the page. `before` with this cursor reads
   * the next older page. A poll or a stream from this cursor begins with the oldest notification.
   */
  readonly cursor: string;
  /**
   * Older notifications exist. The next page may still be empty: they may expire, be replaced by
   * key, or be removed by retention.
   */
  readonly more: boolean;
  /**
   * The position right after the newest notification of the page. A poll or a stream from this
   * cursor receives everything newer than the page.
   */
  readonly follow: string;
  /**
   * True if the history ends with this page, but retention has removed older notifications of the
   * feed. The removed ones may belong to other topics.
   */
  readonly trimmed: boolean;
}
