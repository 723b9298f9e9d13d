import type { ClientRead } from './feed-request.js';
import type { LogEntry } from './notification.js';
import type { Gap } from './gap.js';
import type { LogPage } from './page.js';
import { withoutRetractions } from './retraction.js';

/**
 * Observes a feed, for counters, metrics and tests. The methods run inside the delivery, so they
 * must be fast and must not throw.
 */
export interface FeedObserver {
  /** A waiter was registered: a poll, a stream or a read of the history has begun. */
  armed(request: ClientRead): void;
  /**
   * A waiter no longer receives notifications. The client may not have read its last answer yet.
   */
  ended(request: ClientRead): void;
  /**
   * The node has received new entries of the log. They include the library's own records, such as
   * revocations.
   */
  published(entries: readonly LogEntry[]): void;
  /**
   * A page was delivered to one waiter. It may be empty. Its entries may include records of
   * retractions.
   */
  delivered(page: LogPage, request: ClientRead): void;
  /** The delivered page has a gap. Called after `delivered`. */
  gap(gap: Gap, request: ClientRead): void;
  /** A request was rejected, or a waiter ended with an error. */
  rejected(error: unknown, request: ClientRead): void;
}

/** Totals of one feed on this node since the application started. They never decrease. */
export interface NotificationsTotals {
  /** Polls, streams and reads of the history that were started. */
  readonly waiters: number;
  /** Entries that the node has received from the log. */
  readonly published: number;
  /** Notifications that were delivered, counted once for each waiter. */
  readonly delivered: number;
  /** Pages that were delivered, empty ones included. */
  readonly pages: number;
  /** Pages with a gap. */
  readonly gaps: number;
  /** Requests that were rejected or failed. */
  readonly rejected: number;
}

/** The totals of a node that serves no reads. */
export const NO_TOTALS: NotificationsTotals = Object.freeze({
  waiters: 0,
  published: 0,
  delivered: 0,
  pages: 0,
  gaps: 0,
  rejected: 0,
});

/** Counts the events of a feed, and passes each call on to another observer. */
export class FeedCounter implements FeedObserver {
  readonly #next: FeedObserver | undefined;
  readonly #totals = { ...NO_TOTALS };

  constructor(next?: FeedObserver) {
    this.#next = next;
  }

  get totals(): NotificationsTotals {
    return { ...this.#totals };
  }

  armed(request: ClientRead): void {
    this.#totals.waiters++;
    this.#next?.armed(request);
  }

  ended(request: ClientRead): void {
    this.#next?.ended(request);
  }

  published(entries: readonly LogEntry[]): void {
    this.#totals.published += entries.length;
    this.#next?.published(entries);
  }

  delivered(page: LogPage, request: ClientRead): void {
    this.#totals.pages++;
    this.#totals.delivered += withoutRetractions(page.entries).length;
    this.#next?.delivered(page, request);
  }

  gap(gap: Gap, request: ClientRead): void {
    this.#totals.gaps++;
    this.#next?.gap(gap, request);
  }

  rejected(error: unknown, request: ClientRead): void {
    this.#totals.rejected++;
    this.#next?.rejected(error, request);
  }
}
