import { EntryFilter, type IsSkipped } from './entry-filter.js';
import type { Erasure } from './erasure.js';
import type { Start } from './feed-request.js';
import { historyPage, type HistoryPageQuery } from './history-page.js';
import type { FeedLoad } from './load.js';
import { MemoryLog } from './memory-log.js';
import type { LogEntry } from './notification.js';
import { lastPosition, type LogPage, type LogPosition, positionIn, sharedUpTo } from './page.js';
import { PageCache } from './page-cache.js';
import { emptyPage, isEqual, type PageQuery, type ReadWindow } from './page-query.js';
import type { ReaderLimits, ReaderOptions } from './reader-options.js';
import { type RecordedRetraction, withoutRetractions } from './retraction.js';
import { RetractionLog } from './retraction-log.js';
import type { Epoch, PageBounds, TailBatch } from './store.js';
import { StorePages } from './store-pages.js';
import { StoreReads } from './store-reads.js';

type WindowQuery = PageQuery & { readonly after: LogPosition };

/**
 * Reads pages: from the window if it reaches back to the position, otherwise from the store.
 * Callers that read the same page get the same object, as long as the cache keeps it and nothing is
 * appended.
 */
export class Reader {
  readonly #storePages: StorePages;
  readonly #limits: ReaderLimits;
  readonly #patterns: readonly string[];
  readonly #retractions: RetractionLog;
  readonly #filter: EntryFilter;
  /** Keyed by query. A page with one notification is also keyed by its position. */
  readonly #pages: PageCache;
  /** The shared page for callers without new notifications. */
  #emptyPage: LogPage | undefined;
  /** The last page to which a gap was added, kept with its original (`of`). */
  #gapPage: { readonly of: LogPage; readonly page: LogPage } | undefined;
  /** The page that was read last. Waiters that wake together read this page one after the other. */
  #lastPage: { first: number; query: PageQuery; page: LogPage } | undefined;
  readonly #storeReads = new StoreReads();
  readonly #reads = { window: 0, store: 0 };
  #epoch: Epoch;
  #log: MemoryLog;

  private constructor(options: ReaderOptions, retractions: RetractionLog, start: ReadWindow) {
    const { store, limits, clock, patterns = [] } = options;
    this.#storePages = new StorePages(store);
    this.#limits = limits;
    this.#patterns = patterns;
    this.#retractions = retractions;
    this.#filter = new EntryFilter({ clock, retractions });
    this.#pages = new PageCache((page) => this.#filter.isStale(page));
    this.#epoch = start.epoch;
    this.#log = new MemoryLog(start.head, patterns);
  }

  /** Loads the retractions, and opens an empty window at the head of the log. */
  static async open(options: ReaderOptions): Promise<Reader> {
    const { retractions, start } = await RetractionLog.open(options.store);
    return new Reader(options, retractions, start);
  }

