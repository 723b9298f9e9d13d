import type { Clock } from './clock.js';
import type { LogEntry } from './notification.js';
import type { LogPage } from './page.js';
import { type EntryOptions, optionsOf } from './publish-options.js';
import { retractionOf } from './retraction.js';
import type { RetractionLog } from './retraction-log.js';

/** The live entries of a list, and the time at which the first of them expires. */
export interface LiveEntries {
  readonly entries: readonly LogEntry[];
  readonly staleAtMs?: number | undefined;
}

/** Whether an entry is left out. */
export type IsSkipped = (entry: LogEntry) => boolean;

/** The dependencies of a filter. */
export interface EntryFilterOptions {
  readonly clock: Clock;
  readonly retractions: Pick<RetractionLog, 'isEmpty' | 'covers'>;
}

/**
 * Decides which entries of the log a reader still receives. It skips expired and retracted entries.
 * It also skips an entry with a key if it knows a newer entry of the same topic and key. For
 * entries in the window (the newest part of the log, in memory) it keeps the options in memory. For
 * older entries it reads the options from their JSON.
 *
 * A skipped entry is never delivered later: its expiry has passed, it was retracted, or the newer
 * entry replaces it. An expired or retracted entry still replaces older entries with its key,
 * because their content is outdated.
 */
export class EntryFilter {
  readonly #clock: Clock;
  readonly #retractions: EntryFilterOptions['retractions'];
  /** The options of the entries in the window, by position. Entries without options are absent. */
  readonly #options = new Map<number, EntryOptions>();
  /** The position of the newest entry in the window, for each topic and key. */
  readonly #newest = new Map<string, number>();

  constructor({ clock, retractions }: EntryFilterOptions) {
    this.#clock = clock;
    this.#retractions = retractions;
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
    if (this.#options.size === 0 && this.#retractions.isEmpty) return undefined;
    const nowMs = this.#clock.now();
    return (entry) => {
      if (this.#retractions.covers(entry)) return true;
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
   * @param sharedUpTo up to this position, their log holds the same entries as the window's log;
   *   `Infinity` if it is the same log
   */
  ofStore(read: readonly LogEntry[], sharedUpTo: number): LiveEntries {
    const { entries, staleAtMs } = this.ofHistory([...read].reverse(), sharedUpTo);
    return { entries: [...entries].reverse(), staleAtMs };
  }

  /** Like `ofStore`, for entries in the opposite order: newest first. */
  ofHistory(read: readonly LogEntry[], sharedUpTo: number): LiveEntries {
    const nowMs = this.#clock.now();
    const isSameLog = sharedUpTo === Infinity;
    const newer = new Set<string>();
    /** This node may not have received the retractions of the page from the tail yet. */
    const retracted = new Set<string>();
    const entries: LogEntry[] = [];
    const options: EntryOptions[] = [];
    for (const entry of read) {
      const own = optionsOf(entry.json);
      const name = own.key === undefined ? undefined : topicKey(entry, own.key);
      const isReplaced = name !== undefined && (newer.has(name) || (isSameLog && this.#isReplaced(entry, own)));
      if (name !== undefined) newer.add(name);
      const retraction = retractionOf(entry);
      if (retraction) retracted.add(topicKey(retraction, retraction.id));
      const isOnPage = retracted.size > 0 && retracted.has(topicKey(entry, entry.id));
      if (isReplaced || isOnPage || this.#isRetracted(entry, sharedUpTo) || isExpired(own, nowMs)) continue;
      entries.push(entry);
      options.push(own);
    }
    return { entries, staleAtMs: earliest(options) };
  }

  /** Whether an entry of the page has expired since the page was read. */
  isStale({ staleAtMs }: LogPage): boolean {
    return staleAtMs !== undefined && staleAtMs <= this.#clock.now();
  }

  /** Whether an entry of a page has neither expired nor been retracted. */
  isLive(entry: LogEntry, sharedUpTo: number): boolean {
    return !this.#isRetracted(entry, sharedUpTo) && !isExpired(optionsOf(entry.json), this.#clock.now());
  }

  /** The page without entries that have expired or were retracted since it was read. */
  fresh(page: LogPage, sharedUpTo: number): LogPage {
    const hasRetracted = page.entries.some((entry) => this.#isRetracted(entry, sharedUpTo));
    if (!hasRetracted && !this.isStale(page)) return page;
    const { epoch, position, more, gap, history } = page;
    const entries = page.entries.filter((entry) => this.isLive(entry, sharedUpTo));
    const staleAtMs = earliest(entries.map(({ json }) => optionsOf(json)));
    return { epoch, entries, position, more, ...(gap && { gap }), ...(history && { history }), staleAtMs };
  }

  #isRetracted(entry: LogEntry, sharedUpTo: number): boolean {
    return this.#retractions.covers(entry, sharedUpTo);
  }

  #isReplaced(entry: LogEntry, { key }: EntryOptions): boolean {
    return key !== undefined && (this.#newest.get(topicKey(entry, key)) ?? 0) > entry.position;
  }
}

/** The space makes the result unique, because a topic contains no space. */
function topicKey({ topic }: Pick<LogEntry, 'topic'>, key: string): string {
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
