import { statSync } from 'node:fs';
import type { Writer } from './engine.js';
import { type Salts, saltsOf } from './wal-file.js';

/**
 * A checkpoint copies the write-ahead log into the file. It is due when the write-ahead log has
 * grown by this much. With a larger value, one write of a page covers more changes, but a
 * checkpoint takes longer.
 */
const CHECKPOINT_BYTES = 16 * 1024 * 1024;
/**
 * The part of the write-ahead log's file that is kept after a checkpoint. To overwrite a file is
 * quicker than to extend it.
 */
const KEPT_BYTES = CHECKPOINT_BYTES / 2;
/**
 * Milliseconds that the last checkpoint waits for other processes. Their work takes milliseconds.
 */
const TRUNCATE_MS_MAX = 1_000;

/** The write-ahead log cannot be emptied yet. The code is that of a busy lock. */
class LogInUse extends Error {
  readonly code = 'SQLITE_BUSY';

  constructor() {
    super('another process uses the write-ahead log');
  }
}

/**
 * Copies the write-ahead log into the file. A copy is due when the size of the write-ahead log has
 * grown by `CHECKPOINT_BYTES`. This size includes the writes of all processes and of retention.
 */
export class Checkpoints {
  readonly #path: string;
  readonly #connection: Writer;
  /**
   * The size after the last checkpoint. A reader can prevent the checkpoint of some parts of the
   * write-ahead log. Then the next checkpoint is due when the size has grown by `CHECKPOINT_BYTES`
   * again.
   */
  #doneBytes = 0;

  constructor(path: string, connection: Writer) {
    this.#path = `${path}-wal`;
    this.#connection = connection;
  }

  /**
   * Prepares the connection that commits. It disables the engine's own checkpoints, because they
   * take no write lock.
   */
  static async limit(writer: Writer): Promise<void> {
    await writer.exec('PRAGMA wal_autocheckpoint = 0');
    await writer.exec(`PRAGMA journal_size_limit = ${KEPT_BYTES}`);
  }

  /**
   * True if a checkpoint is due. The store reads this after each commit. It costs a call of `stat`.
   */
  get isDue(): boolean {
    const bytes = this.#bytes();
    if (bytes < this.#doneBytes) this.#doneBytes = 0;
    return bytes - this.#doneBytes >= CHECKPOINT_BYTES;
  }

  /**
   * The caller must hold the write lock. Before SQLite 3.51.3 (which no libsql has yet), a commit
   * of another process may reset the write-ahead log during a checkpoint. Commits can then be lost
   * (https://sqlite.org/wal.html#the_wal_reset_bug).
   */
  async run(): Promise<void> {
    await this.#connection.exec('PRAGMA wal_checkpoint(PASSIVE)');
    this.#doneBytes = this.#bytes();
  }

  /**
   * The last checkpoint, which empties the write-ahead log. The engine takes the write lock. If the
   * lock is busy for too long, the engine continues without it. So the caller must be sure that no
   * other process is writing.
   */
  async finish(): Promise<void> {
    await this.#connection.exec(`PRAGMA busy_timeout = ${TRUNCATE_MS_MAX}`);
    await this.#connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  /**
   * Empties the write-ahead log. It holds old versions of pages, and a checkpoint leaves them in
   * place until they are overwritten. After a checkpoint of the whole log, the next commit
   * overwrites it from its start. With this limit, that commit also cuts off the rest.
   *
   * `wal_checkpoint(TRUNCATE)` does the same in one step. But if the write lock is busy for too
   * long, it continues without the lock.
   *
   * @param writer the connection that commits
   * @param commit commits the change of a page
   * @throws LogInUse if a process reads from the write-ahead log, or if another one has committed
   * since the checkpoint
   */
  async empty(writer: Writer, commit: () => Promise<void>): Promise<void> {
    const before = this.#salts();
    await writer.exec('PRAGMA journal_size_limit = 0');
    try {
      await commit();
    } finally {
      await Checkpoints.limit(writer);
    }
    const { valid, last } = this.#salts();
    if (valid === before.valid || last !== valid) throw new LogInUse();
  }

  close(): void {
    this.#connection.close();
  }

  #salts(): Salts {
    return saltsOf(this.#path);
  }

  #bytes(): number {
    return statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
  }
}
