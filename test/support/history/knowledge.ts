import type { Publish } from './history.js';
import type { Orders } from './orders.js';

/** What a history is held against. */
export interface Knowledge {
  readonly orders: Orders;
  readonly publishes: ReadonlyMap<string, Publish>;
  /** Milliseconds after which what can be told has to be told. */
  readonly lateMs: number;
  /** Whether a gap may be right though nobody can say of what. */
  readonly gapsMayBe: boolean;
}
