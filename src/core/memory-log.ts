import { Fifo } from './fifo.js';
import type { IsSkipped } from './entry-filter.js';
import type { LogEntry } from './notification.js';
import { afterDeclaration, completeAfter, covers, type IndexedPattern } from './patterns.js';
import type { RemoveQuery } from './removal.js';
import type { HistoryQuery, ReadQuery } from './store.js';

/**
 * The result of a read from a part of the log. The fields have the same meaning as in `ReadResult`.
 */
export interface LogSlice {
  readonly entries: readonly LogEntry[];
  readonly more: boolean;
}

/**
 * A run of at least this many skipped entries is removed from the index of its topic. So a read
 * tests few entries for each entry that it returns. A shorter run costs less to skip than to
 * remove.
 */
const SKIPPED_RUN_MIN = 8;

/**
 * A contiguous part of the log in memory: all entries after `floor` up to `head`, except removed
 * ones. They are indexed by topic and by declared patterns. The memory store keeps its whole log in
 * a `MemoryLog`. Each node keeps its window in one.
 *
 * Reads may skip entries. An entry that was skipped once is skipped by every later read, so the
 * index need not keep it.
 */
export class MemoryLog {
  readonly #entries = new Fifo<LogEntry>();
  readonly #byTopic = new Map<string, Fifo<LogEntry>>();
  readonly #byPattern = new Map<string, Fifo<LogEntry>>();
  #patterns: readonly IndexedPattern[] = [];
  #floor: number;
  #head: number;
  #bytes = 0;

