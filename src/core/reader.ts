import { MemoryLog } from './memory-log.js';
import { type LogPage, type LogPosition, positionIn } from './page.js';
import { PageCache } from './page-cache.js';
import type { Epoch, Store, TailBatch } from './store.js';
import { StoreReads } from './store-reads.js';

/** What a node knows without asking the store. */
export interface ReadWindow {
  readonly epoch: Epoch;
  /** The newest position this node has seen. */
  readonly head: number;
}

/** What to read: the next page for these topics strictly after a place. */
export interface PageQuery {
  readonly topics: readonly string[];
  readonly after: LogPosition | 'earliest';
  readonly limit: number;
  /** Bytes of notifications, where it is to be less than the limit of all. */
  readonly bytesMax?: number | undefined;
}

/** How much of the log a node keeps and hands out. */
export interface ReaderLimits {
  readonly pageBytesMax: number;
  readonly windowCount: number;
  readonly windowBytes: number;
}

/**
 * Reads pages: from the window where it reaches back far enough, otherwise from the store. Callers that read the same page get the same
 * object, as long as the cache keeps it and nothing is appended.
 */
export class Reader {
  readonly #store: Store;
  readonly #limits: ReaderLimits;
  /** By query; a page with one notification also by its position. */
  readonly #pages = new PageCache();
  /** For all callers without new notifications. */
  #emptyPage: LogPage | undefined;
  /** The page that was read last: waiters that are woken together read it one after the other. */
  /** The last page that was given a gap, and the page it was made from. */
  #gapPage: { readonly of: LogPage; readonly page: LogPage } | undefined;
  #lastPage: { first: number; query: PageQuery; page: LogPage } | undefined;
  readonly #storeReads = new StoreReads();
  #epoch: Epoch;
  #log: MemoryLog;

  private constructor(store: Store, limits: ReaderLimits, start: ReadWindow) {
    this.#store = store;
    this.#limits = limits;
    this.#epoch = start.epoch;
    this.#log = new MemoryLog(start.head);
  }

