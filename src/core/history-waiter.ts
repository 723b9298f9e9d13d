import type { Unsubscribable } from 'rxjs';
import type { FeedHistoryRequest } from './feed-request.js';
import { HistorySlot } from './history-slot.js';
import type { LogPage } from './page.js';
import type { PageConsumer } from './page-consumer.js';
import { checkPage } from './rights.js';
import type { WaiterContext } from './waiter-context.js';

/** One read of the history. It never waits for notifications. */
export class HistoryWaiter implements Unsubscribable {
  readonly #context: WaiterContext;
  readonly #request: FeedHistoryRequest;
  readonly #consumer: PageConsumer;
  readonly #slot: HistorySlot;

  constructor(context: WaiterContext, request: FeedHistoryRequest, consumer: PageConsumer) {
    this.#context = context;
    this.#request = request;
    this.#consumer = consumer;
    this.#slot = new HistorySlot(context, request, (error) => {
      consumer.error(error);
    });
  }

  /** Takes a slot and reads. The consumer receives the error of a rejection. */
  start(): void {
    if (this.#slot.open()) this.#read();
  }

  unsubscribe(): void {
    this.#slot.close();
  }

  #read(): void {
    const { topics, before, limit, bytesMax } = this.#request;
    const query = { topics, before, limit, bytesMax: bytesMax?.() };
    const page = this.#context.reader.history(query, () => this.#slot.isOpen);
    if (!(page instanceof Promise)) {
      this.#onPage(page);
      return;
    }
    page
      .then((read) => {
        this.#onPage(read);
      })
      .catch((error: unknown) => {
        this.#slot.fail(error);
      });
  }

  #onPage(page: LogPage): void {
    const slot = this.#slot;
    if (!slot.isOpen) return;
    const { rights, topics: names, before } = this.#request;
    if (slot.isAhead(page, before)) slot.retryBehind();
    else if (page.entries.length === 0 || !rights) this.#emit(page);
    else {
      const { reader } = this.#context;
      const { interruptions } = reader;
      checkPage(
        { page, rights, names },
        {
          allowed: (allowed) => {
            if (!slot.isOpen) return;
            if (reader.interruptions === interruptions) this.#emit(allowed);
            else slot.retryBehind();
          },
          revoked: () => slot.retryRevoked(),
          failed: (error) => slot.fail(error),
        },
      );
    }
  }

  /** Since the read, entries may have expired, or been retracted or erased. */
  #emit(read: LogPage): void {
    const page = this.#context.reader.fresh(read);
    this.#slot.deliver(page, () => {
      this.#consumer.next(page);
      return this.#consumer.drained?.();
    });
    this.#consumer.complete();
  }
}
