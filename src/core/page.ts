import type { LogEntry } from './notification.js';
import type { Epoch } from './store.js';

/**
 * Why continuity is lost. `expired`: retention has removed notifications that follow the cursor. `reset`: the cursor
 * belongs to a log that is no more.
 */
export interface Gap {
  readonly reason: 'expired' | 'reset';
}

/** Why a waiter is being ended although its client would go on. `rights`: what its subscriber may read has changed. */
export type Ending = 'draining' | 'lifetime' | 'rights';

/** A place in the log that a client holds: what its cursor means. */
export interface LogPosition {
  readonly epochId: string;
  readonly position: number;
}

/** A place in no log at all: reading after it answers with a `reset` gap. */
export const NOWHERE: LogPosition = { epochId: '', position: 0 };

/** What one read answers, in the core's terms. Waiters that read the same page share one object, so that it is encoded once. */
export interface LogPage {
  readonly epoch: Epoch;
  readonly entries: readonly LogEntry[];
  /** Where the next read continues: everything up to here has been looked at for the asked topics. */
  readonly position: number;
  /** The next read will find something at once. */
  readonly more: boolean;
  readonly gap?: Gap;
  /** The waiter's last page. */
  readonly ending?: Ending;
  /** What the encoder made of this page; it lives as long as the page. A page that is made from another one must not copy it. */
  encoded?: unknown;
}
