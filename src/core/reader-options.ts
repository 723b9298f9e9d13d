import type { Clock } from './clock.js';
import type { Store } from './store.js';

/** The dependencies of a reader. */
export interface ReaderOptions {
  readonly store: Store;
  readonly limits: ReaderLimits;
  /** Its wall clock decides which notifications have expired. */
  readonly clock: Clock;
  /** The window is also indexed by these patterns. The feed has declared them to the store. */
  readonly patterns?: readonly string[] | undefined;
}

/** The bounds of a page, and of the window that a node keeps. */
export interface ReaderLimits {
  readonly pageBytesMax: number;
  readonly windowCount: number;
  readonly windowBytes: number;
}
