import { Fifo } from './fifo.js';
import type { LogEntry } from './notification.js';

/**
 * The result of a read from a part of the log. The fields have the same meaning as in `ReadResult`.
 */
export interface LogSlice {
  readonly entries: readonly LogEntry[];
  readonly more: boolean;
}

/**
 * A contiguous part of the log in memory, indexed by topic: all entries after `floor` up to `head`.
 * The memory store keeps its whole log in one. A node keeps its window in one.
 */
export class MemoryLog {
  readonly #entries = new Fifo<LogEntry>();
  readonly #byTopic = new Map<string, Fifo<LogEntry>>();
  #floor: number;
  #head: number;
  #bytes = 0;

  /** An empty log that continues after a position. */
  constructor(floor = 0) {
    this.#floor = floor;
    this.#head = floor;
  }

  /** The position after which this part is complete. */
  get floor(): number {
    return this.#floor;
  }

  /** The position up to which this part is complete. */
  get head(): number {
    return this.#head;
  }

  get count(): number {
    return this.#entries.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get topicCount(): number {
    return this.#byTopic.size;
  }

  /** Adds an entry at the end; its position must be above `head`. */
  add(entry: LogEntry): void {
    this.#entries.push(entry);
    this.#head = entry.position;
    this.#bytes += entry.bytes;
    let topic = this.#byTopic.get(entry.topic);
    if (!topic) this.#byTopic.set(entry.topic, (topic = new Fifo()));
    topic.push(entry);
  }

  /** Moves `head` over positions without entries. */
  advance(head: number): void {
    if (head > this.#head) this.#head = head;
  }

  /** Removes the oldest entry and returns it; undefined when there is none. */
  dropOldest(): LogEntry | undefined {
    const entry = this.#entries.shift();
    if (!entry) return undefined;
    this.#floor = entry.position;
    this.#bytes -= entry.bytes;
    const topic = this.#byTopic.get(entry.topic);
    topic?.shift();
    if (topic?.length === 0) this.#byTopic.delete(entry.topic);
    return entry;
  }

  /** Every entry strictly after a position, in order. */
  all(after: number): LogEntry[] {
    const entries: LogEntry[] = [];
    for (let i = indexAfter(this.#entries, after); i < this.count; i++) entries.push(this.#entries.at(i));
    return entries;
  }

  /** The position of the first entry of these topics after `after`, if any. */
  firstAfter(topics: readonly string[], after: number): number | undefined {
    let first: number | undefined;
    for (const name of topics) {
      const topic = this.#byTopic.get(name);
      if (!topic) continue;
      const index = indexAfter(topic, after);
      if (index === topic.length) continue;
      const { position } = topic.at(index);
      if (first === undefined || position < first) first = position;
    }
    return first;
  }

  /**
   * Entries of these topics strictly after a position, in order. Both bounds apply, but it returns
   * at least one.
   */
  read(query: { topics: readonly string[]; after: number; limit: number; bytesMax: number }): LogSlice {
    const runs: Run[] = [];
    for (const name of query.topics) {
      const topic = this.#byTopic.get(name);
      if (topic) runs.push({ topic, index: indexAfter(topic, query.after) });
    }
    const entries: LogEntry[] = [];
    let bytes = 0;
    for (;;) {
      const run = lowest(runs);
      if (!run) return { entries, more: false };
      const entry = run.topic.at(run.index++);
      bytes += entry.bytes;
      if (entries.length >= query.limit || (entries.length > 0 && bytes > query.bytesMax)) {
        return { entries, more: true };
      }
      entries.push(entry);
    }
  }
}

interface Run {
  readonly topic: Fifo<LogEntry>;
  index: number;
}

/** The run whose next entry has the lowest position. Undefined when all runs are at their end. */
function lowest(runs: readonly Run[]): Run | undefined {
  let best: Run | undefined;
  for (const run of runs) {
    if (run.index === run.topic.length) continue;
    if (!best || run.topic.at(run.index).position < best.topic.at(best.index).position) best = run;
  }
  return best;
}

/** Index of the first entry after a position, by binary search. */
function indexAfter(entries: Fifo<LogEntry>, after: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries.at(middle).position > after) high = middle;
    else low = middle + 1;
  }
  return low;
}
