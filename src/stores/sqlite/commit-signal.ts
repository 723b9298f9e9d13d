import { type FSWatcher, utimes, watch } from 'node:fs';
import type { Clock } from '../../core/clock.js';
import type { StoreLogger } from '../../core/store.js';
import { reasonOf } from './engine.js';
import { createFile, inodeAt } from './file-identity.js';

/**
 * The delay before a failed watch is tried again. The delay is long because each attempt blocks the
 * event loop, and polls find all commits meanwhile.
 */
export const WATCH_RETRY_MS = 10_000;

export interface CommitSignalOptions {
  /** Path of the log's file. */
  readonly path: string;
  /** The interval of the reads that find a commit without its signal. For the log line. */
  readonly pollMs: number;
  readonly clock: Clock;
  readonly logger: StoreLogger;
  /** Called after commits, at most once in a turn of the event loop. It must not throw. */
  readonly onSignal: () => void;
}

/**
 * Wakes the processes that share the file. After a commit, a process sets the time of an empty file
 * beside the log. The operating system notifies the processes that watch this file.
 *
 * The write-ahead log cannot be the signal. It changes several times for each commit, before
 * readers can see the commit. The files of the engine are not watched either. On some systems a
 * watch opens the file. Closing the file releases the engine's locks on it.
 *
 * A signal can get lost: a process is killed between its commit and its signal, the system has no
 * watches left, or two sandboxes share the file. So the store also polls.
 */
export class CommitSignal {
  readonly #options: CommitSignalOptions;
  readonly #path: string;
  #watcher: FSWatcher | undefined;
  /** The inode that is watched. */
  #inode: number | undefined;
  /** After a failure, the time of the next attempt. */
  #retryAtMs = -Infinity;
  #hasWarned = false;
  #isDue = false;
  #isSending = false;
  #sendsAgain = false;

  constructor(options: CommitSignalOptions) {
    this.#options = options;
    this.#path = `${options.path}-wake`;
  }

  /**
   * Watches the signal, and begins again after its file was replaced. Call it repeatedly. A running
   * watch costs one call of `stat`. After a failure, it tries again every `WATCH_RETRY_MS`.
   */
  watch(): void {
    if (this.#options.clock.monotonic() < this.#retryAtMs) return;
    const inode = inodeAt(this.#path);
    if (inode !== undefined && inode === this.#inode) return;
    this.stop();
    try {
      createFile(this.#path);
      this.#inode = inodeAt(this.#path);
      // A process that has nothing else to do may end.
      this.#watcher = watch(this.#path, { persistent: false }, (event) => {
        // The file was removed. A new file may get its inode.
        if (event === 'rename') this.stop();
        this.#notify();
      });
      this.#watcher.on('error', (error) => {
        this.#fail(error);
      });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Ends the watch. */
  stop(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#inode = undefined;
  }

  /**
   * Notifies other processes that a commit can be read. The call does not wait, because the file
   * system may be busy with a flush. Commits during one call share the next one.
   */
  send(): void {
    this.#sendsAgain = this.#isSending;
    if (this.#isSending) return;
    this.#isSending = true;
    const seconds = this.#options.clock.now() / 1000;
    utimes(this.#path, seconds, seconds, () => {
      // Without the file, no process watches it. After another failure, the processes poll.
      this.#isSending = false;
      if (this.#sendsAgain) this.send();
    });
  }

  #notify(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#options.clock.setImmediate(() => {
      this.#isDue = false;
      if (this.#watcher) this.#options.onSignal();
    });
  }

  #fail(error: unknown): void {
    const { pollMs, clock, logger } = this.#options;
    this.stop();
    this.#retryAtMs = clock.monotonic() + WATCH_RETRY_MS;
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    logger.warn(
      `The sqlite store cannot watch ${JSON.stringify(this.#path)}: ${reasonOf(error)}. It polls every ${pollMs} ms, and tries again every ${WATCH_RETRY_MS / 1000} s.`,
    );
  }
}
