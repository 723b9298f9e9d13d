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

const EMPTY: PageContent = { count: 0, bytes: 0, byLabel: [] };

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
    if (page.entries.length === 0) return EMPTY;
    if (this.#last?.page !== page) this.#last = { page, content: this.#count(page.entries) };
    return this.#last.content;
  }

  #count(entries: readonly LogEntry[]): PageContent {
    const byLabel = this.#labels.names.map(() => 0);
    const notifications = entries.filter((entry) => !isRecord(entry) && !isRetraction(entry));
    let bytes = 0;
    for (const entry of notifications) {
      bytes += entry.bytes;
      const index = this.#labels.indexOf(entry.topic);
      if (index >= 0) byLabel[index] = (byLabel[index] ?? 0) + 1;
    }
    return { count: notifications.length, bytes, byLabel };
  }
}
