import type { StoreFactory } from '../../core/store.js';
import { KnownRecords } from '../shared/known-records.js';
import { checkedOptions, type SqliteStoreOptions } from './options.js';
import { SqliteStore } from './sqlite-store.js';

export type { SqliteStoreOptions } from './options.js';

/**
 * The durable embedded store: the log lives in an SQLite file on this machine, and any number of processes may share it.
 *
 * - Engine: the package `libsql`, or `node:sqlite` where the runtime has it and `libsql` is missing. With `node:sqlite`
 *   the event loop stands still while the disk is waited for.
 * - Durability: what is acknowledged is in the write-ahead log and flushed (`synchronous = FULL`): it survives a kill of
 *   the process, and a power cut if the disk keeps what it was told to flush. Concurrent publishes share one flush.
 * - Order: positions are given under the file's write lock, densely, so the order of positions is that of commits.
 * - Idempotency: `idempotencyMs` and `idempotencyCount`, whichever ends first, as long as the notification is kept. A machine's clock that
 *   jumps changes nothing for processes that run; one that starts after a jump forwards takes what stands in the file for that much older.
 * - Claims: in the same file, as durable as the log. If the file has lost claims that this process made, a new epoch begins.
 * - Epoch: kept in the file. Each start of a process begins one that continues the epochs before
 *   it, so a restart costs no gap. After a backup is restored, cursors beyond it get a `reset` gap,
 *   also where the file keeps its inode. The file remembers 256 starts; a cursor that is older gets
 *   a `reset` gap.
 * - Loss: a file that was replaced by a copy, or that holds less than a running process has seen,
 *   may have lost notifications. Clients that continue past that point get an `expired` gap once.
 * - Operators: put the file on a local disk (a write-ahead log does not work on network file systems), readable by the
 *   user of the processes alone (it is made with mode 0600), and copy it with SQLite's own backup. Let
 *   no other program checkpoint it: before version 3.51.3, which no libsql has yet, SQLite can lose commits to that; the store's own
 *   checkpoints are made under the write lock.
 * - Several processes take turns at the write lock: one that has committed gives way to those that
 *   wait. The write-ahead log goes into the file at 16 MiB.
 * - Errors: `store_unavailable` while the disk is full, the file cannot be written, or another process holds the lock for
 *   longer than `busyMs`; nothing is then written by halves.
 *
 * @throws TypeError or RangeError when an option is not what it may be; the message names it.
 */
export function sqliteStore(options: SqliteStoreOptions): StoreFactory {
  const settings = checkedOptions(options);
  return async (runtime) => new KnownRecords(await SqliteStore.open(settings, runtime), runtime.logger);
}
