import { NotificationsError } from '../../core/errors.js';
import type { FeedRequest } from '../../core/feed-request.js';
import type { LogEntry, Notification } from '../../core/notification.js';
import type { Gap } from '../../core/gap.js';
import type { LogPage } from '../../core/page.js';
import { race } from '../../core/race.js';
import { type Retraction, retractionOf } from '../../core/retraction.js';
import { toException } from '../notifications.exception.js';
import { feedRequest, type PollRequest } from '../feed-request.js';
import type { ReadContext } from '../context.js';

/**
 * How long one poll of the iteration waits. Without new notifications, the cursor advances after
 * each turn.
 */
const TURN_MS = 25_000;

/** The request of an iteration. */
export interface IterateRequest<Topic extends string = string> extends Omit<PollRequest<Topic>, 'waitMs'> {
  /** Ends the iteration: a pending `next()` resolves as done. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called when notifications after the cursor can no longer be read. When it resolves, the
   * iteration continues from the oldest notification that is kept. Without `onGap` the iteration
   * ends with the error `gap`.
   */
  readonly onGap?: ((gap: Gap) => void | Promise<void>) | undefined;
  /**
   * Called in the order of the log when a notification was retracted. When it resolves, the
   * iteration continues. Possibly the iteration has never returned this notification.
   */
  readonly onRetracted?: ((retraction: Retraction) => void | Promise<void>) | undefined;
}

/**
 * A notification, and the cursor right after it. Store the cursor after you have handled the
 * notification.
 */
export type Iterated<N extends Notification = Notification> = N & { readonly cursor: string };

type Result<N extends Notification> = IteratorResult<Iterated<N>, undefined>;

/**
 * Iterates over notifications. It reads the next page when the last one has been consumed, and
 * never earlier. It holds a waiter only while a `next()` is pending, so an iterator that is
 * abandoned between two calls leaks nothing.
 */
export class NotificationIterator<N extends Notification = Notification> implements AsyncIterableIterator<
  Iterated<N>,
  undefined
> {
  readonly #context: ReadContext;
  readonly #feedRequest: FeedRequest;
  readonly #signal: AbortSignal | undefined;
  readonly #onGap: IterateRequest['onGap'];
  readonly #onRetracted: IterateRequest['onRetracted'];
  #after: FeedRequest['after'];
  #cursor: string;
  /** The page that is being consumed, and the number of its entries that are consumed. */
  #page: LogPage | undefined;
  #taken = 0;
  #isEnded = false;
  /** Ends the pending turn. */
  #stop: () => void = () => undefined;
  /** Calls of `next()` are served in their order. */
  #last: Promise<unknown> = Promise.resolve();

  /** @throws NotificationsError if the request is invalid */
  constructor(context: ReadContext, { signal, onGap, onRetracted, ...request }: IterateRequest) {
    const { feed, encoder } = context;
    const { epoch, head } = feed.window;
    this.#context = context;
    this.#feedRequest = feedRequest(context, { ...request, waitMs: TURN_MS });
    this.#signal = signal;
    this.#onGap = onGap;
    this.#onRetracted = onRetracted;
    const { after } = this.#feedRequest;
    // The start is fixed now, so notifications that are published before the first `next()` are
    // delivered too.
    this.#after = after === 'latest' ? { epochId: epoch.id, position: head } : after;
    this.#cursor = after === 'latest' ? encoder.seal(epoch, head) : (request.cursor ?? '');
  }

  /**
   * The cursor after the last delivered notification. It also advances while the topics have no new
   * notifications.
   */
  get cursor(): string {
    return this.#cursor;
  }

  /** The iterator itself, for `for await`. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next notification, once it exists. Rejects, and ends the iteration, if a read fails. */
  next(): Promise<Result<N>> {
    const result = this.#last.then(() => this.#next());
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Ends the iteration and releases the waiter, also while a `next()` is pending. */
  return(): Promise<Result<N>> {
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  async #next(): Promise<Result<N>> {
    try {
      while (!this.#isOver()) {
        const entry = this.#page?.entries[this.#taken];
        if (this.#page && entry) {
          this.#taken++;
          const retraction = retractionOf(entry);
          if (retraction) await this.#onRetracted?.(retraction);
          // A notification may expire, or be retracted, while the loop handles earlier ones of the
          // same page.
          else if (await this.#context.feed.isLive(entry, this.#page)) {
            return { done: false, value: this.#deliver(this.#page, entry) };
          }
        } else if (this.#page?.ending) break;
        else await this.#readPage();
      }
    } catch (error) {
      this.#end();
      throw toException(error);
    }
    this.#end();
    return { done: true, value: undefined };
  }

  #isOver(): boolean {
    return this.#isEnded || this.#signal?.aborted === true;
  }

  #end(): void {
    this.#isEnded = true;
    this.#page = undefined;
    this.#stop();
  }

  #deliver(page: LogPage, entry: LogEntry): Iterated<N> {
    const { encoder } = this.#context;
    const isLast = this.#taken === page.entries.length;
    this.#cursor = encoder.seal(page.epoch, isLast ? page.position : entry.position);
    return { ...(JSON.parse(entry.json) as N), cursor: this.#cursor };
  }

  async #readPage(): Promise<void> {
    const page = await this.#turn();
    if (!page || this.#isOver()) return;
    if (page.gap) await this.#passGap(page.gap);
    this.#page = page;
    this.#taken = 0;
    this.#after = { epochId: page.epoch.id, position: page.position };
    if (page.entries.length === 0) this.#cursor = this.#context.encoder.cursor(page);
  }

  async #passGap(gap: Gap): Promise<void> {
    if (!this.#onGap) {
      const message = `notifications after the cursor can no longer be read (${gap.reason}): fetch your state again, or set onGap`;
      throw new NotificationsError('gap', message);
    }
    await this.#onGap(gap);
  }

  /** One poll. Undefined if the iteration ended meanwhile, or if the application shuts down. */
  #turn(): Promise<LogPage | undefined> {
    const { feed } = this.#context;
    const request = { ...this.#feedRequest, after: this.#after };
    return new Promise<LogPage | undefined>((resolve, reject) => {
      const poll = race(feed.arrivals(request), feed.timeout(request)).subscribe({ next: resolve, error: reject });
      this.#stop = () => {
        poll.unsubscribe();
        resolve(undefined);
      };
      this.#signal?.addEventListener('abort', this.#stop);
    })
      .catch((error: unknown) => {
        if (error instanceof NotificationsError && error.code === 'draining' && this.#context.leaving.hasBegun) {
          this.#isEnded = true;
          return undefined;
        }
        throw error;
      })
      .finally(() => {
        this.#signal?.removeEventListener('abort', this.#stop);
      });
  }
}
