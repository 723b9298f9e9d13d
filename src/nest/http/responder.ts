import { Observable, type Subscriber } from 'rxjs';
import type { LogPage } from '../../core/page.js';
import { PageConsumer } from '../../core/page-consumer.js';
import type { Pages } from '../../core/pages.js';
import type { Page, PageEncoder } from '../../wire/encoder.js';
import type { PageResponse } from './page-response.js';
import { onClose } from './raw-response.js';
import { inSubscriberContext } from './subscriber-context.js';

/**
 * Connects pages to responses. A response writes the bytes itself, so an interceptor that wraps or
 * serializes values cannot change the protocol.
 *
 * If the application has interceptors or exception filters, Nest subscribes to the pages, so they
 * observe each page and error. Otherwise the response subscribes to the same pages directly,
 * because Nest's subscription would add a third of the memory per held poll and two thirds of the
 * time per answer. The bytes are the same.
 */
export class Responder {
  readonly #encoder: PageEncoder;
  #isObserved = false;

  constructor(encoder: PageEncoder) {
    this.#encoder = encoder;
  }

  /**
   * Whether interceptors or exception filters observe the answers. Set before Nest creates the
   * routes.
   */
  get isObserved(): boolean {
    return this.#isObserved;
  }

  observe(isObserved: boolean): void {
    this.#isObserved = isObserved;
  }

  /**
   * Returns the Observable for the handler. It emits undefined if the response was written without
   * a page.
   */
  respond(page$: Pages, response: PageResponse): Observable<Page | undefined> {
    if (this.#isObserved) return this.#observed(page$, response);
    const { raw } = response;
    response.begin();
    if (raw.destroyed) return ANSWERED;
    const waiter = page$.subscribe(response);
    if (raw.writableEnded) return ANSWERED;
    onClose(raw, () => waiter.unsubscribe());
    return ANSWERED;
  }

  /** Nest subscribes, and unsubscribes when the client leaves. */
  #observed(page$: Pages, response: PageResponse): Observable<Page | undefined> {
    const observed$ = new Observable<Page | undefined>((subscriber) => {
      const waiter = page$.subscribe(new ObservedResponse(response, subscriber, this.#encoder));
      return () => {
        waiter.unsubscribe();
        // An interceptor may end a stream early.
        response.finish?.();
      };
    });
    return observed$.pipe(inSubscriberContext());
  }
}

/** Writes each page and emits it. */
class ObservedResponse extends PageConsumer {
  readonly #response: PageResponse;
  readonly #subscriber: Subscriber<Page | undefined>;
  readonly #encoder: PageEncoder;
  #hasBegun = false;

  constructor(response: PageResponse, subscriber: Subscriber<Page | undefined>, encoder: PageEncoder) {
    super();
    this.#response = response;
    this.#subscriber = subscriber;
    this.#encoder = encoder;
    if (response.isStream) this.#begin();
  }

  next(page: LogPage): void {
    this.#begin();
    const observed = this.#encoder.page(page);
    this.#response.next(page, observed.cursor);
    this.#subscriber.next(observed);
  }

  error(error: unknown): void {
    if (!this.#hasBegun) {
      this.#subscriber.error(this.#response.exception?.(error));
      return;
    }
    this.#response.error(error);
    // Nest fails for an Observable that completes without a value.
    this.#subscriber.next(undefined);
    this.#subscriber.complete();
  }

  complete(): void {
    this.#subscriber.complete();
  }

  override drained(): Promise<void> | undefined {
    return this.#response.drained();
  }

  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#response.begin();
  }
}

/**
 * Completes at once. Nest does not reply then, because the response is taken over. `pipe` ignores
 * the operators that Nest adds. They would only add a second listener for the disconnect.
 */
class Answered extends Observable<undefined> {
  override readonly pipe = (): this => this;
}

/** The return value when the response is already written, or receives its pages directly. */
export const ANSWERED: Observable<undefined> = new Answered((subscriber) => {
  subscriber.next(undefined);
  subscriber.complete();
});
