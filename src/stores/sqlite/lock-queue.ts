import { statSync, utimesSync } from 'node:fs';

/**
 * Shows other processes that this process waits for the write lock. After a commit, they let a
 * waiting process take the lock first. SQLite has no queue for this lock. The signal is the access
 * time of the shared memory file, which nothing else uses. Each waiting process sets it to another
 * value.
 */
export class LockQueue {
  readonly #path: string;
  #seen: number | undefined;

  constructor(path: string) {
    this.#path = `${path}-shm`;
  }

  showWaiting(): void {
    // The value is in whole seconds, because some file systems keep nothing finer.
    this.#seen = Math.floor(Math.random() * 2 ** 30);
    try {
      utimesSync(this.#path, this.#seen, this.#seen);
    } catch {
      // Without the signal, processes do not share the lock fairly.
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
