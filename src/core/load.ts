import type { ReadKind } from './observer.js';

/** The load of a feed on this node, for metrics. `wakeMs` and `reads` never decrease. */
export interface FeedLoad {
  readonly waiters: Readonly<Record<ReadKind, number>>;
  /** Waiters that are queued for a delivery. Some of them may have left. */
  readonly queued: number;
  /** The time that the node has spent on deliveries so far, in milliseconds. */
  readonly wakeMs: number;
  /** The notifications and bytes that the window holds now. */
  readonly window: { readonly count: number; readonly bytes: number };
  /** Reads of pages. A read that joins an equal read of the store counts as a read of the store. */
  readonly reads: { readonly window: number; readonly store: number };
}

/**
 * The waiters and index entries of this node now. All numbers are zero when no client is connected.
 */
export interface FeedCounts {
  /** Held polls, open streams, and reads of the history in progress. */
  readonly waiters: number;
  /** Topics with at least one waiter. */
  readonly topics: number;
  /** Subscribers with at least one waiter. */
  readonly subscribers: number;
  /** Addresses with waiters, or with answers that are still being written. */
  readonly addresses: number;
}

/** The counts of a node that serves no reads. */
export const NOTHING_OPEN: FeedCounts = Object.freeze({ waiters: 0, topics: 0, subscribers: 0, addresses: 0 });
