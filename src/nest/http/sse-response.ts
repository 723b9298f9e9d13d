import { Logger } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { reconnectMs } from '../../core/backoff.js';
import { NotificationsError } from '../../core/errors.js';
import type { LogPage, LogPosition } from '../../core/page.js';
import { textChunk } from '../../wire/chunk.js';
import type { Blocks } from '../../wire/encoder.js';
import { cursorBlock, HEARTBEAT, openingBlock, retryLine } from '../../wire/sse.js';
import type { GrantedRead } from '../access/granted.js';
import type { ReadContext } from '../context.js';
import { describeRead } from './error-headers.js';
import { PageResponse } from './page-response.js';
import { type FrameworkResponse, isHttp1, isWrapped, rawOf, takeOver, writeStreamHead } from './raw-response.js';

/**
 * The client of a rejected stream waits longer by this factor, because the node is busy or shuts
 * down.
 */
const REJECTED_RETRY_FACTOR = 5;
/**
 * A stream sends a new `retry:` when the time over which clients spread their reconnects has
 * changed by this duration. 500 more clients cause such a change.
 */
const SPREAD_TOLERANCE_MS = 1_000;

const logger = new Logger('Notifications');

export interface SseResponseOptions {
  readonly read: GrantedRead;
  readonly context: ReadContext;
  /** The start of the stream. Undefined for a rejected stream. */
  readonly start?: LogPosition | 'earliest' | undefined;
}

/**
 * One event stream. It keeps no queue: it reads the next page when the last one is flushed to the
 * kernel.
 */
export class SseResponse extends PageResponse {
  readonly raw: ServerResponse;
  readonly isStream = true;
  readonly #response: FrameworkResponse;
  readonly #context: ReadContext;
  readonly #read: GrantedRead;
  readonly #start: SseResponseOptions['start'];
  /**
   * The connection, if no middleware has wrapped the response. Blocks are then framed here and
   * written to the socket directly. Writing through the response costs 1.4 to 1.9 times as much.
   */
  #socket: Socket | undefined;
  #isFull = false;
  /** The blocks that were written last, until `drained` is called. */
  #last: string | Uint8Array = '';
  /** When the client last received an id. */
  #idSentAtMs: number;
  /** When the client last received `retry:`, and the spread at that time. */
  #retrySentAtMs: number;
  #retrySpreadMs: number;

  constructor(response: FrameworkResponse, { read, context, start }: SseResponseOptions) {
    super();
    this.raw = rawOf(response);
    this.#response = response;
    this.#read = read;
    this.#context = context;
    this.#start = start;
    this.#idSentAtMs = this.#retrySentAtMs = context.clock.monotonic();
    this.#retrySpreadMs = context.feed.spreadMs();
  }

