import { statSync, utimesSync } from 'node:fs';

/**
 * Asks other processes for the write lock. After a commit, a process gives the lock to a process
 * that has asked for it. SQLite has no queue for this lock. The signal is the access time of the
 * shared memory file, which nothing else uses. Each process that asks sets it to another value.
 */
export class LockSignal {
  readonly #path: string;
  #seen: number | undefined;

  constructor(path: string) {
    this.#path = `${path}-shm`;
  }

  ask(): void {
    // The value is in whole seconds, because some file systems keep nothing finer.
    this.#seen = Math.floor(Math.random() * 2 ** 30);
    try {
      utimesSync(this.#path, this.#seen, this.#seen);
    } catch {
      // Without the signal, processes do not share the lock fairly.
    }
  }

  /** Whether another process has asked since the last call. */
  get othersAsk(): boolean {
    const seconds = Math.floor((statSync(this.#path, { throwIfNoEntry: false })?.atimeMs ?? 0) / 1000);
    const isChanged = seconds !== this.#seen;
    this.#seen = seconds;
    return isChanged;
  }
}