  get window(): ReadWindow {
    return { epoch: this.#epoch, head: this.#log.head };
  }

  /** The notifications and bytes that the window holds now. */
  get windowSize(): FeedLoad['window'] {
    return { count: this.#log.count, bytes: this.#log.bytes };
  }

  /** The reads so far, by the source of their pages. */
  get reads(): FeedLoad['reads'] {
    return { ...this.#reads };
  }

  /**
   * Adds a batch to the window. Returns false if the batch does not continue the window: it belongs
   * to another log, entries before it are missing, or a failover lost entries that this node has
   * used. Then the window starts again at the batch, and every waiter reads again.
   */
  extend(batch: TailBatch): boolean {
    const { epoch, head } = this.window;
    const sameInBatch = positionIn(batch.epoch, { epochId: epoch.id, position: head });
    const shared = this.#sharedUpTo(batch.epoch);
    // After a loss, the old log may have had entries, such as revocations, that this node never
    // received. If a hiding entry is lost, the window must index the hidden one again.
    const isKept = sameInBatch !== undefined && !sameInBatch.afterLoss && this.#filter.hiddenBy <= shared;
    const continues = isKept && batch.after <= head;
    if (batch.epoch.id !== epoch.id) {
      this.#retractions.cut(shared);
      this.#filter.continueAfter(shared);
    }
    this.#epoch = batch.epoch;
    if (!continues) {
      this.#log = new MemoryLog(batch.after, this.#patterns);
      this.#filter.clear();
      this.#retractions.interrupted();
    }
    for (const entry of batch.entries) {
      if (entry.position > this.#log.head && !this.#filter.isErased(entry)) this.#add(entry);
    }
    this.#log.advance(batch.head);
    while (this.#log.count > this.#limits.windowCount || this.#log.bytes > this.#limits.windowBytes) {
      const dropped = this.#log.dropOldest();
      if (dropped) this.#filter.drop(dropped);
    }
    this.#forgetPages();
    return continues;
  }

  /**
   * Retracts a notification. When it resolves, no page of this node contains the notification.
   * Other nodes skip it as soon as they receive the record.
   * @throws NotificationsError `retractions_too_many` or `store_unavailable`
   */
  async retract(retraction: RecordedRetraction, time: Date): Promise<void> {
    const { epoch, position } = await this.#retractions.append(retraction, time);
    // If the window belongs to another log now, the node loads the retraction from the store.
    if (epoch.id !== this.#epoch.id) return;
    this.#retractions.add(retraction, position);
    this.#forgetPages();
  }

  /**
   * Forgets the notifications of erased topics: in the window and in shared pages. Reads of the
   * store skip them from now on, because the store may not have removed them yet.
   */
  forget({ topics, epochId, upTo }: Erasure): void {
    if (topics.length === 0 || epochId !== this.#epoch.id) return;
    for (const topic of topics) {
      this.#filter.erase(topic, upTo);
      for (const entry of this.#log.remove({ topic, upTo })) this.#filter.drop(entry);
    }
    this.#forgetPages();
  }

  #add(entry: LogEntry): void {
    this.#log.add(entry);
    this.#filter.add(entry);
    this.#retractions.observe(entry);
  }

  /** The next readers get new pages. Waiters that have received a page keep it. */
  #forgetPages(): void {
    this.#pages.clear();
    this.#emptyPage = this.#lastPage = this.#gapPage = undefined;
  }

  /** Whether the window holds everything after a position. */
  reaches(after: LogPosition): boolean {
    return after.epochId === this.#epoch.id && after.position >= this.#log.floor && after.position <= this.#log.head;
  }

  /**
   * The lowest position above `after` with a live notification of these topics. Undefined if none
   * exists, or if the window does not reach back to `after`.
   */
  firstNew(topics: readonly string[], after: Start): number | undefined {
    if (after === 'earliest' || !this.reaches(after)) return undefined;
    return this.#log.firstAfter(topics, after.position, this.#filter.skippedNow());
  }

  /**
   * Whether the window has advanced beyond a page of the store. If so, the waiter reads again: the
   * page lacks entries that were appended during the read, and these may not have woken the waiter.
   * `epoch` is the epoch of the window when the read began.
   */
  movedOn(page: LogPage, epoch: Epoch): boolean {
    if (this.#epoch.id !== epoch.id) return true;
    return this.#epoch.id === page.epoch.id && page.position < this.#log.head;
  }

  /**
   * How often the tail was interrupted. A page that was read before an interruption must be read
   * again, because retractions of its entries may be missing.
   */
  get interruptions(): number {
    return this.#retractions.interruptions;
  }

  /** The highest position of an entry that hides an older one: see `EntryFilter.hiddenBy`. */
  get hiddenBy(): number {
    return this.#filter.hiddenBy;
  }

  /** The page without notifications that have expired, or were retracted or erased. */
  fresh(page: LogPage): LogPage {
    return this.#filter.fresh(page, this.#sharedUpTo(page.epoch));
  }

  /** Whether an entry of a page has not expired, and was not retracted or erased since the read. */
  async isLive(entry: LogEntry, { epoch }: LogPage): Promise<boolean> {
    await this.#retractions.whenComplete();
    return this.#filter.isLive(entry, this.#sharedUpTo(epoch));
  }

  /** The newest entry in the window with an id. */
  find(id: string): LogEntry | undefined {
    return this.#log.find(id);
  }

  /** Whether the log holds a retraction of an entry. */
  isRetracted(entry: LogEntry): Promise<boolean> {
    return this.#retractions.whenComplete().then(() => this.#retractions.retractedAt(entry) > 0);
  }

  /** Up to this position, the log of an epoch holds the same entries as the window's log. */
  #sharedUpTo(epoch: Epoch): number {
    return sharedUpTo(epoch, { epochId: this.#epoch.id, upTo: Infinity });
  }

  /** Reads from the window, which must reach back to the position. */
  fromWindow(query: WindowQuery): LogPage {
    const { epochId, position, afterLoss } = query.after;
    this.#reads.window++;
    if (afterLoss) return this.#withGap(this.fromWindow({ ...query, after: { epochId, position } }));
    // Callers with the same next notification get the same page, although their cursors differ.
    const isSkipped = this.#filter.skippedNow();
    const first = this.#log.firstAfter(query.topics, query.after.position, isSkipped);
    if (first === undefined) return (this.#emptyPage ??= emptyPage(this.window));
    const last = this.#lastPage;
    if (last?.first === first && isEqual(last.query, query) && !this.#filter.isStale(last.page)) return last.page;
    const page = this.#pageFrom(first, query, isSkipped);
    this.#lastPage = { first, query, page };
    return page;
  }

  /**
   * Adds the gap to a page, for clients that continue after a loss. These clients reconnect
   * together, so they share the last such page.
   */
  #withGap(page: LogPage): LogPage {
    if (this.#gapPage?.of === page) return this.#gapPage.page;
    const { epoch, entries, position, more, staleAtMs } = page;
    this.#gapPage = { of: page, page: { epoch, entries, position, more, gap: { reason: 'expired' }, staleAtMs } };
    return this.#gapPage.page;
  }

  #pageFrom(first: number, query: WindowQuery, isSkipped: IsSkipped | undefined): LogPage {
    const { topics, limit, after } = query;
    const bytesMax = this.#bytesMax(query);
    const key = `${first} ${limit} ${bytesMax} ${topics.join()}`;
    const shared = this.#pages.get(key);
    if (shared) return shared;
    const { entries, more } = this.#log.read({ topics, after: after.position, limit, bytesMax }, isSkipped);
    const page: LogPage = {
      epoch: this.#epoch,
      ...this.#filter.ofWindow(entries),
      position: more ? lastPosition(entries) : this.#log.head,
      more,
    };
    // A page with one notification is shared across all lists of topics.
    return this.#pages.share(key, entries.length === 1 && !more ? this.#pages.share(first, page) : page);
  }

  #bytesMax({ bytesMax = Infinity }: Pick<PageQuery, 'bytesMax'>): number {
    return Math.min(bytesMax, this.#limits.pageBytesMax);
  }

  /**
   * Reads from the store, or joins an equal read. The joined read may have begun before the caller
   * was armed, so later entries may be missing. Therefore callers compare the page's position with
   * the window's head.
   *
   * @param isWanted returns false when the caller has left. A read without callers is skipped
   *   unless it has begun.
   */
  fromStore(query: PageQuery, isWanted: () => boolean): Promise<LogPage> {
    const { topics, after, limit } = query;
    this.#reads.store++;
    const bytesMax = this.#bytesMax(query);
    const position = after === 'earliest' ? after : keyOf(after);
    const key = `${this.#epoch.id} ${position} ${limit} ${bytesMax} ${topics.join()}`;
    const shared = this.#pages.get(key);
    if (shared) return Promise.resolve(shared);
    const read = async (): Promise<LogPage> => {
      const page = await this.#readStore(query);
      // An empty page is not shared: its position is the end of the log at the time of this read.
      return page.entries.length > 0 ? this.#pages.share(key, page) : page;
    };
    return this.#storeReads.read({ key, bytesMax, read, isWanted });
  }

  /**
   * The newest page up to a position. It is returned directly, without a promise, if the window
   * holds it.
   *
   * @param isWanted returns false when the caller has left. A read without callers is skipped
   *   unless it has begun.
   */
  history(query: HistoryPageQuery, isWanted: () => boolean): LogPage | Promise<LogPage> {
    const { topics, before, limit } = query;
    const bytesMax = this.#bytesMax(query);
    const bounds = { topics, limit, bytesMax };
    const { epoch, head } = this.window;
    const held = before === 'latest' ? { epochId: epoch.id, position: head } : before;
    const inWindow = this.reaches(held) && !held.afterLoss && this.#historyInWindow(bounds, held.position);
    if (inWindow) {
      this.#reads.window++;
      return inWindow;
    }
    this.#reads.store++;
    const isCursor = before !== 'latest';
    const from = isCursor ? keyOf(held) : `latest ${held.position}`;
    const key = `history ${epoch.id} ${from} ${limit} ${bytesMax} ${topics.join()}`;
    const shared = this.#pages.get(key);
    if (shared) return shared;
    const read = async (): Promise<LogPage> => this.#pages.share(key, await this.#readHistory(bounds, held, isCursor));
    return this.#storeReads.read({ key, bytesMax, read, isWanted });
  }

  /** Undefined if the page may have entries that the window does not hold. */
  #historyInWindow(bounds: PageBounds, upTo: number): LogPage | undefined {
    const { topics, limit, bytesMax } = bounds;
    const newest = this.#log.lastBefore(topics, upTo + 1);
    if (newest === undefined) return undefined;
    // Callers with the same newest notification get the same page, although their cursors differ.
    const key = `history ${newest} ${limit} ${bytesMax} ${topics.join()}`;
    const shared = this.#pages.get(key);
    if (shared) return shared;
    const { entries, more } = this.#log.read({ ...bounds, before: newest + 1 });
    if (!more) return undefined;
    return this.#pages.share(key, this.#live(historyPage({ ...this.window, entries, more, trimmed: 0 }, newest)));
  }

  /** A page of the history with live notifications only. */
  #live(page: LogPage): LogPage {
    const { entries, staleAtMs } = this.#filter.ofHistory(page.entries, this.#sharedUpTo(page.epoch));
    return { ...page, entries: withoutRetractions(entries), staleAtMs };
  }

  async #readHistory(bounds: PageBounds, held: LogPosition, isCursor: boolean): Promise<LogPage> {
    const { epoch, head } = this.window;
    const window = { epochId: epoch.id, position: head };
    const start = { held, isCursor, window };
    return this.#live(await this.#retractions.readComplete(() => this.#storePages.history(bounds, start)));
  }

  async #readStore(query: PageQuery): Promise<LogPage> {
    const { topics, after, limit } = query;
    const bounds = { topics, limit, bytesMax: this.#bytesMax(query) };
    const page = await this.#retractions.readComplete(() => this.#storePages.after(bounds, after));
    return { ...page, ...this.#filter.ofStore(page.entries, this.#sharedUpTo(page.epoch)) };
  }
}

/** Positions with the same key have the same page. */
function keyOf({ epochId, position, afterLoss = false, origin }: LogPosition): string {
  return `${epochId} ${position} ${afterLoss} ${origin?.epochId ?? ''}`;
}
