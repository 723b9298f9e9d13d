import type { LogEntry } from '../core/notification.js';
import type { LogPage } from '../core/page.js';
import { isRecord } from '../core/records.js';
import { isRetraction } from '../core/retraction.js';
import type { TopicLabels } from './topic-labels.js';

/** The notifications of a page. */
export interface PageContent {
  readonly count: number;
  readonly bytes: number;
  /** The count for each topic label. */
  readonly byLabel: readonly number[];
}

/**
 * Counts the notifications of pages. Waiters that wake together receive the same page one after the
 * other, so the last result is kept.
 */
export class PageContents {
  readonly #labels: TopicLabels;
  #last: { readonly page: LogPage; readonly content: PageContent } | undefined;

  constructor(labels: TopicLabels) {
    this.#labels = labels;
  }

  of(page: LogPage): PageContent {
    if (this.#last?.page !== page) this.#last = { page, content: this.#count(page.entries) };
    return this.#last.content;
  }

  /** Drops the last page, because an erasure may have removed its entries from the log. */
  forget(): void {
    this.#last = undefined;
  }

  #count(entries: readonly LogEntry[]): PageContent {
    const byLabel = this.#labels.names.map(() => 0);
    let [count, bytes] = [0, 0];
    for (const entry of entries) {
      if (isRecord(entry) || isRetraction(entry)) continue;
      count++;
      bytes += entry.bytes;
      const index = this.#labels.indexOf(entry.topic);
      if (index >= 0) byLabel[index] = (byLabel[index] ?? 0) + 1;
    }
    return { count, bytes, byLabel };
  }
}
