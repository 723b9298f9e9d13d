import { isEmpty, type LogPage } from './page.js';

/**
 * The maximum number of pages in one turn of which access refuses all notifications. Without the
 * bound, a subscriber of a pattern could cause reads of the whole log with one request.
 */
const SKIPPED_PAGES_MAX = 4;

/**
 * The pause of a stream after such a turn. A poll needs none, because its client sends a new
 * request.
 */
export const SKIPPED_PAUSE_MS = 100;

/** Counts the pages of a turn on which access has refused every notification. */
export class SkippedPages {
  #count = 0;

  reset(): void {
    this.#count = 0;
  }

  /** Whether the turn must end with this empty page, because it has read too many of them. */
  endWith({ more }: LogPage): boolean {
    return more && ++this.#count >= SKIPPED_PAGES_MAX;
  }
}

/** Whether a stream pauses after a page: the notifications that were read so far were left out. */
export function isSkippedPage(page: LogPage): boolean {
  return page.more && isEmpty(page);
}
