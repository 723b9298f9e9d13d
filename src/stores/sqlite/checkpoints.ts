import { statSync } from 'node:fs';
import type { Writer } from './engine.js';

/**
 * The write-ahead log goes into the file when it has grown by this much. More is written once for
 * many changes, but takes longer.
 */
const CHECKPOINT_BYTES = 16 * 1024 * 1024;
/**
 * Kept of the write-ahead log when it starts again: to write over a file is quicker than to extend
 * it.
 */
const KEPT_BYTES = CHECKPOINT_BYTES / 2;
/** How long the last checkpoint waits for others, whose commits and reads take milliseconds. */
const TRUNCATE_MS_MAX = 1_000;

/**
 * Brings the write-ahead log into the file. The size of the write-ahead log decides when, so that
 * all processes together keep it small, and so does what retention writes.
 */
export class Checkpoints {
  readonly #path: string;
  readonly #connection: Writer;
  /**
   * The size at the last checkpoint. If readers have held parts back, the next one waits for as
   * much again.
   */
  #doneBytes = 0;

  constructor(path: string, connection: Writer) {
    this.#path = `${path}-wal`;
    this.#connection = connection;
  }

  /**
   * Prepares the connection that commits. The engine's own checkpoints take no write lock, and are
   * off.
   */
  static async limit(writer: Writer): Promise<void> {
    await writer.exec('PRAGMA wal_autocheckpoint = 0');
    await writer.exec(`PRAGMA journal_size_limit = ${KEPT_BYTES}`);
  }

  /** Whether a checkpoint is due. Asked after each commit; it costs a call of `stat`. */
  get isDue(): boolean {
    const bytes = this.#bytes();
    if (bytes < this.#doneBytes) this.#doneBytes = 0;
    return bytes - this.#doneBytes >= CHECKPOINT_BYTES;
  }

  /**
   * Only under the write lock: before SQLite 3.51.3 (which no libsql has yet) a commit of another
   * process that resets the write-ahead log meanwhile can lose what is committed
   * (https://sqlite.org/wal.html#the_wal_reset_bug).
   */
  async run(): Promise<void> {
    await this.#connection.exec('PRAGMA wal_checkpoint(PASSIVE)');
    this.#doneBytes = this.#bytes();
  }

  /**
   * The last one, which empties the write-ahead log. The engine takes the write lock itself, and
   * waits for it.
   */
  async finish(): Promise<void> {
    await this.#connection.exec(`PRAGMA busy_timeout = ${TRUNCATE_MS_MAX}`);
    await this.#connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  close(): void {
    this.#connection.close();
  }

  #bytes(): number {
    return statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
  }
}
