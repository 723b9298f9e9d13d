import { Logger } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { NotificationsError } from '../../core/errors.js';
import type { LogPage } from '../../core/page.js';
import type { Blocks } from '../../wire/encoder.js';
import { textChunk } from '../../wire/chunk.js';
import { cursorBlock, HEARTBEAT, openingBlock, retryLine } from '../../wire/sse.js';
import type { Writer } from './responder.js';
import type { GrantedRead } from '../access/granted.js';
import { describeRead } from './error-headers.js';
import { isHttp1, isWrapped, writeStreamHead } from './raw-response.js';
import type { Runtime } from '../context.js';

/** A node that refuses a stream is busy or going: its client comes back this many times later than usual. */
const REFUSED_RETRY_FACTOR = 5;
/** How far what a client was told about its return may be off: what 500 others make of it. */
const HINT_TOLERANCE_MS = 1_000;

const logger = new Logger('Notifications');

type StreamRuntime = Pick<Runtime, 'settings' | 'encoder' | 'clock' | 'closing' | 'feed' | 'unread' | 'security'>;

/** Writes one event stream. It keeps no queue: the next page is read when the kernel has taken the last one. */
export class StreamWriter implements Writer {
  readonly raw: ServerResponse;
  readonly #runtime: StreamRuntime;
  readonly #granted: GrantedRead;
  /**
   * The connection, where no middleware has wrapped the response. Then blocks are framed here, and
   * written past the response: writing through it costs 1.4 to 1.9 times as much.
   */
  #socket: Socket | undefined;
  #full = false;
  /** The blocks that were written last, until `drained` is asked about them. */
  #last: string | Uint8Array = '';
  /** When the client received an id last. */
  #toldAtMs: number;
  /** When the client was told last to come back after its pause, and over how long it was spread then. */
  #hintedAtMs: number;
  #hintedSpreadMs: number;

  constructor(raw: ServerResponse, runtime: StreamRuntime, granted: GrantedRead) {
    this.#granted = granted;
    this.raw = raw;
    this.#runtime = runtime;
    this.#toldAtMs = this.#hintedAtMs = runtime.clock.monotonic();
    this.#hintedSpreadMs = runtime.feed.spreadMs();
  }

  /** Sends headers and first block at once: a client knows by them that nothing on the way holds the stream back. */
  open(cursor: string | undefined): void {
    const { raw } = this;
    writeStreamHead(raw);
    // A response that waits for the one before it on its connection has no socket yet.
    const socket = isHttp1(raw) && !isWrapped(raw) ? raw.socket : null;
    if (socket) {
      this.#socket = socket;
      socket.cork();
      // The response must not keep any bytes: node buffers chunks that are written through it, and
      // they would arrive too late.
      raw.flushHeaders();
    }
    this.#write(openingBlock(this.#retryMs(), cursor === undefined ? undefined : cursor + this.#granted.idSuffix));
    socket?.uncork();
  }

  page(page: LogPage): void {
    if (page.ending) this.#end(page);
    else if (page.entries.length > 0 || page.gap) {
      const hint = this.#hint();
      if (hint) this.#write(hint);
      this.#writeBlocks(this.#runtime.encoder.blocks(page, this.#granted.idSuffix));
      this.#toldAtMs = this.#runtime.clock.monotonic();
    } else this.#quiet(page);
  }

  /**
   * Ends the stream, since the headers are sent: no exception filter can answer any more. The client reconnects, and an access rule
   * that failed is asked again then. An error that this library does not foresee is logged.
   */
  refuse(error: unknown): void {
    this.#runtime.security.refused(error, () => describeRead(this.#granted));
    const isOwn = error instanceof NotificationsError;
    if (!isOwn) logger.error(error);
    this.sendAway(isOwn ? error.retryAfterMs : undefined);
  }

  /** Ends the stream, and has the client reconnect after a longer pause than usual. */
  sendAway(retryAfterMs = 0): void {
    this.raw.end(retryLine(Math.max(this.#retryMs() * REFUSED_RETRY_FACTOR, retryAfterMs)));
    this.#runtime.closing.add(this.raw);
  }

  /** Ends the stream if nobody has, as when an interceptor has enough of it. */
  finish(): void {
    if (!this.raw.writableEnded) this.raw.end();
  }

  drained(): Promise<void> | undefined {
    const { unread } = this.#runtime;
    const last = this.#last;
    this.#last = '';
    if (this.raw.writableEnded) return unread.untilFinished(this.raw, last, this.#granted);
    if (this.#socket) return unread.untilFlushed(this.#socket, last, this.#granted);
    if (!this.#full) return undefined;
    this.#full = false;
    return unread.untilDrained(this.raw, last, this.#granted);
  }

  #quiet(page: LogPage): void {
    // Also when the position is the same: otherwise this block would say that other topics have moved.
    if (this.#isDue(this.#toldAtMs)) {
      this.#write(this.#hint() + cursorBlock(this.#runtime.encoder.cursor(page) + this.#granted.idSuffix));
      this.#toldAtMs = this.#runtime.clock.monotonic();
    } else this.#write(this.#hint() + HEARTBEAT);
  }

  /** What a stream was told when it was opened, on a node that was nearly empty perhaps, would not keep a herd apart. */
  #hint(): string {
    if (!this.#isDue(this.#hintedAtMs)) return '';
    const { clock, feed } = this.#runtime;
    const spreadMs = feed.spreadMs();
    if (Math.abs(spreadMs - this.#hintedSpreadMs) < HINT_TOLERANCE_MS) return '';
    this.#hintedAtMs = clock.monotonic();
    this.#hintedSpreadMs = spreadMs;
    return retryLine(this.#retryMs());
  }

  #isDue(lastAtMs: number): boolean {
    const { clock, settings } = this.#runtime;
    return clock.monotonic() - lastAtMs >= settings.stream.cursorEveryMs;
  }

  #end(page: LogPage): void {
    const last = cursorBlock(this.#runtime.encoder.cursor(page) + this.#granted.idSuffix);
    this.raw.end(last + (page.ending === 'draining' ? retryLine(this.#retryMs()) : ''));
    this.#runtime.closing.add(this.raw);
  }

  #write(text: string): void {
    this.#send(this.#isFramed ? textChunk(text) : text);
  }

  #writeBlocks({ plain, chunk }: Blocks): void {
    this.#send(this.#isFramed ? chunk : plain);
  }

  /** The response itself frames what is written through it. */
  get #isFramed(): boolean {
    return this.#socket !== undefined && this.raw.chunkedEncoding;
  }

  #send(bytes: string | Uint8Array): void {
    const out = this.#socket ?? this.raw;
    if (out.destroyed) return;
    this.#last = bytes;
    if (!out.write(bytes)) this.#full = true;
  }

  #retryMs(): number {
    const { settings, feed } = this.#runtime;
    return returnAfterMs(settings.stream.retryMs, feed.spreadMs());
  }
}

/** When a client is to come back: after a pause, give or take 20 %, and spread over longer the more of them there are. */
export function returnAfterMs(pauseMs: number, spreadMs: number, random: () => number = Math.random): number {
  return Math.round(pauseMs * (0.8 + 0.4 * random()) + random() * spreadMs);
}

/** Spreads out, by 20 % either way, what would otherwise happen to all streams at once. */
export function jittered(durationMs: number): number {
  return Math.round(durationMs * (0.8 + 0.4 * Math.random()));
}
