import type { ClientRead, FeedHistoryRequest } from './feed-request.js';
import { isUnknown } from './history-page.js';
import type { ObservedRead } from './observer.js';
import type { LogPage } from './page.js';
import { readsAny } from './patterns.js';
import { BEHIND, type WaiterContext } from './waiter-context.js';
import { DRAINING, type FeedWaiter, NOT_QUEUED } from './waiters.js';

const REVOKED = 'Access changed while the request was processed; retry.';

/**
 * The slot of a request that reads the history, once or several times. Like a poll, the request
 * counts towards the limits until its answer was sent, because its reads and its unread answer take
 * memory. A revocation or a shutdown ends the request, also while the store reads.
 */
export class HistorySlot implements FeedWaiter, ObservedRead {
  indexes: readonly number[] = [];
  firstNew = NOT_QUEUED;
  readonly request: ClientRead;
  readonly kind = 'history';
  readonly startedAt: number;
  readonly #context: WaiterContext;
  readonly #onError: (error: unknown) => void;
  #isOpen = true;

  /** @param onError called at most once, when the request is rejected or ends with an error */
  constructor(context: WaiterContext, request: ClientRead, onError: (error: unknown) => void) {
    this.request = request;
    this.startedAt = context.reader.window.head;
    this.#context = context;
    this.#onError = onError;
  }

  /** False when the request has ended. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Takes the slot. Returns false if the request was rejected. */
  open(): boolean {
    const { waiters, revocations, observer } = this.#context;
    const rejection = waiters.rejection(this.request);
    if (rejection) {
      this.#isOpen = false;
      observer.rejected(rejection, this);
      this.#onError(rejection);
      return false;
    }
    waiters.arm(this);
    observer.armed(this);
    // From now on `revoke` reaches the request. An earlier revocation did not reach it, so look the
    // revocation up.
    if (revocations.affects(this.request)) this.retryRevoked();
    return this.#isOpen;
  }

  /**
   * Ignores new notifications, because the page does not include them. A shutdown ends the request.
   */
  wake(): void {
    if (this.#context.waiters.isDraining) this.#retryLater(DRAINING);
  }

  revoke(topics?: readonly string[]): void {
    if (!topics || readsAny(this.request.topics, topics)) this.retryRevoked();
  }

  /** With access rules, the check before the delivery detects a missed revocation. */
  revocationMissed(): void {
    if (!this.request.rights) this.retryRevoked();
  }

  /**
   * Whether a page is from a part of the log that this node has not received. Then the node may not
   * know the latest revocations, and cannot say whether a cursor is valid.
   */
  isAhead({ epoch, entries }: LogPage, before: FeedHistoryRequest['before']): boolean {
    const { rights, subscriber } = this.request;
    if (isUnknown(before, epoch)) return true;
    const [newest] = entries;
    if (subscriber === undefined || !newest) return false;
    const { window } = this.#context.reader;
    return epoch.id === window.epoch.id ? newest.position > window.head : !rights;
  }

  /**
   * Ends the request with its answer. The slot is released when the answer was sent.
   *
   * @param send writes the page; its promise resolves when the client has read the answer
   */
  deliver(page: LogPage, send: () => Promise<void> | undefined): void {
    const { waiters, observer } = this.#context;
    this.#leave();
    const release = (): void => {
      waiters.releaseSlot(this);
    };
    let sent: Promise<void> | undefined;
    try {
      sent = send();
      observer.delivered(page, this);
      if (page.gap) observer.gap(page.gap, this);
    } finally {
      if (sent) sent.then(release, release);
      else release();
    }
  }

  /** Ends the request without an answer. */
  close(): void {
    if (!this.#isOpen) return;
    this.#leave();
    this.#context.waiters.releaseSlot(this);
  }

  fail(error: unknown): void {
    if (!this.#isOpen) return;
    this.close();
    this.#context.observer.rejected(error, this);
    this.#onError(error);
  }

  retryBehind(): void {
    this.#retryLater(BEHIND);
  }

  retryRevoked(): void {
    this.#retryLater(REVOKED);
  }

  #retryLater(message: string): void {
    this.fail(this.#context.waiters.retryError(message));
  }

  /** Ends the request, which keeps its slot. */
  #leave(): void {
    const { waiters, observer } = this.#context;
    this.#isOpen = false;
    waiters.disarm(this);
    observer.ended(this);
  }
}
