/**
 * Reads the end of the store's log, with at most one read at a time. Requests that do not wait need
 * a new read each, so without this bound one client in a loop could load the store.
 */
export class StoreEnd<T> {
  readonly #read: () => Promise<T>;
  #current: Promise<T> | undefined;
  #next: Promise<T> | undefined;

  constructor(read: () => Promise<T>) {
    this.#read = read;
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