  /** Opens an empty window at the head of the log. */
  static async open(store: Store, limits: ReaderLimits): Promise<Reader> {
    return new Reader(store, limits, await store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 }));
  }

  get window(): ReadWindow {
    return { epoch: this.#epoch, head: this.#log.head };
  }

  /**
   * Adds a batch to the window. False if the batch does not continue it (another log, a hole, or a
   * failover that lost entries): the window then starts again at the batch, and every waiter reads
   * again.
   */
  extend(batch: TailBatch): boolean {
    const { epoch, head } = this.window;
    const sameInBatch = positionIn(batch.epoch, { epochId: epoch.id, position: head });
    // After a loss this node cannot know which entries behind its head existed, revocations among
    // them.
    const continues = sameInBatch !== undefined && !sameInBatch.afterLoss && batch.after <= head;
    this.#epoch = batch.epoch;
    if (!continues) this.#log = new MemoryLog(batch.after);
    for (const entry of batch.entries) {
      if (entry.position > this.#log.head) this.#log.add(entry);
    }
    this.#log.advance(batch.head);
    while (this.#log.count > this.#limits.windowCount || this.#log.bytes > this.#limits.windowBytes) {
      this.#log.dropOldest();
    }
    this.#pages.clear();
    this.#emptyPage = this.#lastPage = this.#gapPage = undefined;
    return continues;
  }

  /** Whether the window holds all that follows a place. */
  reaches(place: LogPosition): boolean {
    return place.epochId === this.#epoch.id && place.position >= this.#log.floor && place.position <= this.#log.head;
  }

  /** The first new position after `place`, if the window holds all that follows it. */
  firstNew(topics: readonly string[], place: LogPosition): number | undefined {
    return this.reaches(place) ? this.#log.firstAfter(topics, place.position) : undefined;
  }

  /**
   * Whether the window has moved past a page of the store since the read began under `epoch`: what was appended in
   * between is not on the page, and whoever was armed only afterwards was not told.
   */
  movedOn(page: LogPage, epoch: Epoch): boolean {
    if (this.#epoch.id !== epoch.id) return true;
    return this.#epoch.id === page.epoch.id && page.position < this.#log.head;
  }

  /** Reads from the window, which must reach back to the position. */
  fromWindow(query: PageQuery & { readonly after: LogPosition }): LogPage {
    const { epochId, position, afterLoss } = query.after;
    if (afterLoss) return this.#withGap(this.fromWindow({ ...query, after: { epochId, position } }));
    // Everybody whose next notification is the same one gets the same page, wherever their cursors stand before it.
    const first = this.#log.firstAfter(query.topics, query.after.position);
    if (first === undefined) return (this.#emptyPage ??= emptyPage(this.window));
    const last = this.#lastPage;
    if (last?.first === first && isEqual(last.query, query)) return last.page;
    const page = this.#pageFrom(first, query);
    this.#lastPage = { first, query, page };
    return page;
  }

  /** The page for clients that continue past a loss. They come together, so the last one is shared. */
  #withGap(page: LogPage): LogPage {
    if (this.#gapPage?.of === page) return this.#gapPage.page;
    const { epoch, entries, position, more } = page;
    this.#gapPage = { of: page, page: { epoch, entries, position, more, gap: { reason: 'expired' } } };
    return this.#gapPage.page;
  }

  #pageFrom(first: number, query: PageQuery & { readonly after: LogPosition }): LogPage {
    const { topics, limit, after } = query;
    const bytesMax = this.#bytesMax(query);
    const key = `${first} ${limit} ${bytesMax} ${topics.join()}`;
    const shared = this.#pages.get(key);
    if (shared) return shared;
    const { entries, more } = this.#log.read({ topics, after: after.position, limit, bytesMax });
    const page: LogPage = {
      epoch: this.#epoch,
      entries,
      position: more ? lastPosition(entries) : this.#log.head,
      more,
    };
    // Callers with different topics share a page with one notification: one page for ten thousand lists of topics.
    return this.#pages.share(key, entries.length === 1 && !more ? this.#pages.share(first, page) : page);
  }

  #bytesMax({ bytesMax = Infinity }: PageQuery): number {
    return Math.min(bytesMax, this.#limits.pageBytesMax);
  }

  /**
   * Reads from the store, or shares an equal read. That read may have begun before the caller was armed and miss what was appended
   * since, so callers compare the page's position with the window's head.
   *
   * @param isWanted false when the caller has left: its read is then skipped if it has not begun
   */
  fromStore(query: PageQuery, isWanted: () => boolean): Promise<LogPage> {
    const { topics, after, limit } = query;
    const bytesMax = this.#bytesMax(query);
    const position = after === 'earliest' ? after : `${after.epochId} ${after.position} ${after.afterLoss === true}`;
    const key = `${this.#epoch.id} ${position} ${limit} ${bytesMax} ${topics.join()}`;
    const shared = this.#pages.get(key);
    if (shared) return Promise.resolve(shared);
    const read = async (): Promise<LogPage> => {
      const page = await this.#readStore(query);
      // An empty page says where the log ended at that time, which the next caller has to ask anew.
      return page.entries.length > 0 ? this.#pages.share(key, page) : page;
    };
    return this.#storeReads.read({ key, bytesMax, read, isWanted });
  }

  async #readStore(query: PageQuery): Promise<LogPage> {
    const { topics, after, limit } = query;
    const from = after === 'earliest' ? 0 : after.position;
    const read = await this.#store.read({ topics, after: from, limit, bytesMax: this.#bytesMax(query) });
    const { epoch, entries, more, head, trimmed } = read;
    const page: LogPage = { epoch, entries, position: more ? lastPosition(entries) : Math.max(head, from), more };
    if (after === 'earliest') return page;
    const start = positionIn(epoch, after);
    if (start && from <= head) {
      return start.afterLoss || from < trimmed ? { ...page, gap: { reason: 'expired' } } : page;
    }
    // The position is not in this log: start over from its beginning.
    const oldest = from === 0 ? page : await this.#readStore({ ...query, after: 'earliest' });
    return { ...oldest, gap: { reason: 'reset' } };
  }
}

function emptyPage({ epoch, head }: ReadWindow): LogPage {
  return { epoch, entries: [], position: head, more: false };
}

/** Whether reads that begin with the same notification have one answer. Equal requests share their topics. */
function isEqual(one: PageQuery, other: PageQuery): boolean {
  return one.topics === other.topics && one.limit === other.limit && one.bytesMax === other.bytesMax;
}

function lastPosition(entries: LogPage['entries']): number {
  return entries.at(-1)?.position ?? 0;
}
