import { Fifo } from './fifo.js';
import type { LogPage } from './page.js';

/**
 * Bytes that all concurrent reads of the store may return together. Further reads are queued. Each
 * result stays in memory until its page is delivered. Without the bound, many reconnecting clients
 * would read thousands of pages at once.
 */
export const STORE_READS_BYTES_MAX = 16 * 1024 * 1024;

/** One read of the store. Equal reads have the same key. */
export interface StoreRead {
  readonly key: string;
  /** The most bytes that it returns. */
  readonly bytesMax: number;
  read(): Promise<LogPage>;
  /** False when the caller has left. A read without a caller is skipped instead of started. */
  isWanted(): boolean;
}

interface SharedRead extends Pick<StoreRead, 'key' | 'bytesMax'> {
  readonly page: Promise<LogPage>;
  readonly callers: StoreRead[];
  readonly settle: (page: Promise<LogPage>) => void;
}

/**
 * Runs the reads of a store. Equal reads that overlap are executed once. All reads share one bound
 * on their bytes.
 */
export class StoreReads {
  readonly #byKey = new Map<string, SharedRead>();
  readonly #queue = new Fifo<SharedRead>();
  #bytes = 0;

  /**
   * Joins an equal read that is queued or in progress, or adds a new one. If all callers leave
   * before the read starts, it is skipped and the promise rejects.
   */
  read(caller: StoreRead): Promise<LogPage> {
    const { key, bytesMax } = caller;
    const joined = this.#byKey.get(key);
    if (joined) {
      joined.callers.push(caller);
      return joined.page;
    }
    let settle: SharedRead['settle'] = () => undefined;
    const page = new Promise<LogPage>((resolve) => (settle = resolve));
    const shared = { key, bytesMax, page, callers: [caller], settle };
    this.#byKey.set(key, shared);
    this.#queue.push(shared);
    this.#startNext();
    return page;
  }

  #startNext(): void {
    while (this.#queue.length > 0 && this.#fits(this.#queue.at(0))) {
      const shared = this.#queue.shift();
      if (shared) this.#start(shared);
    }
  }

  #fits({ bytesMax }: SharedRead): boolean {
    return this.#bytes === 0 || this.#bytes + bytesMax <= STORE_READS_BYTES_MAX;
  }

  #start({ key, bytesMax, callers, settle }: SharedRead): void {
    const caller = callers.find((one) => one.isWanted());
    if (!caller) {
      this.#byKey.delete(key);
      settle(Promise.reject(new Error('No caller waits for this read of the store.')));
      return;
    }
    this.#bytes += bytesMax;
    const done = (): void => {
      this.#byKey.delete(key);
      this.#bytes -= bytesMax;
      this.#startNext();
    };
    settle(caller.read().finally(done));
  }
}
