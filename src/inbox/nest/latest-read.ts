/**
 * Reads the latest state of something in the store, with at most one read at a time. Each request
 * needs a read that starts after it. Without this bound, one client with many requests could load
 * the store.
 */
export class LatestRead<T> {
  readonly #read: () => Promise<T>;
  #current: Promise<T> | undefined;
  #next: Promise<T> | undefined;

  constructor(read: () => Promise<T>) {
    this.#read = read;
  }

  /** True if no read is in progress or needed. */
  get isIdle(): boolean {
    return this.#current === undefined && this.#next === undefined;
  }

  /** The result of a read that starts after this call. Calls during a read share the next read. */
  read(): Promise<T> {
    if (this.#next) return this.#next;
    if (!this.#current) return this.#start();
    const start = (): Promise<T> => this.#start();
    this.#next = this.#current.then(start, start);
    return this.#next;
  }

  #start(): Promise<T> {
    this.#next = undefined;
    const current = this.#read().finally(() => {
      if (this.#current === current) this.#current = undefined;
    });
    this.#current = current;
    return current;
  }
}
