import type { Unsubscribable } from 'rxjs';
import type { FeedHistoryRequest } from './feed-request.js';
import type { ObservedRead } from './observer.js';
import type { LogPage } from './page.js';
import type { PageConsumer } from './page-consumer.js';
import { readsAny } from './patterns.js';
import { checkPage } from './rights.js';
import { BEHIND, type WaiterContext } from './waiter-context.js';
import { DRAINING, type FeedWaiter, NOT_QUEUED } from './waiters.js';

const REVOKED = 'Access changed while the request was processed; retry.';

/**
 * One read of the history. It never waits for notifications. It takes a slot like a poll, because
 * its read and its unread answer take memory. A revocation or a shutdown ends the waiter, also
 * while the store reads.
 */
export class HistoryWaiter implements FeedWaiter, ObservedRead, Unsubscribable {
  indexes: readonly number[] = [];
  firstNew = NOT_QUEUED;
  readonly request: FeedHistoryRequest;
  readonly kind = 'history';
  readonly startedAt: number;
  readonly #context: WaiterContext;
  readonly #consumer: PageConsumer;
  #isOpen = true;

  constructor(context: WaiterContext, request: FeedHistoryRequest, consumer: PageConsumer) {
    this.request = request;
    this.startedAt = context.reader.window.head;
    this.#context = context;
    this.#consumer = consumer;
  }

  /** Arms the waiter and reads. The consumer receives the error of a rejection. */
  start(): void {
    const { waiters, revocations, observer } = this.#context;
    const rejection = waiters.rejection(this.request);
    if (rejection) {
      this.#isOpen = false;
      observer.rejected(rejection, this);
      this.#consumer.error(rejection);
      return;
    }
    waiters.arm(this);
    observer.armed(this);
    // From now on `revoke` reaches the waiter. An earlier revocation did not reach the waiter, so
    // look the revocation up.
    if (revocations.affects(this.request)) this.#retryLater(REVOKED);
    else this.#read();
  }

  /**
   * Ignores new notifications, because the page does not include them. A shutdown ends the read.
   */
  wake(): void {
    if (this.#context.waiters.isDraining) this.#retryLater(DRAINING);
  }

  revoke(topics?: readonly string[]): void {
    if (!topics || readsAny(this.request.topics, topics)) this.#retryLater(REVOKED);
  }

  /** With access rules, the check before the delivery detects a missed revocation. */
  revocationMissed(): void {
    if (!this.request.rights) this.#retryLater(REVOKED);
  }

  unsubscribe(): void {
    if (!this.#isOpen) return;
    this.#leave();
    this.#context.waiters.releaseSlot(this);
  }

  /** Ends the waiter, which keeps its slot. */
  #leave(): void {
    const { waiters, observer } = this.#context;
    this.#isOpen = false;
    waiters.disarm(this);
    observer.ended(this);
  }

  #read(): void {
    const { topics, before, limit, bytesMax } = this.request;
    const query = { topics, before, limit, bytesMax: bytesMax?.() };
    const page = this.#context.reader.history(query, () => this.#isOpen);
    if (!(page instanceof Promise)) {
      this.#onPage(page);
      return;
    }
    page
      .then((read) => {
        this.#onPage(read);
      })
      .catch((error: unknown) => {
        this.#fail(error);
      });
  }

  #onPage(page: LogPage): void {
    if (!this.#isOpen) return;
    const { rights, topics: names } = this.request;
    if (this.#isAhead(page)) this.#retryLater(BEHIND);
    else if (page.entries.length === 0 || !rights) this.#emit(page);
    else {
      const { reader } = this.#context;
      const { interruptions } = reader;
      checkPage(
        { page, rights, names },
        {
          allowed: (allowed) => {
            if (!this.#isOpen) return;
            // During a slow check, entries may expire, or be retracted or erased.
            if (reader.interruptions === interruptions) this.#emit(reader.fresh(allowed));
            else this.#retryLater(BEHIND);
          },
          revoked: () => this.#retryLater(REVOKED),
          failed: (error) => this.#fail(error),
        },
      );
    }
  }

  /**
   * Whether the page is from a part of the log that this node has not received. Then the node may
   * not know the latest revocations, and cannot say whether a cursor is valid.
   */
  #isAhead({ epoch, entries }: LogPage): boolean {
    const { before, rights, subscriber } = this.request;
    if (before !== 'latest' && before.unknownIn !== undefined && before.unknownIn !== epoch.id) return true;
    const [newest] = entries;
    if (subscriber === undefined || !newest) return false;
    const { window } = this.#context.reader;
    return epoch.id === window.epoch.id ? newest.position > window.head : !rights;
  }

  /** The slot is released when the consumer has drained the page. */
  #emit(page: LogPage): void {
    const { waiters, observer } = this.#context;
    this.#leave();
    const release = (): void => {
      waiters.releaseSlot(this);
    };
    let drained: Promise<void> | undefined;
    try {
      this.#consumer.next(page);
      observer.delivered(page, this);
      if (page.gap) observer.gap(page.gap, this);
      drained = this.#consumer.drained?.();
    } finally {
      if (drained) drained.then(release, release);
      else release();
    }
    this.#consumer.complete();
  }

  #retryLater(message: string): void {
    this.#fail(this.#context.waiters.retryError(message));
  }

  #fail(error: unknown): void {
    if (!this.#isOpen) return;
    this.unsubscribe();
    this.#context.observer.rejected(error, this);
    this.#consumer.error(error);
  }
}
