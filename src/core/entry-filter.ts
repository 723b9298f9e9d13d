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

/**
 * The maximum number of erased topics that a node remembers. Their names have at most 200
 * characters, so they take less than 1 MiB. A node must remember a topic until the store has
 * removed the topic's entries.
 */
const ERASED_TOPICS_MAX = 1_000;

/** Whether an entry is left out. */
export type IsSkipped = (entry: LogEntry) => boolean;

/** The dependencies of a filter. */
export interface EntryFilterOptions {
  readonly clock: Clock;
  readonly retractions: Pick<RetractionLog, 'isEmpty' | 'retractedAt'>;
}

/**
 * Decides which entries of the log a reader still receives. It skips expired and retracted entries,
 * and entries of erased topics that the store has not removed yet. It also skips an entry with a
 * key if it knows a newer entry of the same topic and key. For entries in the window (the newest
 * part of the log, in memory) it keeps the options in memory. For older entries it reads the
 * options from their JSON.
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

  /** The position up to which a topic is erased. The latest erasure is last. */
  readonly #erased = new Map<string, number>();
  #hiddenBy = 0;

  constructor({ clock, retractions }: EntryFilterOptions) {
    this.#clock = clock;
    this.#retractions = retractions;
  }

  /**
   * The highest position of an entry that hides an older one: a retraction, or a newer entry with
   * the same key. 0 if there is none. If a failover loses this entry, the older one is live again.
   * The position never decreases, because a waiter may still be in an earlier log.
   */
  get hiddenBy(): number {
    return this.#hiddenBy;
  }

  /** Marks a topic as erased up to a position. */
  erase(topic: string, upTo: number): void {
    // The record of an earlier erasure may arrive after a later erasure by this node.
    const latest = Math.max(upTo, this.#erased.get(topic) ?? 0);
    this.#erased.delete(topic);
    this.#erased.set(topic, latest);
    if (this.#erased.size <= ERASED_TOPICS_MAX) return;
    const [oldest] = this.#erased.keys();
    if (oldest !== undefined) this.#erased.delete(oldest);
  }

  /**
   * Whether an entry is erased. Up to `sharedUpTo`, the window holds the same entries as the log
   * that the entry comes from.
   */
  isErased({ topic, position }: LogEntry, sharedUpTo = Infinity): boolean {
    return position <= Math.min(this.#erased.get(topic) ?? 0, sharedUpTo);
  }

  /** The window has added an entry. */
  add(entry: LogEntry): void {
    const options = optionsOf(entry.json);
    if (options.expiresAtMs === undefined && options.collapseKey === undefined) return;
    this.#options.set(entry.position, options);
    if (options.collapseKey !== undefined) this.#newest.set(topicKey(entry, options.collapseKey), entry.position);
  }

  /** The window has dropped an entry: its oldest one, or an erased one. */
  drop(entry: LogEntry): void {
    const key = this.#options.get(entry.position)?.collapseKey;
    if (!this.#options.delete(entry.position) || key === undefined) return;
    const name = topicKey(entry, key);
    if (this.#newest.get(name) === entry.position) this.#newest.delete(name);
  }

  /** The window starts again, in another log or after a gap. */
  clear(): void {
    this.#options.clear();
    this.#newest.clear();
  }

  /**
   * Called when the node changes to another log. Its entries above the last shared position are
   * new, so none is erased.
   */
  continueAfter(sharedUpTo: number): void {
    for (const [topic, upTo] of this.#erased) this.#erased.set(topic, Math.min(upTo, sharedUpTo));
  }

  /** Returns a test for skipped entries in the window. Undefined if no entry can be skipped. */
  skippedNow(): IsSkipped | undefined {
    if (this.#options.size === 0 && this.#retractions.isEmpty) return undefined;
    const nowMs = this.#clock.now();
    return (entry) => {
      const options = this.#options.get(entry.position);
      const isHidden =
        this.#isHiddenBy(this.#retractions.retractedAt(entry)) ||
        (options !== undefined && this.#isHiddenBy(this.#replacedAt(entry, options)));
      return isHidden || (options !== undefined && isExpired(options, nowMs));
    };
  }

  /** Returns entries from the window with the time at which the first of them expires. */
  ofWindow(entries: readonly LogEntry[]): LiveEntries {
    if (this.#options.size === 0) return { entries };
    return { entries, staleAtMs: earliest(entries.map(({ position }) => this.#options.get(position))) };
  }

  /**
   * Removes skipped entries from a read of the store.
   *
   * @param sharedUpTo up to this position, the log of the read has the same entries as the window's
   * log; `Infinity` if it is the same log
   */
  ofStore(read: readonly LogEntry[], sharedUpTo: number): LiveEntries {
    const { entries, staleAtMs } = this.ofHistory([...read].reverse(), sharedUpTo);
    return { entries: [...entries].reverse(), staleAtMs };
  }

  /** Like `ofStore`, for entries in the opposite order: newest first. */
  ofHistory(read: readonly LogEntry[], sharedUpTo: number): LiveEntries {
    const nowMs = this.#clock.now();
    const isSameLog = sharedUpTo === Infinity;
    /** For each topic and key: the position of the next newer entry on this page. */
    const newer = new Map<string, number>();
    /**
     * For each topic and id: the position of its retraction on this page. The tail may not have
     * delivered the record yet.
     */
    const retracted = new Map<string, number>();
    const entries: LogEntry[] = [];
    const options: EntryOptions[] = [];
    for (const entry of read) {
      if (this.isErased(entry, sharedUpTo)) continue;
      const own = optionsOf(entry.json);
      const name = own.collapseKey === undefined ? undefined : topicKey(entry, own.collapseKey);
      const replacedAt = name === undefined ? 0 : (newer.get(name) ?? (isSameLog ? this.#replacedAt(entry, own) : 0));
      if (name !== undefined) newer.set(name, entry.position);
      const retraction = retractionOf(entry);
      if (retraction) retracted.set(topicKey(retraction, retraction.id), entry.position);
      const onPageAt = retracted.size > 0 ? retracted.get(topicKey(entry, entry.id)) : undefined;
      const retractedAt = onPageAt ?? this.#retractions.retractedAt(entry, sharedUpTo);
      const isHidden = this.#isHiddenBy(replacedAt) || this.#isHiddenBy(retractedAt);
      if (isHidden || isExpired(own, nowMs)) continue;
      entries.push(entry);
      options.push(own);
    }
    return { entries, staleAtMs: earliest(options) };
  }

  /** Whether an entry of the page has expired since the page was read. */
  isStale({ staleAtMs }: LogPage): boolean {
    return staleAtMs !== undefined && staleAtMs <= this.#clock.now();
  }

  /** Whether an entry of a page has neither expired nor been retracted or erased. */
  isLive(entry: LogEntry, sharedUpTo: number): boolean {
    return !this.#isWithdrawn(entry, sharedUpTo) && !isExpired(optionsOf(entry.json), this.#clock.now());
  }

  /** The page without entries that have expired, or were retracted or erased, since it was read. */
  fresh(page: LogPage, sharedUpTo: number): LogPage {
    const mayBeWithdrawn = !this.#retractions.isEmpty || this.#erased.size > 0;
    const hasWithdrawn = mayBeWithdrawn && page.entries.some((entry) => this.#isWithdrawn(entry, sharedUpTo));
    if (!hasWithdrawn && !this.isStale(page)) return page;
    const { epoch, position, more, gap, history } = page;
    const entries = page.entries.filter((entry) => this.isLive(entry, sharedUpTo));
    const staleAtMs = earliest(entries.map(({ json }) => optionsOf(json)));
    return { epoch, entries, position, more, ...(gap && { gap }), ...(history && { history }), staleAtMs };
  }

  /** Whether an entry is retracted or erased. */
  #isWithdrawn(entry: LogEntry, sharedUpTo: number): boolean {
    return this.#isHiddenBy(this.#retractions.retractedAt(entry, sharedUpTo)) || this.isErased(entry, sharedUpTo);
  }

  /** The position of the newest entry with the same key. 0 if no newer one is in the window. */
  #replacedAt(entry: LogEntry, { collapseKey: key }: EntryOptions): number {
    const newest = key === undefined ? 0 : (this.#newest.get(topicKey(entry, key)) ?? 0);
    return newest > entry.position ? newest : 0;
  }

  /** False for 0. Otherwise it remembers the position for `hiddenBy`. */
  #isHiddenBy(position: number): boolean {
    if (position > this.#hiddenBy) this.#hiddenBy = position;
    return position > 0;
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
