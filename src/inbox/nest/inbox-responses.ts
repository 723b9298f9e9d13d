import type { Start } from '../../core/feed-request.js';
import type { LogPage } from '../../core/page.js';
import { type Blocks, type Body, blocksOf } from '../../wire/encoder.js';
import { JsonResponse, type JsonResponseOptions } from '../../nest/http/json-response.js';
import { connectionOf, type FrameworkResponse } from '../../nest/http/raw-response.js';
import { SseResponse, type SseResponseOptions } from '../../nest/http/sse-response.js';
import type { InboxEvents, LiveReader } from './inbox-events.js';

/** The source of events, and the live reader that the response serves. */
export interface LiveInbox {
  readonly events: InboxEvents;
  readonly live: LiveReader;
  /** The position after which the first page is read. */
  readonly start: Start;
}

const NO_BODY: Body = { content: '', bytes: 0 };

/**
 * The answer of one long poll of an inbox. Its event needs store reads. `drained` resolves after
 * these reads, so the poll keeps its slot until then.
 */
export class InboxJsonResponse extends JsonResponse {
  readonly #inbox: LiveInbox;
  #pending: Promise<void> | undefined;
  #event = NO_BODY;

  constructor(response: FrameworkResponse, options: JsonResponseOptions, inbox: LiveInbox) {
    super(response, options);
    this.#inbox = inbox;
  }

  override next(page: LogPage, cursor?: string): void {
    this.#pending = this.#write(page, cursor);
  }

  override drained(): Promise<void> | undefined {
    return this.#pending?.then(() => super.drained());
  }

  protected override body(): Body {
    return this.#event;
  }

  async #write(page: LogPage, given?: string): Promise<void> {
    try {
      const { events, live, start } = this.#inbox;
      const event = await events.of({ page, after: start }, live);
      const text = JSON.stringify({ ...event, cursor: this.cursorOf(page, given), more: page.more });
      this.#event = { content: text, bytes: Buffer.byteLength(text) };
      if (!this.raw.writableEnded && !this.raw.destroyed) super.next(page);
    } catch (error) {
      if (!connectionOf(this.raw).destroyed) this.error(error);
    }
  }
}

/** An event stream of an inbox. Each page is written completely before the next page or the end. */
export class InboxSseResponse extends SseResponse {
  readonly #inbox: LiveInbox;
  #after: Start;
  #pending: Promise<void> | undefined;
  #blocks = '';

  constructor(response: FrameworkResponse, options: SseResponseOptions, inbox: LiveInbox) {
    super(response, options);
    this.#inbox = inbox;
    this.#after = inbox.start;
  }

  override next(page: LogPage): void {
    const after = this.#after;
    this.#after = { epochId: page.epoch.id, position: page.position };
    const hasEvent = !page.ending && (page.entries.length > 0 || page.gap !== undefined);
    if (hasEvent) {
      this.#pending = this.#write(page, after);
      // An interceptor may end the stream during this call. Then nothing waits for the write.
      this.#pending.catch(() => undefined);
    } else if (this.#pending) this.#pending = this.#end(this.#pending, page);
    else super.next(page);
  }

  override drained(): Promise<void> | undefined {
    const pending = this.#pending;
    if (!pending) return super.drained();
    return pending.then(() => {
      if (this.#pending === pending) this.#pending = undefined;
      return super.drained();
    });
  }

  protected override blocks(): Blocks {
    return blocksOf(this.#blocks);
  }

  async #write(page: LogPage, after: Start): Promise<void> {
    const { events, live } = this.#inbox;
    try {
      this.#blocks = await events.blocks({ page, after }, live);
    } catch (error) {
      if (connectionOf(this.raw).destroyed) return;
      throw error;
    }
    this.#passOn(page);
  }

  /**
   * Ends the stream after the page that is being written. If that page cannot be written, the last
   * cursor must not advance beyond it.
   */
  async #end(pending: Promise<void>, page: LogPage): Promise<void> {
    try {
      await pending;
      this.#passOn(page);
    } catch (error) {
      this.error(error);
    }
  }

  /** The client may have left meanwhile. */
  #passOn(page: LogPage): void {
    if (!this.raw.writableEnded && !this.raw.destroyed) super.next(page);
  }
}
