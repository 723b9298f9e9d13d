import { EntryList } from './entry-list.js';
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
  readonly #entries = new EntryList();
  readonly #byTopic = new Map<string, EntryList>();
  readonly #byPattern = new Map<string, EntryList>();
  /** For each topic: the skipped entries of the log that were removed from the topic's index. */
  readonly #skipped = new Map<string, Set<LogEntry>>();
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
    return this.#entries.count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get oldest(): LogEntry | undefined {
    return this.#entries.first;
  }

  get topicCount(): number {
    return this.#byTopic.size;
  }

  /** Indexes later entries by these patterns too. */
  indexPatterns(patterns: readonly string[]): void {
    this.#patterns = afterDeclaration(this.#patterns, patterns, this.#head);
    const names = this.#patterns.map(({ name }) => name);
    for (const name of this.#byPattern.keys()) if (!names.includes(name)) this.#byPattern.delete(name);
    for (const name of names) if (!this.#byPattern.has(name)) this.#byPattern.set(name, new EntryList());
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
    if (!topic) this.#byTopic.set(entry.topic, (topic = new EntryList()));
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
    if (topic?.first === entry) topic.shift();
    else this.#dropSkipped(entry);
    if (topic?.count === 0) this.#byTopic.delete(entry.topic);
    for (const entries of this.#byPattern.values()) if (entries.first === entry) entries.shift();
    return entry;
  }

  /**
   * Removes the oldest entries of a topic up to a position, at most `limit`, and returns them.
   * `floor` and `head` stay the same. The cost depends on the number of these entries.
   */
  remove({ topic, upTo }: Pick<RemoveQuery, 'topic' | 'upTo'>, limit = Infinity): readonly LogEntry[] {
    const removed = [...(this.#skipped.get(topic) ?? [])].filter(({ position }) => position <= upTo).slice(0, limit);
    for (const entry of removed) this.#dropSkipped(entry);
    const ofTopic = this.#byTopic.get(topic);
    for (let next = ofTopic?.first; next && next.position <= upTo && removed.length < limit; next = ofTopic?.first) {
      ofTopic?.shift();
      removed.push(next);
    }
    if (ofTopic?.count === 0) this.#byTopic.delete(topic);
    const patterns = [...this.#byPattern].filter(([pattern]) => covers(pattern, topic));
    for (const entry of removed) {
      this.#bytes -= entry.bytes;
      this.#entries.remove(entry);
      for (const [, entries] of patterns) entries.remove(entry);
    }
    return removed;
  }

  /** Every entry strictly after a position, in order. */
  all(after: number): LogEntry[] {
    const entries: LogEntry[] = [];
    for (let index = this.#entries.indexAfter(after); index < this.#entries.end; index++) {
      const entry = this.#entries.at(index);
      if (entry) entries.push(entry);
    }
    return entries;
  }

  /** The newest entry with an id. The cost depends on the number of entries. */
  find(id: string): LogEntry | undefined {
    for (let index = this.#entries.end - 1; index >= 0; index--) {
      const entry = this.#entries.at(index);
      if (entry?.id === id) return entry;
    }
    return undefined;
  }

  /** The lowest position above `after` with an entry of these topics that is not skipped. */
  firstAfter(topics: readonly string[], after: number, isSkipped?: IsSkipped): number | undefined {
    let first: number | undefined;
    for (const name of topics) {
      const topic = this.#indexOf(name);
      if (!topic) continue;
      const entry = topic.at(this.#liveFrom(topic, topic.indexAfter(after), isSkipped));
      if (entry && (first === undefined || entry.position < first)) first = entry.position;
    }
    return first;
  }

  /** The highest position below `before` with an entry of these topics, if any. */
  lastBefore(topics: readonly string[], before: number): number | undefined {
    return nextRun(this.#runs({ topics, before }), -1)?.entry.position;
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
      const next = nextRun(runs, step);
      if (!next) return { entries, more: false };
      const { run, entry } = next;
      if (isSkipped?.(entry)) {
        run.index = step > 0 ? this.#liveFrom(run.topic, run.index, isSkipped) : run.index - 1;
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

  /**
   * The index of the first entry from `index` on that is not skipped. Removes the skipped entries
   * before it from the list if their number is at least `SKIPPED_RUN_MIN`.
   */
  #liveFrom(list: EntryList, index: number, isSkipped: IsSkipped | undefined): number {
    let end = list.entryFrom(index, 1);
    if (!isSkipped) return end;
    for (let entry = list.at(end); entry && isSkipped(entry); entry = list.at(end)) end = list.entryFrom(end + 1, 1);
    if (end - index < SKIPPED_RUN_MIN) return end;
    for (const entry of list.removeRange(index, end)) {
      if (this.#byTopic.get(entry.topic) === list) this.#keepSkipped(entry);
    }
    return index;
  }

  #keepSkipped(entry: LogEntry): void {
    let skipped = this.#skipped.get(entry.topic);
    if (!skipped) this.#skipped.set(entry.topic, (skipped = new Set()));
    skipped.add(entry);
  }

  #dropSkipped(entry: LogEntry): void {
    const skipped = this.#skipped.get(entry.topic);
    skipped?.delete(entry);
    if (skipped?.size === 0) this.#skipped.delete(entry.topic);
  }

  #indexOf(name: string): EntryList | undefined {
    return this.#byTopic.get(name) ?? this.#byPattern.get(name);
  }

  #runs({ topics, after, before }: RunsQuery): Run[] {
    const runs: Run[] = [];
    for (const name of topics) {
      const topic = this.#indexOf(name);
      if (!topic) continue;
      const index = before === undefined ? topic.indexAfter(after) : topic.indexAfter(before - 1) - 1;
      runs.push({ topic, index });
    }
    return runs;
  }
}

type RunsQuery = Pick<ReadQuery, 'topics' | 'after' | 'before'> | Pick<HistoryQuery, 'topics' | 'after' | 'before'>;

interface Run {
  readonly topic: EntryList;
  index: number;
}

/**
 * Returns the run with the next entry, and this entry. A `Run` has the list of a topic or pattern,
 * and the index where the search for an entry starts. With `step` 1 the next entry has the lowest
 * position, with `step` -1 the highest. Undefined when all runs have ended.
 */
function nextRun(runs: readonly Run[], step: 1 | -1): { readonly run: Run; readonly entry: LogEntry } | undefined {
  let best: Run | undefined;
  let found: LogEntry | undefined;
  for (const run of runs) {
    run.index = run.topic.entryFrom(run.index, step);
    const entry = run.topic.at(run.index);
    if (!entry || (found && (entry.position - found.position) * step > 0)) continue;
    [best, found] = [run, entry];
  }
  return best && found && { run: best, entry: found };
}
