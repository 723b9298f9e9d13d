import type { Clock } from './clock.js';
import type { LogEntry } from './notification.js';
import type { LogPage } from './page.js';
import { type EntryOptions, optionsOf } from './publish-options.js';

/** The live entries of a list, and the time at which the first of them expires. */
export interface LiveEntries {
  readonly entries: readonly LogEntry[];
  readonly staleAtMs?: number | undefined;
}

/** Whether an entry is left out. */
export type IsSkipped = (entry: LogEntry) => boolean;

/**
 * Decides which entries of the log a reader still receives. It skips expired entries. It also skips
 * an entry with a key if it knows a newer entry of the same topic and key. For entries in the
 * window (the newest part of the log, in memory) it keeps the options in memory. For older entries
 * it reads the options from their JSON.
 *
 * A skipped entry is never delivered later: its expiry has passed, or the newer entry replaces it.
 * An expired entry still replaces older entries with its key, because their content is outdated.
 */
export class EntryFilter {
  readonly #clock: Clock;
  /** The options of the entries in the window, by position. Entries without options are absent. */
  readonly #options = new Map<number, EntryOptions>();
  /** The position of the newest entry in the window, for each topic and key. */
  readonly #newest = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The window has added an entry. */
  add(entry: LogEntry): void {
    const options = optionsOf(entry.json);
    if (options.expiresAtMs === undefined && options.key === undefined) return;
    this.#options.set(entry.position, options);
    if (options.key !== undefined) this.#newest.set(topicKey(entry, options.key), entry.position);
  }

  /** The window has dropped its oldest entry. */
  drop(entry: LogEntry): void {
    const key = this.#options.get(entry.position)?.key;
    if (!this.#options.delete(entry.position) || key === undefined) return;
    const name = topicKey(entry, key);
    if (this.#newest.get(name) === entry.position) this.#newest.delete(name);
  }

  clear(): void {
    this.#options.clear();
    this.#newest.clear();
  }

  /** Returns a test for skipped entries in the window. Undefined if no entry can be skipped. */
  skippedNow(): IsSkipped | undefined {
    if (this.#options.size === 0) return undefined;
    const nowMs = this.#clock.now();
    return (entry) => {
      const options = this.#options.get(entry.position);
      return options !== undefined && (isExpired(options, nowMs) || this.#isReplaced(entry, options));
    };
  }

  /** Adds the time of the first expiry to entries that were read from the window. */
  ofWindow(entries: readonly LogEntry[]): LiveEntries {
    if (this.#options.size === 0) return { entries };
    return { entries, staleAtMs: earliest(entries.map(({ position }) => this.#options.get(position))) };
  }

  /**
   * Removes skipped entries from a read of the store.
   *
   * @param isSameLog whether the entries belong to the same log as the window
   */
  ofStore(read: readonly LogEntry[], isSameLog: boolean): LiveEntries {
    const { entries, staleAtMs } = this.ofHistory([...read].reverse(), isSameLog);
    return { entries: [...entries].reverse(), staleAtMs };
  }

  /** Like `ofStore`, for entries in the opposite order: newest first. */
  ofHistory(read: readonly LogEntry[], isSameLog: boolean): LiveEntries {
    const nowMs = this.#clock.now();
    const newer = new Set<string>();
    const entries: LogEntry[] = [];
    const options: EntryOptions[] = [];
    for (const entry of read) {
      const own = optionsOf(entry.json);
      const name = own.key === undefined ? undefined : topicKey(entry, own.key);
      const isReplaced = name !== undefined && (newer.has(name) || (isSameLog && this.#isReplaced(entry, own)));
      if (name !== undefined) newer.add(name);
      if (isReplaced || isExpired(own, nowMs)) continue;
      entries.push(entry);
      options.push(own);
    }
    return { entries, staleAtMs: earliest(options) };
  }

  /** Whether an entry of the page has expired since the page was read. */
  isStale({ staleAtMs }: LogPage): boolean {
    return staleAtMs !== undefined && staleAtMs <= this.#clock.now();
  }

  /** The page without entries that have expired since it was read. */
  fresh(page: LogPage): LogPage {
    if (!this.isStale(page)) return page;
    const { epoch, position, more, gap, history } = page;
    const { entries, staleAtMs } = history ? this.ofHistory(page.entries, false) : this.ofStore(page.entries, false);
    return { epoch, entries, position, more, ...(gap && { gap }), ...(history && { history }), staleAtMs };
  }

  #isReplaced(entry: LogEntry, { key }: EntryOptions): boolean {
    return key !== undefined && (this.#newest.get(topicKey(entry, key)) ?? 0) > entry.position;
  }
}

export function hasExpired({ json }: LogEntry, nowMs: number): boolean {
  return isExpired(optionsOf(json), nowMs);
}

/** The space makes the result unique, because a topic contains no space. */
function topicKey({ topic }: LogEntry, key: string): string {
  return `${topic} ${key}`;
}

function isExpired({ expiresAtMs = Infinity }: EntryOptions, nowMs: number): boolean {
  return expiresAtMs <= nowMs;
}

function earliest(options: readonly (EntryOptions | undefined)[]): number | undefined {
  let earliestMs: number | undefined;
  for (const one of options) {
    const expiresAtMs = one?.expiresAtMs;
    if (expiresAtMs !== undefined && expiresAtMs < (earliestMs ?? Infinity)) earliestMs = expiresAtMs;
  }
  return earliestMs;
}
