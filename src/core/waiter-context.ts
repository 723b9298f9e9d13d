import type { Clock } from './clock.js';
import type { Observers } from './observers.js';
import type { Reader } from './reader.js';
import type { RecentRevocations } from './recent-revocations.js';
import type { FeedWaiter, Waiters } from './waiters.js';

/** The message of a rejection while this node is behind the store. */
export const BEHIND = 'This node has not read the newest part of the log yet; retry.';

/** The parts of a feed that all its waiters share. */
export interface WaiterContext {
  readonly clock: Clock;
  readonly reader: Reader;
  readonly waiters: Waiters<FeedWaiter>;
  readonly revocations: RecentRevocations;
  readonly observer: Observers;
}

/** The turns of a waiter. In each turn it reads, and waits if there is nothing new. */
export interface Turns {
  /** `one`: the waiter ends with its first page, as a poll does. `many`: a stream. */
  readonly count: 'one' | 'many';
  /** How long each turn waits for new notifications. */
  readonly waitMs: number;
}

/**
 * `reading`: a read or its access check is in progress. `waiting`: no new notifications.
 * `delivering`: the consumer has not drained the last page.
 */
export type WaiterState = 'reading' | 'waiting' | 'delivering' | 'ended';
