import type { FeedHistoryRequest } from '../../core/feed-request.js';
import type { HistorySource } from '../../core/history-page.js';
import type { LogEntry } from '../../core/notification.js';
import type { LogPage, LogPosition } from '../../core/page.js';
import { END_OF_LOG } from '../../core/store.js';
import type { ReadContext } from '../../nest/context.js';

/**
 * The maximum number of items that one call reads, newest first. A person does not act on an item
 * behind a thousand newer ones. The bound limits the cost of ids that do not exist.
 */
export const ITEMS_READ_MAX = 1_000;
/**
 * The minimum for the items of one read. Usually one read is enough for an operation or a count. A
 * client that asks for pages of one item must not cause a thousand reads.
 */
export const ITEMS_PER_READ = 100;

/** The reader of an inbox. */
export interface InboxReader {
  readonly topics: readonly string[];
  /** The reads of a request, or the feed itself for the reads of this node. */
  readonly source: HistorySource;
}

/** A part of an inbox, newest first. */
export interface ItemsRequest {
  readonly reader: InboxReader;
  readonly before: FeedHistoryRequest['before'];
  /** The items that the caller probably needs. */
  readonly limit?: number | undefined;
  /** The maximum number of items in all reads together. */
  readonly itemsMax?: number | undefined;
}

/** Reads the items of inboxes, newest first. */
export class InboxItems {
  readonly #context: ReadContext;

  constructor(context: ReadContext) {
    this.#context = context;
  }

  /** The end of the store's log. The read returns no entries, so it is cheap. */
  async storeEnd(): Promise<LogPosition> {
    const { epoch, head } = await this.#context.store.read(END_OF_LOG);
    return { epochId: epoch.id, position: head };
  }

  /**
   * Returns the end of the store's log if this node lacks entries of these topics. Otherwise
   * undefined. The tail of a node may lag behind the store for some milliseconds or seconds.
   */
  async missing(topics: readonly string[]): Promise<LogPosition | undefined> {
    const { store, feed } = this.#context;
    const after = feed.window.head;
    const { entries, epoch, head } = await store.read({ topics, after, limit: 1, bytesMax: 1 });
    const [next] = entries;
    const isMissing = next && epoch.id === feed.window.epoch.id && next.position > feed.window.head;
    return isMissing ? { epochId: epoch.id, position: head } : undefined;
  }

  /**
   * Page after page, without records of the library, until the end of the inbox or until `itemsMax`
   * items were read.
   */
  async *pages({ reader, itemsMax = ITEMS_READ_MAX, limit = 0, ...request }: ItemsRequest): AsyncGenerator<LogPage> {
    const { topics, source } = reader;
    let { before } = request;
    for (let count = 0; count < itemsMax;) {
      const bytesMax = this.#context.unread.pollBytes();
      const page = await source.read({ topics, before, limit: Math.max(limit, ITEMS_PER_READ), bytesMax });
      yield page;
      if (!page.more) return;
      // A page may have no items, because they have expired. It counts as one item, so the loop
      // ends.
      count += Math.max(page.entries.length, 1);
      before = { epochId: page.epoch.id, position: page.position };
    }
  }
}

/**
 * The type of an item. The library writes `id`, `topic` and `type` first, so the JSON is usually
 * not parsed.
 */
export function typeOf({ json }: LogEntry): string {
  const [, known] = /^\{"id":"[^"]*","topic":"[^"]*","type":"([^"]*)"/.exec(json) ?? [];
  return known ?? String((JSON.parse(json) as { type: unknown }).type);
}
