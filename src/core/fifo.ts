/**
 * The array is compacted when it has this many unused slots at the front. Below this number,
 * compaction costs more than the memory of the slots.
 */
const COMPACT_AT = 64;

/**
 * A first-in-first-out queue with access by index. Every operation takes amortised constant time.
 */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #start = 0;

  get length(): number {
    return this.#items.length - this.#start;
  }

  /** The item at `index`, which must be below `length`. */
  at(index: number): T {
    return this.#items[this.#start + index] as T;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.at(0);
    this.#items[this.#start++] = undefined;
    if (this.#start >= COMPACT_AT && this.#start * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#start);
      this.#start = 0;
    }
    return item;
  }
}
