import type { ClientRead } from './feed-request.js';
import type { HistoryPageQuery, HistorySource } from './history-page.js';
import { HistorySlot } from './history-slot.js';
import type { LogPage } from './page.js';
import type { WaiterContext } from './waiter-context.js';

/**
 * The reads of one request that needs several pages of the history for its answer. The request has
 * one slot, from its first read until its answer was sent.
 */
export class HistoryReads implements HistorySource {
  readonly #context: WaiterContext;
  readonly #slot: HistorySlot;
  /** Rejects when the request ends without an answer. */
  readonly #ended: Promise<never>;
  #end: (error: unknown) => void = () => undefined;
  #error: unknown;

  /** @throws NotificationsError if the request is rejected */
  constructor(context: WaiterContext, request: ClientRead) {
    this.#context = context;
    this.#ended = new Promise((_, reject) => (this.#end = reject));
    // A request may end between two reads.
    this.#ended.catch(() => undefined);
    this.#slot = new HistorySlot(context, request, (error) => {
      this.#endWith(error);
    });
    this.#slot.open();
    this.#check();
  }

  /** Rejects if the request has ended, or ends during the read. */
  async read(query: HistoryPageQuery): Promise<LogPage> {
    this.#check();
    try {
      const { reader } = this.#context;
      const read = reader.history(query, () => this.#slot.isOpen);
      const page = await Promise.race([read, this.#ended]);
      if (this.#slot.isAhead(page, query.before)) this.#slot.retryBehind();
      this.#check();
      return reader.fresh(page);
    } catch (error) {
      this.#slot.fail(error);
      throw error;
    }
  }

  /**
   * Ends the request with its answer. The slot is released when the answer was sent.
   *
   * @param page - The entries of the answer. Observers receive it as the delivery.
   * @param send - Writes the answer. Its promise resolves when the client has read the answer.
   * @throws the error that has ended the request
   */
  deliver(page: LogPage, send: () => Promise<void> | undefined): void {
    this.#check();
    this.#slot.deliver(page, send);
  }

  /** Releases the slot and ends the pending read. Does nothing after the delivery. */
  close(): void {
    if (!this.#slot.isOpen) return;
    this.#slot.close();
    this.#endWith(new Error('The request was closed.'));
  }

  #check(): void {
    if (this.#error !== undefined) throw this.#error as Error;
  }

  #endWith(error: unknown): void {
    this.#error = error;
    this.#end(error);
  }
}
