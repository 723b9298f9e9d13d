import type { StoreFactory } from '../../core/store.js';
import { KnownRecords } from '../shared/known-records.js';
import { withRetention } from '../shared/with-retention.js';
import { checkedOptions, type SqliteStoreOptions } from './options.js';
import { SqliteStore } from './sqlite-store.js';

export type { SqliteStoreOptions } from './options.js';

/**
 * The durable embedded store: the log is in an SQLite file on this machine, and any number of
 * processes may share it.
 *
 * - Engine: the package `libsql`; without it `node:sqlite`, if the runtime has that. With
 *   `node:sqlite`, a flush to the disk blocks the event loop.
 * - Durability: an acknowledged notification is in the write-ahead log and flushed (`synchronous =
 *   FULL`). It survives a kill of the process. It survives a power cut if the disk keeps flushed
 *   data. Concurrent publishes share one flush.
 * - Order: a process assigns positions under the file's write lock. Positions have no holes, and
 *   follow the order of commits.
 * - Idempotency: an id is recognised until `idempotencyMs` or `idempotencyCount` is reached, as
 *   long as its notification is kept. A jump of the clock changes nothing for running processes. If
 *   the clock jumps forward by an hour, a process that starts after the jump forgets ids an hour
 *   early.
 * - Claims: in the same file, as durable as the log. If the file has lost claims of this process, a
 *   new epoch begins.
 * - Epoch: kept in the file. Each start of a process begins an epoch that continues the epochs
 *   before it, so a restart causes no gap. After a backup is restored, cursors beyond the backup
 *   get a `reset` gap, even if the file keeps its inode. The file remembers 256 starts; a cursor
 *   that is older gets a `reset` gap.
 * - Loss: a file may have lost notifications if a copy has replaced it, or if it holds less than a
 *   running process has seen. Clients that continue past that point get one `expired` gap.
 * - Operators: put the file on a local disk, because a write-ahead log does not work on network
 *   file systems. The store creates it with mode 0600. Copy it with SQLite's own backup. Let no
 *   other program run a checkpoint on it: before SQLite 3.51.3 (which no libsql has yet) that can
 *   lose commits. The store's own checkpoints run under the write lock. Only the last one at close
 *   takes the lock itself. It runs if no other process has committed since.
 * - Several processes take turns at the write lock: a process that has waited for 20 ms gets it
 *   next. The write-ahead log is copied into the file at 16 MiB.
 * - Wake-up: after an append, a process sets the time of the file `<path>-wake`, which the other
 *   processes watch. If the system cannot watch it, they poll every `pollMs`.
 * - Errors: `store_unavailable` if the disk is full, the file is not writable, or another process
 *   has the lock for longer than `busyMs`. Nothing is written in part.
 *
 * @throws TypeError or RangeError for an invalid option; the message names it
 */
export function sqliteStore(options: SqliteStoreOptions): StoreFactory {
  const settings = checkedOptions(options);
  return withRetention(
    settings,
    async (runtime) => new KnownRecords(await SqliteStore.open(settings, runtime), runtime.logger),
  );
}