  /** An empty log that continues after a position, with an index for each pattern. */
  constructor(floor = 0, patterns: readonly string[] = []) {
    this.#floor = floor;
    this.#head = floor;
    this.indexPatterns(patterns);
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

  /** Indexes later entries by these patterns too. */
  indexPatterns(patterns: readonly string[]): void {
    this.#patterns = afterDeclaration(this.#patterns, patterns, this.#head);
    const names = this.#patterns.map(({ name }) => name);
    for (const name of this.#byPattern.keys()) if (!names.includes(name)) this.#byPattern.delete(name);
    for (const name of names) if (!this.#byPattern.has(name)) this.#byPattern.set(name, new Fifo());
  }

  /** The position after which the log is complete for a read of these topics and patterns. */
  completeAfter(names: readonly string[]): number {
    return Math.max(this.#floor, completeAfter(this.#patterns, names, this.#head));
  }

  /** Adds an entry at the end; its position must be above `head`. */
  add(entry: LogEntry): void {
    this.#entries.push(entry);
    this.#head = entry.position;
    this.#bytes += entry.bytes;
    let topic = this.#byTopic.get(entry.topic);
    if (!topic) this.#byTopic.set(entry.topic, (topic = new Fifo()));
    topic.push(entry);
    for (const [pattern, entries] of this.#byPattern) if (covers(pattern, entry.topic)) entries.push(entry);
  }

  /** Moves `head` over positions without entries. */
  advance(head: number): void {
    if (head > this.#head) this.#head = head;
  }

  /** Removes the oldest entry and returns it. Undefined if the log is empty. */
  dropOldest(): LogEntry | undefined {
    const entry = this.#entries.shift();
    if (!entry) return undefined;
    this.#floor = entry.position;
    this.#bytes -= entry.bytes;
    const topic = this.#byTopic.get(entry.topic);
    // A skipped entry may no longer be in the index.
    if (topic?.length && topic.at(0) === entry) topic.shift();
    if (topic?.length === 0) this.#byTopic.delete(entry.topic);
    for (const entries of this.#byPattern.values()) if (entries.at(0) === entry) entries.shift();
    return entry;
  }

  /**
   * Removes the entries of a topic up to a position, and returns them. `floor` and `head` stay the
   * same. It visits all entries: a skipped entry may no longer be in the index.
   */
  remove({ topic, upTo }: Pick<RemoveQuery, 'topic' | 'upTo'>): readonly LogEntry[] {
    const removed: LogEntry[] = [];
    this.#entries.keep((entry) => {
      const isKept = entry.topic !== topic || entry.position > upTo;
      if (!isKept) removed.push(entry);
      return isKept;
    });
    for (const { bytes } of removed) this.#bytes -= bytes;
    const ofTopic = this.#byTopic.get(topic);
    ofTopic?.remove(0, indexAfter(ofTopic, upTo));
    if (ofTopic?.length === 0) this.#byTopic.delete(topic);
    for (const [pattern, entries] of this.#byPattern) {
      if (covers(pattern, topic)) entries.keep((entry) => entry.topic !== topic || entry.position > upTo);
    }
    return removed;
  }

  /** Every entry strictly after a position, in order. */
  all(after: number): LogEntry[] {
    const entries: LogEntry[] = [];
    for (let i = indexAfter(this.#entries, after); i < this.count; i++) entries.push(this.#entries.at(i));
    return entries;
  }

  /** The lowest position above `after` with an entry of these topics that is not skipped. */
  firstAfter(topics: readonly string[], after: number, isSkipped?: IsSkipped): number | undefined {
    let first: number | undefined;
    for (const name of topics) {
      const topic = this.#indexOf(name);
      if (!topic) continue;
      const index = indexOfLive(topic, indexAfter(topic, after), isSkipped);
      if (index === topic.length) continue;
      const { position } = topic.at(index);
      if (first === undefined || position < first) first = position;
    }
    return first;
  }

  /** The highest position below `before` with an entry of these topics, if any. */
  lastBefore(topics: readonly string[], before: number): number | undefined {
    const run = nextRun(this.#runs({ topics, before }), -1);
    return run?.topic.at(run.index).position;
  }

  /**
   * Reads entries of these topics. A read after a position returns them in the order of the log. A
   * read before a position returns the newest first. `limit` and `bytesMax` both apply, but
   * `bytesMax` never excludes the first entry. Skipped entries do not count.
   */
  read(query: ReadQuery | HistoryQuery, isSkipped?: IsSkipped): LogSlice {
    const step = query.before === undefined ? 1 : -1;
    const runs = this.#runs(query);
    const entries: LogEntry[] = [];
    let bytes = 0;
    for (;;) {
      const run = nextRun(runs, step);
      if (!run) return { entries, more: false };
      const entry = run.topic.at(run.index);
      if (isSkipped?.(entry)) {
        run.index = step > 0 ? indexOfLive(run.topic, run.index, isSkipped) : run.index - 1;
        continue;
      }
      bytes += entry.bytes;
      if (entries.length >= query.limit || (entries.length > 0 && bytes > query.bytesMax)) {
        return { entries, more: true };
      }
      entries.push(entry);
      run.index += step;
    }
  }

  #indexOf(name: string): Fifo<LogEntry> | undefined {
    return this.#byTopic.get(name) ?? this.#byPattern.get(name);
  }

  #runs({ topics, after, before }: RunsQuery): Run[] {
    const runs: Run[] = [];
    for (const name of topics) {
      const topic = this.#indexOf(name);
      if (!topic) continue;
      const index = before === undefined ? indexAfter(topic, after) : indexAfter(topic, before - 1) - 1;
      runs.push({ topic, index });
    }
    return runs;
  }
}

type RunsQuery = Pick<ReadQuery, 'topics' | 'after' | 'before'> | Pick<HistoryQuery, 'topics' | 'after' | 'before'>;

interface Run {
  readonly topic: Fifo<LogEntry>;
  index: number;
}

/**
 * Returns the run with the next entry. A cursor on a topic consists of its list and the index of
 * its next entry. With `step` 1 the next entry has the lowest position, with `step` -1 the highest.
 * Undefined when all runs have ended.
 */
function nextRun(runs: readonly Run[], step: 1 | -1): Run | undefined {
  let best: Run | undefined;
  let position = 0;
  for (const run of runs) {
    if (run.index < 0 || run.index === run.topic.length) continue;
    const other = run.topic.at(run.index).position;
    if (best && (other - position) * step > 0) continue;
    [best, position] = [run, other];
  }
  return best;
}

/**
 * Index of the first entry from `index` on that is not skipped. Removes the skipped entries before
 * it if they are at least `SKIPPED_RUN_MIN`.
 */
function indexOfLive(topic: Fifo<LogEntry>, index: number, isSkipped: IsSkipped | undefined): number {
  if (!isSkipped) return index;
  let end = index;
  while (end < topic.length && isSkipped(topic.at(end))) end++;
  if (end - index < SKIPPED_RUN_MIN) return end;
  topic.remove(index, end);
  return index;
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
