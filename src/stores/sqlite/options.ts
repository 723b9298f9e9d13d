import { resolve } from 'node:path';
import { TIMER_MS_MAX } from '../../core/clock.js';
import { type Filled, type NumberRule, numberOptions, wrongOption } from '../../core/options.js';

/**
 * The file and its limits. When the log exceeds a limit, the store removes the oldest
 * notifications.
 */
export interface SqliteStoreOptions {
  /**
   * Path of the file. The store creates the file. Its folder must exist and be on a local disk. A
   * relative path belongs to the working directory at the time of this call.
   */
  readonly path: string;
  /**
   * Notifications kept. The store removes them in batches, so it keeps up to 10 % more, but at most
   * 1,000 more. Default 1,000,000.
   */
  readonly retainCount?: number | undefined;
  /** Milliseconds for which a notification is kept. Default seven days. */
  readonly retainMs?: number | undefined;
  /** Bytes of JSON kept. The file is about a third larger. Default 1 GiB. */
  readonly retainBytes?: number | undefined;
  /** Milliseconds for which a repeated `id` is recognised. Default ten minutes. */
  readonly idempotencyMs?: number | undefined;
  /**
   * Ids remembered in memory. Above this number, the store forgets the oldest ids early.
   * Default 100,000.
   */
  readonly idempotencyCount?: number | undefined;
  /**
   * Keys that can be claimed at once, such as used tickets; further keys are rejected. A claim
   * takes about 200 bytes of disk. Default 1,000,000.
   */
  readonly claimCount?: number | undefined;
  /**
   * Milliseconds between reads of other processes' appends, while a tail is open. Such an append
   * normally wakes the tail at once; this read finds one whose signal was lost. Default 25.
   */
  readonly pollMs?: number | undefined;
  /** Milliseconds that a call waits for a lock before `store_unavailable`. Default 5,000. */
  readonly busyMs?: number | undefined;
}

export type SqliteStoreSettings = Filled<SqliteStoreOptions>;

/** The name of the caller in error messages. */
const OWNER = 'sqliteStore';
const ANY_MAX = Number.MAX_SAFE_INTEGER;
const RULES: Readonly<Record<Exclude<keyof SqliteStoreOptions, 'path'>, NumberRule>> = {
  retainCount: { default: 1_000_000, min: 1, max: ANY_MAX },
  retainMs: { default: 7 * 24 * 3_600_000, min: 1, max: ANY_MAX },
  retainBytes: { default: 1024 * 1024 * 1024, min: 1, max: ANY_MAX },
  idempotencyMs: { default: 600_000, min: 1, max: ANY_MAX },
  // A remembered id takes about 150 bytes of memory.
  idempotencyCount: { default: 100_000, min: 1, max: 10_000_000 },
  claimCount: { default: 1_000_000, min: 1, max: ANY_MAX },
  pollMs: { default: 25, min: 1, max: TIMER_MS_MAX },
  busyMs: { default: 5_000, min: 1, max: TIMER_MS_MAX },
};

/** @throws RangeError that names the option, its value and the allowed values */
export function checkedOptions(options: SqliteStoreOptions): SqliteStoreSettings {
  const { path } = options;
  if (typeof path !== 'string' || path === '' || path.includes('\0') || path.startsWith(':')) {
    throw wrongOption({ owner: OWNER, name: 'path', value: path, rule: 'must be the path of a file' });
  }
  // Each opening of the file must find the same file, also after `process.chdir`.
  return { path: resolve(path), ...numberOptions(options, { owner: OWNER, numbers: RULES, others: ['path'] }) };
}
