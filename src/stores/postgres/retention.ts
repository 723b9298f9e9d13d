import type { Clock, Timer } from '../../core/clock.js';
import { ageCheckMs } from '../shared/age-checks.js';
import type { LogAccess } from './log-access.js';
import type { PostgresStoreSettings } from './options.js';
import { trimmedRow } from './rows.js';
import { statements } from './sql/statements.sql.js';

export interface RetentionOptions {
  readonly settings: PostgresStoreSettings;
  readonly clock: Clock;
  readonly access: LogAccess;
  /** Starts `trim` in the background. */
  readonly onDue: () => void;
  /** Starts a vacuum of the entries in the background. */
  readonly onVacuumDue: () => void;
}

/** Entries removed in one transaction. */
const REMOVE_MAX = 2000;

/**
 * The bounds are checked after this many appended entries or bytes, or after `TRIM_PART` of a bound
 * if that is less.
 */
const TRIM_COUNT_MAX = 1000;
const TRIM_BYTES_MAX = 1024 * 1024;
const TRIM_PART = 0.1;

/** Starts the removal of the oldest entries: after appends, and by time. */
export class Retention {
  readonly #options: RetentionOptions;
  /** Entries and bytes that were appended since the last check of the bounds. */
  #appended = { count: 0, bytes: 0 };
  #timer: Timer;
  #isClosed = false;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  start(): void {
    const { settings, clock, onDue } = this.#options;
    this.#timer = clock.setTimeout(() => {
      onDue();
      this.start();
    }, ageCheckMs(settings.retainMs));
  }

  countAppended(count: number, bytes: number): void {
    const { retainCount, retainBytes } = this.#options.settings;
    const appended = { count: this.#appended.count + count, bytes: this.#appended.bytes + bytes };
    const isDue =
      appended.count >= Math.min(TRIM_COUNT_MAX, retainCount * TRIM_PART) ||
      appended.bytes >= Math.min(TRIM_BYTES_MAX, retainBytes * TRIM_PART);
    this.#appended = isDue ? { count: 0, bytes: 0 } : appended;
    if (isDue) this.#options.onDue();
  }

  /** Removes all entries that exceed a bound, batch by batch. */
  async trim(): Promise<void> {
    const { settings, access, onVacuumDue } = this.#options;
    const { retainCount, retainBytes, retainMs, schema } = settings;
    const values = [retainCount, retainBytes, retainMs, REMOVE_MAX];
    for (let isMore = true; isMore && !this.#isClosed;) {
      const { removed, isVacuumDue } = await access.work(statements(schema).trim, values, trimmedRow);
      if (isVacuumDue) onVacuumDue();
      isMore = removed === REMOVE_MAX;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#options.clock.clearTimeout(this.#timer);
  }
}
