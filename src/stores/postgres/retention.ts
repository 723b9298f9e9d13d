import type { Clock, Timer } from '../../core/clock.js';
import type { LogAccess } from './log-access.js';
import type { PostgresStoreSettings } from './options.js';
import { calls } from './sql/calls.sql.js';

export interface RetentionOptions {
  readonly settings: PostgresStoreSettings;
  readonly clock: Clock;
  readonly access: LogAccess;
  /** Has `trim` run, beside calls. */
  readonly onDue: () => void;
}

/** Entries removed in one transaction. */
const REMOVE_MAX = 2000;

/** Entries appended before the bounds are checked: a part of what is kept, within this bound. */
const TRIM_COUNT_MAX = 1000;
const TRIM_PART = 0.1;
/**
 * How often the age of the oldest entry is checked: a twentieth of what it may be, within these
 * bounds.
 */
const AGE_CHECKS = 20;
const AGE_CHECK_MS_MIN = 50;
const AGE_CHECK_MS_MAX = 60_000;

/**
 * Decides when the oldest entries are removed: after appends, and by time when nothing is appended.
 */
export class Retention {
  readonly #options: RetentionOptions;
  #appended = 0;
  #timer: Timer;
  #isClosed = false;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  start(): void {
    const { settings, clock, onDue } = this.#options;
    const dueMs = Math.min(AGE_CHECK_MS_MAX, Math.max(AGE_CHECK_MS_MIN, settings.retainMs / AGE_CHECKS));
    this.#timer = clock.setTimeout(() => {
      onDue();
      this.start();
    }, dueMs);
  }

  countAppended(count: number): void {
    this.#appended += count;
    if (this.#appended < Math.min(TRIM_COUNT_MAX, this.#options.settings.retainCount * TRIM_PART)) return;
    this.#appended = 0;
    this.#options.onDue();
  }

  /** Removes all that is over a bound, batch by batch. */
  async trim(): Promise<void> {
    const { settings, access } = this.#options;
    const { retainCount, retainBytes, retainMs, schema } = settings;
    const values = [retainCount, retainBytes, retainMs, REMOVE_MAX];
    let removed = REMOVE_MAX;
    while (removed === REMOVE_MAX && !this.#isClosed) {
      removed = await access.work(calls(schema).trim, values, ([row]) => Number(row?.removed));
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#options.clock.clearTimeout(this.#timer);
  }
}
