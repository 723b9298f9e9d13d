import type { LogEntry } from './notification.js';

/**
 * The list is compacted when at least this many of its slots are unused. Below this number,
 * compaction costs more than the memory of the slots.
 */
const COMPACT_AT = 64;

/**
 * Log entries in the order of their positions, with access by index. A removed entry leaves a hole,
 * so the other entries do not move. At most half of a long list are holes. Adding, dropping and
 * removing an entry take amortised constant time, apart from a binary search.
 */
export class EntryList {
  /** A hole is the position of the removed entry. The first and the last item are entries. */
  #items: (LogEntry | number)[] = [];
  #start = 0;
  #count = 0;

  /** The number of entries. */
  get count(): number {
    return this.#count;
  }

  /** The length of the list with its holes: one more than the last index. */
  get end(): number {
    return this.#items.length - this.#start;
  }

  /** The entry at an index. Undefined for a hole and outside of the list. */
  at(index: number): LogEntry | undefined {
    const item = this.#items[this.#start + index];
    return typeof item === 'number' ? undefined : item;
  }

  get first(): LogEntry | undefined {
    return this.at(0);
  }

  /** Adds an entry at the end. */
  push(entry: LogEntry): void {
    this.#items.push(entry);
    this.#count++;
  }

  /** Removes the first entry and returns it. */
  shift(): LogEntry | undefined {
    const { first } = this;
    if (first) this.#removeAt(0, first.position);
    return first;
  }

  /** Removes an entry. Does nothing if the list does not have it. */
  remove(entry: LogEntry): void {
    const index = this.indexAfter(entry.position - 1);
    if (this.at(index) === entry) this.#removeAt(index, entry.position);
  }

  /** Removes the items from `from` up to, not including, `to`. The items after them move. */
  removeRange(from: number, to: number): readonly LogEntry[] {
    const removed = this.#items.splice(this.#start + from, to - from).filter((item) => typeof item !== 'number');
    this.#count -= removed.length;
    this.#trim();
    return removed;
  }

  /** The index of the first item after a position, by binary search. It may be a hole. */
  indexAfter(position: number): number {
    let low = 0;
    let high = this.end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const item = this.#items[this.#start + middle] ?? 0;
      const entryPosition = typeof item === 'number' ? item : item.position;
      if (entryPosition > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The index of the next entry from `index` on, in the direction of `step`; holes are skipped. */
  entryFrom(index: number, step: 1 | -1): number {
    let next = index;
    while (next >= 0 && next < this.end && !this.at(next)) next += step;
    return next;
  }

  #removeAt(index: number, position: number): void {
    this.#items[this.#start + index] = position;
    this.#count--;
    this.#trim();
    const unused = this.#items.length - this.#count;
    if (unused < COMPACT_AT || unused * 2 < this.#items.length) return;
    this.#items = this.#items.filter((item, at) => at >= this.#start && typeof item !== 'number');
    this.#start = 0;
  }

  /** Drops the holes at both ends. */
  #trim(): void {
    while (this.end > 0 && !this.first) this.#items[this.#start++] = 0;
    while (this.end > 0 && !this.at(this.end - 1)) this.#items.pop();
  }
}