  /**
   * Sends the headers and the first block at once. A client that receives them knows that no proxy
   * buffers the stream.
   */
  begin(): void {
    takeOver(this.#response);
    const { raw } = this;
    writeStreamHead(raw);
    // A pipelined response has no socket until the responses before it have ended.
    const socket = isHttp1(raw) && !isWrapped(raw) ? raw.socket : null;
    if (socket) {
      this.#socket = socket;
      socket.cork();
      // Node.js buffers the first chunk that is written through the response, so it would arrive
      // after later blocks.
      raw.flushHeaders();
    }
    const cursor = this.#openingCursor();
    this.#write(openingBlock(this.#retryMs(), cursor === undefined ? undefined : cursor + this.#read.idSuffix));
    socket?.uncork();
  }

  next(page: LogPage): void {
    if (page.ending) this.#end(page);
    else if (page.entries.length > 0 || page.gap) {
      const retry = this.#renewedRetry();
      if (retry) this.#write(retry);
      this.#writeBlocks(this.blocks(page));
      this.#idSentAtMs = this.#context.clock.monotonic();
    } else this.#writeQuiet(page);
  }

  /** The blocks of a page with notifications or a gap. A capability overrides it. */
  protected blocks(page: LogPage): Blocks {
    return this.#context.encoder.blocks(page, this.#read.idSuffix);
  }

  /**
   * Ends the stream. The headers are sent, so no exception filter can answer. The client
   * reconnects, and is checked against the access rules again. An unexpected error is logged.
   */
  error(error: unknown): void {
    this.#context.security.refused(error, () => describeRead(this.#read));
    const isOwn = error instanceof NotificationsError;
    if (!isOwn) logger.error(error);
    const retryAfterMs = isOwn ? (error.retryAfterMs ?? 0) : 0;
    this.raw.end(retryLine(Math.max(this.#retryMs() * REJECTED_RETRY_FACTOR, retryAfterMs)));
    this.#context.closing.add(this.raw);
  }

  complete(): void {
    // Nothing to do: the last page has ended the response.
  }

  override finish(): void {
    if (!this.raw.writableEnded) this.raw.end();
  }

  drained(): Promise<void> | undefined {
    const { unread } = this.#context;
    const last = this.#last;
    this.#last = '';
    if (this.raw.writableEnded) return unread.untilFinished(this.raw, last, this.#read);
    if (this.#socket) return unread.untilFlushed(this.#socket, last, this.#read);
    if (!this.#isFull) return undefined;
    this.#isFull = false;
    return unread.untilDrained(this.raw, last, this.#read);
  }

  #openingCursor(): string | undefined {
    const start = this.#start;
    if (start === undefined) return undefined;
    const { feed, encoder } = this.#context;
    const { epoch } = feed.window;
    if (start === 'earliest') return encoder.seal(epoch, 0);
    // Send no cursor if the start leads to a gap. The client keeps its old cursor until it has
    // received the gap.
    return start.epochId === epoch.id && !start.afterLoss ? encoder.seal(epoch, start.position) : undefined;
  }

  #writeQuiet(page: LogPage): void {
    // Send a cursor even if the position is unchanged. Cursors sent only after a change would
    // reveal that other topics have new notifications.
    if (this.#isDue(this.#idSentAtMs)) {
      this.#write(this.#renewedRetry() + cursorBlock(this.#context.encoder.cursor(page) + this.#read.idSuffix));
      this.#idSentAtMs = this.#context.clock.monotonic();
    } else this.#write(this.#renewedRetry() + HEARTBEAT);
  }

  /**
   * Returns a new `retry:` if the number of clients has changed since the last one. Otherwise a
   * stream from a time with few clients would reconnect too early, together with thousands of
   * others.
   */
  #renewedRetry(): string {
    if (!this.#isDue(this.#retrySentAtMs)) return '';
    const { clock, feed } = this.#context;
    const spreadMs = feed.spreadMs();
    if (Math.abs(spreadMs - this.#retrySpreadMs) < SPREAD_TOLERANCE_MS) return '';
    this.#retrySentAtMs = clock.monotonic();
    this.#retrySpreadMs = spreadMs;
    return retryLine(this.#retryMs());
  }

  #isDue(lastAtMs: number): boolean {
    const { clock, settings } = this.#context;
    return clock.monotonic() - lastAtMs >= settings.stream.cursorEveryMs;
  }

  #end(page: LogPage): void {
    const last = cursorBlock(this.#context.encoder.cursor(page) + this.#read.idSuffix);
    this.raw.end(last + (page.ending === 'draining' ? retryLine(this.#retryMs()) : ''));
    this.#context.closing.add(this.raw);
  }

  #write(text: string): void {
    this.#send(this.#isFramed ? textChunk(text) : text);
  }

  #writeBlocks({ plain, chunk }: Blocks): void {
    this.#send(this.#isFramed ? chunk : plain);
  }

  /** True if this class frames the chunks. Otherwise the response frames them. */
  get #isFramed(): boolean {
    return this.#socket !== undefined && this.raw.chunkedEncoding;
  }

  #send(bytes: string | Uint8Array): void {
    const out = this.#socket ?? this.raw;
    if (out.destroyed) return;
    this.#last = bytes;
    if (!out.write(bytes)) this.#isFull = true;
  }

  #retryMs(): number {
    const { settings, feed } = this.#context;
    return reconnectMs(settings.stream.retryMs, feed.spreadMs());
  }
}
