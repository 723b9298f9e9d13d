import { statSync, utimesSync } from 'node:fs';

/**
 * Shows processes that others wait for the write lock, so that they give way. SQLite has no queue
 * for it. The sign is the access time of the shared memory file, which nothing else uses: each
 * process that waits sets it to another value.
 */
export class LockQueue {
  readonly #path: string;
  #seen: number | undefined;

  constructor(path: string) {
    this.#path = `${path}-shm`;
  }

  showWaiting(): void {
    // Whole seconds, because some file systems keep no more.
    this.#seen = Math.floor(Math.random() * 2 ** 30);
    try {
      utimesSync(this.#path, this.#seen, this.#seen);
    } catch {
      // Without the sign the lock is not shared fairly.
    }
  }

  /** Whether another process has waited since the last call. */
  get othersWait(): boolean {
    const seconds = Math.floor((statSync(this.#path, { throwIfNoEntry: false })?.atimeMs ?? 0) / 1000);
    const isChanged = seconds !== this.#seen;
    this.#seen = seconds;
    return isChanged;
  }
}
