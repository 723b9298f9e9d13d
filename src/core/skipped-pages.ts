import { isEmpty, type LogPage } from './page.js';

/**
 * In one turn, the maximum number of pages without any notification that the access rules allow.
 * Without the bound, a subscriber of a pattern could cause reads of the whole log with one request.
 */
const SKIPPED_PAGES_MAX = 4;

/**
 * The maximum number of notifications on these pages. The access rules run for each notification,
 * so with a larger `limit` a turn reads fewer pages.
 */
const SKIPPED_NOTIFICATIONS_MAX = 400;

/**
 * The pause of a stream after a turn that ended with an empty page although more entries follow. A
 * poll needs none, because its client sends a new request.
 */
export const SKIPPED_PAUSE_MS = 250;

/** Counts the pages in a turn on which the access rules allow no notification. */
export class SkippedPages {
  #count = 0;

  reset(): void {
    this.#count = 0;
  }

  /**
   * Whether the turn has read too many such pages, so it ends with this empty one.
   * @param limit the notifications on a page
   */
  endWith({ more }: LogPage, limit: number): boolean {
    if (!more) return false;
    this.#count++;
    return this.#count >= SKIPPED_PAGES_MAX || this.#count * limit >= SKIPPED_NOTIFICATIONS_MAX;
  }
}

/** Whether a page is empty although more entries follow: a stream pauses after such a page. */
export function isSkippedPage(page: LogPage): boolean {
  return page.more && isEmpty(page);
}
