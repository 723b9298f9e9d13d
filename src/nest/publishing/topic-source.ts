/** The topics of a publish to many topics, read one by one. A signal ends a pending read. */
export class TopicSource {
  readonly #next: () => string | undefined | Promise<string | undefined>;
  readonly #return: () => unknown;
  readonly #signal: AbortSignal | undefined;
  #isDone = false;

  constructor(topics: Iterable<string> | AsyncIterable<string>, signal: AbortSignal | undefined) {
    this.#signal = signal;
    if (Symbol.asyncIterator in topics) {
      const iterator = topics[Symbol.asyncIterator]();
      this.#next = async () => this.#topicOf(await this.#unlessAborted(iterator.next()));
      this.#return = () => iterator.return?.();
    } else {
      const iterator = topics[Symbol.iterator]();
      this.#next = () => this.#topicOf(iterator.next());
      this.#return = () => iterator.return?.();
    }
  }

  /** The next topic; undefined at the end. A topic of a synchronous iterable needs no promise. */
  next(): string | undefined | Promise<string | undefined> {
    this.#signal?.throwIfAborted();
    return this.#next();
  }

  /** Releases the iterator, unless it is at its end. */
  async close(): Promise<void> {
    if (!this.#isDone) await this.#return();
  }

  #topicOf({ done, value }: IteratorResult<string, unknown>): string | undefined {
    if (done) this.#isDone = true;
    return done ? undefined : (value as string);
  }

  /** Adds one listener for each read. Listeners that stay until the end would accumulate. */
  #unlessAborted<T>(read: Promise<T>): Promise<T> {
    const signal = this.#signal;
    if (!signal) return read;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      read.then(resolve, reject).finally(() => {
        signal.removeEventListener('abort', onAbort);
      });
    });
  }
}
