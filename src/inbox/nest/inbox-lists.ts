import type { LogEntry } from '../../core/notification.js';
import { NotificationsError } from '../../core/errors.js';
import type { Gap } from '../../core/gap.js';
import type { LogPage, LogPosition } from '../../core/page.js';
import type { ReadContext } from '../../nest/context.js';
import { InboxCounter, type InboxCounts } from '../inbox-counts.js';
import type { InboxState } from '../inbox-state.js';
import { type InboxItem, type ItemFilter, itemIn } from './inbox-item.js';
import { type InboxItems, type InboxReader, typeOf } from './inbox-items.js';

/** One page of an inbox, newest first. */
export interface InboxPage {
  readonly items: readonly InboxItem[];
  readonly counts: InboxCounts;
  /** `before` with this cursor reads the next older page. */
  readonly cursor: string;
  /**
   * Older items may exist. A page may have fewer items than its limit although `more` is true,
   * because it is bounded in bytes. A page of a filtered list may have none, because one page reads
   * 1,000 items at most.
   */
  readonly more: boolean;
  /**
   * The position after the newest item of the page, for "mark all as read" and for the live feed.
   * On an older page, it is the position at which that page begins.
   */
  readonly follow: string;
  /** The list ends with this page, but retention has removed older items of the log. */
  readonly trimmed: boolean;
  /** The cursor `before` belongs to a log that no longer exists, or that has lost notifications. */
  readonly gap?: Gap | undefined;
}

/** A list request after its checks. */
export interface ListRequest {
  readonly reader: InboxReader;
  readonly filter: ItemFilter;
  readonly before: LogPosition | 'latest';
  readonly limit: number;
}

/** A list request with a fixed end, so that `follow` covers exactly the items that were shown. */
export interface FixedListRequest extends ListRequest {
  readonly before: LogPosition;
}

/** A page, and its entries of the log for the observers. */
export interface ListedPage {
  readonly page: InboxPage;
  readonly shown: LogPage;
}

interface Found {
  readonly items: readonly InboxItem[];
  /** The entries of the items, in the same order. */
  readonly entries: readonly LogEntry[];
  /** The page that was read first. */
  readonly first: LogPage;
  /** The next page begins with this entry. If undefined, it begins after `last`. */
  readonly stop: LogEntry | undefined;
  readonly last: LogPage;
}

/** Lists and counts the items of inboxes. */
export class InboxLists {
  readonly #context: ReadContext;
  readonly #items: InboxItems;
  readonly #cap: number;

  constructor(context: ReadContext, items: InboxItems, cap: number) {
    this.#context = context;
    this.#items = items;
    this.#cap = cap;
  }

  /** The counts of an inbox with this state. */
  async counts(reader: InboxReader, state: InboxState): Promise<InboxCounts> {
    const counter = new InboxCounter({ state, nowMs: this.#context.clock.now(), cap: this.#cap });
    for await (const page of this.#items.pages({ reader, before: 'latest', limit: this.#cap + 1 })) {
      for (const entry of page.entries) counter.add({ position: entry.position, type: typeOf(entry) });
      if (counter.isComplete(page.position + 1)) break;
    }
    return counter.counts();
  }

  /** A page of items, and the counts. The state includes all records up to `before`. */
  async list(request: FixedListRequest, state: InboxState): Promise<ListedPage> {
    const [found, counts] = await Promise.all([this.#find(request, state), this.counts(request.reader, state)]);
    const page = { items: found.items, counts, ...this.#cursorsOf(found) };
    const { epoch, position } = found.last;
    const { gap } = found.first;
    return { page, shown: { epoch, entries: found.entries, position, more: page.more, ...(gap && { gap }) } };
  }

  async #find({ reader, filter, before, limit }: FixedListRequest, state: InboxState): Promise<Found> {
    const options = { filter, nowMs: this.#context.clock.now() };
    const bytesMax = this.#context.unread.pollBytes();
    const items: InboxItem[] = [];
    const entries: LogEntry[] = [];
    let bytes = 0;
    let first: LogPage | undefined;
    let last: LogPage | undefined;
    for await (const page of this.#items.pages({ reader, before, limit })) {
      first ??= page;
      last = page;
      for (const entry of page.entries) {
        const item = itemIn(entry, state, options);
        if (!item) continue;
        bytes += entry.bytes;
        // A page has one item at least, so that the client advances.
        const isFull = items.length === limit || (items.length > 0 && bytes > bytesMax);
        if (isFull) return { items, entries, first, last, stop: entry };
        items.push(item);
        entries.push(entry);
      }
      if (items.length === limit) break;
    }
    if (!first || !last) throw new NotificationsError('store_unavailable', 'The inbox could not be read.');
    return { items, entries, first, last, stop: undefined };
  }

  #cursorsOf({ first, last, stop }: Found): Omit<InboxPage, 'items' | 'counts'> {
    const { cursors, encoder } = this.#context;
    const upTo = first.history?.upTo ?? first.position;
    return {
      // The list continues with the entry `stop` itself.
      cursor: stop ? cursors.sealStable(last.epoch, stop.position, 'after') : encoder.cursor(last),
      more: stop !== undefined || last.more,
      follow: encoder.seal(first.epoch, upTo),
      trimmed: stop === undefined && last.history?.trimmed === true,
      ...(first.gap && { gap: first.gap }),
    };
  }
}
