import { statSync } from 'node:fs';
import type { Writer } from './engine.js';

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
/**
 * Milliseconds that a checkpoint waits for other processes while commits wait for the checkpoint.
 * The caller repeats it.
 */
const EMPTY_MS_MAX = 50;

/** The write-ahead log cannot be emptied yet. The code is that of a busy lock. */
class LogInUse extends Error {
  readonly code = 'SQLITE_BUSY';

  constructor() {
    super('another process reads from the write-ahead log');
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
   * The last checkpoint, which empties the write-ahead log. The engine waits for the write lock and
   * takes it.
   */
  async finish(): Promise<void> {
    await this.#connection.exec(`PRAGMA busy_timeout = ${TRUNCATE_MS_MAX}`);
    await this.#connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  /**
   * Empties the write-ahead log. It holds old versions of pages, and a normal checkpoint leaves
   * them in place until they are overwritten.
   *
   * @throws LogInUse if another process reads from the write-ahead log
   */
  async empty(): Promise<void> {
    const before = this.#bytes();
    await this.#connection.exec(`PRAGMA busy_timeout = ${EMPTY_MS_MAX}`);
    await this.#connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    const after = this.#bytes();
    // A commit of another process may already have begun the next write-ahead log.
    if (after > 0 && after >= before) throw new LogInUse();
    this.#doneBytes = 0;
  }

  close(): void {
    this.#connection.close();
  }

  #bytes(): number {
    return statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
  }
}
