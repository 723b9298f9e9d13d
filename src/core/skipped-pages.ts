import { isEmpty, type LogPage } from './page.js';

/**
 * The maximum number of pages in one turn of which access refuses all notifications. Without the
 * bound, a subscriber of a pattern could cause reads of the whole log with one request.
 */
const SKIPPED_PAGES_MAX = 4;

/**
 * The notifications of these pages. The access rules run for each of them, so a request of large
 * pages reads fewer.
 */
const SKIPPED_NOTIFICATIONS_MAX = 400;

/**
 * The pause of a stream after such a turn. A poll needs none, because its client sends a new
 * request.
 */
export const SKIPPED_PAUSE_MS = 250;

/** Counts the pages of a turn on which access has refused every notification. */
export class SkippedPages {
  #count = 0;

  reset(): void {
    this.#count = 0;
  }

  /**
   * Whether the turn must end with this empty page, because it has read too many of them.
   * @param limit the notifications on a page
   */
  endWith({ more }: LogPage, limit: number): boolean {
    if (!more) return false;
    this.#count++;
    return this.#count >= SKIPPED_PAGES_MAX || this.#count * limit >= SKIPPED_NOTIFICATIONS_MAX;
  }
}

/** Whether a stream pauses after a page: the notifications that were read so far were left out. */
export function isSkippedPage(page: LogPage): boolean {
  return page.more && isEmpty(page);
}
