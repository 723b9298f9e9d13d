import type { Start } from './feed-request.js';
import { historyPage } from './history-page.js';
import { type LogPage, type LogPosition, positionIn } from './page.js';
import { isPattern } from './patterns.js';
import type { Epoch, PageBounds, ReadResult, Store } from './store.js';

/** A position of the history, and whether a client holds it as a cursor. */
export interface HistoryStart {
  readonly held: LogPosition;
  readonly isCursor: boolean;
  /** The end of the window's log. */
  readonly window: LogPosition;
}

/** Reads pages of the store, with gaps. The pages contain all entries, also expired ones. */
export class StorePages {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The page after a position. */
  async after(bounds: PageBounds, start: Start): Promise<LogPage> {
    const from = start === 'earliest' ? 0 : start.position;
    const read = await this.#store.read({ ...bounds, after: from });
    const { epoch, entries, more, head, trimmed } = read;
    const position = more ? (entries.at(-1)?.position ?? 0) : Math.max(head, from);
    const page: LogPage = { epoch, entries, position, more };
    if (start === 'earliest') return page;
    const shared = positionIn(epoch, start);
    if (shared && from <= head) {
      // The index of a pattern begins at `trimmed`, but other requested topics may have older
      // entries.
      const isBehind = from < trimmed;
      if (isBehind && bounds.topics.some(isPattern) && hasEntryUpTo(read, trimmed)) {
        return this.#afterTrimmed(bounds, epoch, trimmed);
      }
      return shared.afterLoss || isBehind ? { ...page, gap: { reason: 'expired' } } : page;
    }
    // The position is not in this log, so the read starts at the beginning of the log.
    const oldest = from === 0 ? page : await this.after(bounds, 'earliest');
    return { ...oldest, gap: { reason: 'reset' } };
  }

  /**
   * The page after `trimmed`, with a gap: from there, the index of every requested name is
   * complete.
   */
  async #afterTrimmed(bounds: PageBounds, { id: epochId }: Epoch, trimmed: number): Promise<LogPage> {
    const page = await this.after(bounds, { epochId, position: trimmed });
    return { ...page, gap: page.gap ?? { reason: 'expired' } };
  }

  /** The newest page up to a position. */
  async history(bounds: PageBounds, { held, isCursor, window }: HistoryStart): Promise<LogPage> {
    const read = await this.#store.read({ ...bounds, before: held.position + 1 });
    const start = positionIn(read.epoch, held);
    if (start && held.position <= read.head) {
      return historyPage(read, held.position, start.afterLoss && isCursor ? { reason: 'expired' } : undefined);
    }
    // The position is not in this log, so the history starts again at the end of the log.
    const end = read.epoch.id === window.epochId ? window.position : read.head;
    const newest = await this.#store.read({ ...bounds, before: end + 1 });
    return historyPage(newest, Math.min(end, newest.head), isCursor ? { reason: 'reset' } : undefined);
  }
}

function hasEntryUpTo({ entries }: ReadResult, position: number): boolean {
  const [first] = entries;
  return first !== undefined && first.position <= position;
}
