import type { Observer } from 'rxjs';
import type { LogPage } from './page.js';

/**
 * Receives the pages of one waiter without RxJS in between. `JsonResponse`, `SseResponse` and the
 * polls of the direct lane (`nest/direct-lane`) extend it. Other observers of `Pages` get a
 * `Subscriber` of RxJS.
 */
export abstract class PageConsumer implements Observer<LogPage> {
  abstract next(page: LogPage): void;

  /** The request was rejected, or reading failed. No page follows. */
  abstract error(error: unknown): void;

  /** The last page was delivered. */
  abstract complete(): void;

  /**
   * Called after each page. The promise resolves when the page was sent. Until it resolves, a
   * stream reads no further page, and the waiter counts towards the limits. Undefined means that
   * the page was sent already. Without this method each page counts as sent at once.
   */
  drained?(): Promise<void> | undefined;
}
