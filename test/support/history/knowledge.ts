import type { Publish } from './history.js';
import type { Orders } from './orders.js';

/** The facts that a history is checked against. */
export interface Knowledge {
  readonly orders: Orders;
  readonly publishes: ReadonlyMap<string, Publish>;
  /** Milliseconds within which a notification that can be delivered must be delivered. */
  readonly lateMs: number;
  /** Whether a gap may be right although its notifications are unknown. */
  readonly gapsMayBe: boolean;
}
