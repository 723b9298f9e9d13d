import type { ClientRead } from './feed-request.js';
import type { Draft, LogEntry } from './notification.js';
import type { Gap } from './gap.js';
import type { LogPage, LogPosition } from './page.js';
import { withoutRetractions } from './retraction.js';

/** The transport of a read. A read of the history never waits. */
export type ReadKind = 'poll' | 'stream' | 'history';

/** One read of a client, from its start to its end: a waiter. */
export interface ObservedRead {
  readonly request: ClientRead;
  readonly kind: ReadKind;
  /**
   * The newest position of the node when the read began. Entries after it were appended while the
   * client was connected.
   */
  readonly startedAt: number;
}

/** One call of the store. */
export interface StoreCall {
  readonly operation: 'append' | 'read' | 'remove' | 'claim' | 'lookup';
  readonly durationMs: number;
  /** Set if the call failed. */
  readonly error?: unknown;
  /** The end of the log, as far as the result shows it. */
  readonly end?: LogPosition | undefined;
}

/**
 * An operation of a capability. Both names are constants of the code, so each has few different
 * values.
 */
export interface PerformedOperation {
  /** Such as `tickets` or `inbox`. */
  readonly capability: string;
  /** Such as `issue` or `read`. */
  readonly operation: string;
}

/**
 * Observes a feed, for counters, metrics and tests. The methods run inside the delivery, so they
 * must be fast. `Observers` catches their errors. An observer implements the methods that it needs.
 */
export interface FeedObserver {
  /** A waiter was registered: a poll, a stream or a read of the history has begun. */
  armed?(read: ObservedRead): void;
  /**
   * A waiter no longer receives notifications. The client may not have read its last answer yet.
   */
  ended?(read: ObservedRead): void;
  /**
   * The node has received new entries of the log. They include the library's own records, such as
   * revocations.
   */
  published?(entries: readonly LogEntry[]): void;
  /**
   * A page was delivered to one waiter. It may be empty. Its entries may include records of
   * retractions.
   */
  delivered?(page: LogPage, read: ObservedRead): void;
  /** The delivered page has a gap. Called after `delivered`. */
  gap?(gap: Gap, read: ObservedRead): void;
  /** A request was rejected, or a waiter ended with an error. */
  rejected?(error: unknown, read: ObservedRead): void;
  /** The built-in routes have rejected a request, for any reason. */
  refused?(error: unknown): void;
  /** The node has closed a connection whose client did not read. */
  cut?(limit: string): void;
  /** A call of the store has ended. */
  stored?(call: StoreCall): void;
  /** This node has appended drafts. The list has no duplicates. */
  appended?(drafts: readonly Draft[]): void;
  /** A capability has performed an operation. */
  performed?(operation: PerformedOperation): void;
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

/** Counts the events of a feed. */
export class FeedCounter implements FeedObserver {
  readonly #totals = { ...NO_TOTALS };

  get totals(): NotificationsTotals {
    return { ...this.#totals };
  }

  armed(): void {
    this.#totals.waiters++;
  }

  published(entries: readonly LogEntry[]): void {
    this.#totals.published += entries.length;
  }

  delivered(page: LogPage): void {
    page.notificationCount ??= withoutRetractions(page.entries).length;
    this.#totals.pages++;
    this.#totals.delivered += page.notificationCount;
  }

  gap(): void {
    this.#totals.gaps++;
  }

  rejected(): void {
    this.#totals.rejected++;
  }
}
