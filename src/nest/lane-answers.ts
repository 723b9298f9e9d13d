import { STATUS_CODES } from 'node:http';
import type { LogPage } from '../core/page.js';
import { type Body, pageBody } from '../wire/encoder.js';
import { answerBytes, headerLines } from '../wire/http1.js';
import { CACHE_CONTROL, ERROR_HEADER, JSON_TYPE } from '../wire/protocol.js';
import { exceptionAnswer, NotificationsException, toException } from './exception.js';
import type { Runtime } from './runtime.js';

/** An answer as it goes out. */
export interface LaneAnswer {
  readonly bytes: Buffer;
  /** The connection ends with it. */
  readonly close: boolean;
}

interface Built {
  readonly lines: string;
  readonly date: string;
  readonly bytes: Buffer;
}

type BuiltPage = LogPage & Record<symbol, Built | undefined>;

/** Whole answers, with the headers that node:http would send. A page's is built once for all who are answered with the same headers. */
export class LaneAnswers {
  readonly #runtime: Runtime;
  readonly #keepAliveMs: () => number;
  /** Where a page carries what was built of it. */
  readonly #onPage = Symbol('answer');
  #second = NaN;
  #date = '';

  constructor(runtime: Runtime, keepAliveMs: () => number) {
    this.#runtime = runtime;
    this.#keepAliveMs = keepAliveMs;
  }

  /**
   * @param lines header lines that the application has set
   * @param cursor what the client came with
   */
  page(page: LogPage, lines: string, cursor: string): LaneAnswer {
    // Nothing has happened to this client's place, so it keeps the cursor that it came with.
    if (page.ending) {
      const close = page.ending === 'draining';
      return { bytes: this.#bytes(200, lines, { body: pageBody(page, cursor), close }), close };
    }
    const date = this.#dateNow();
    const carrier = page as BuiltPage;
    const before = carrier[this.#onPage];
    if (before?.lines === lines && before.date === date) return { bytes: before.bytes, close: false };
    const bytes = this.#bytes(200, lines, { body: this.#runtime.encoder.body(page), close: false });
    carrier[this.#onPage] = { lines, date, bytes };
    return { bytes, close: false };
  }

  /** What Nest would answer. */
  refusal(error: unknown, lines: string): LaneAnswer {
    const exception = toException(error);
    const { status, text } = exceptionAnswer(exception);
    const known = exception instanceof NotificationsException ? exception : undefined;
    const close = known?.code === 'draining';
    const code = known ? headerLines([[ERROR_HEADER, known.code]]) : '';
    const retryAfter = known?.retryAfterS === undefined ? '' : headerLines([['Retry-After', known.retryAfterS]]);
    const body = { text, bytes: Buffer.byteLength(text) };
    return { bytes: this.#bytes(status, lines + code + retryAfter, { body, close }), close };
  }

  #bytes(status: number, lines: string, { body, close }: { body: Body; close: boolean }): Buffer {
    const keepAliveS = close ? 0 : Math.floor(this.#keepAliveMs() / 1000);
    const keepAlive = keepAliveS > 0 ? `Keep-Alive: timeout=${keepAliveS}\r\n` : '';
    const connection = `Connection: ${close ? 'close' : 'keep-alive'}\r\n${keepAlive}`;
    const content = `Content-Type: ${JSON_TYPE}\r\nContent-Length: ${body.bytes}\r\nCache-Control: ${CACHE_CONTROL}\r\n`;
    const head = `${lines}${content}Date: ${this.#dateNow()}\r\n${connection}`;
    return answerBytes(`${status} ${STATUS_CODES[status] ?? ''}`, head, body);
  }

  /** As in RFC 9110, 5.6.7; the same text for a second. */
  #dateNow(): string {
    const nowMs = this.#runtime.clock.now();
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) this.#date = new Date(nowMs).toUTCString();
    this.#second = second;
    return this.#date;
  }
}
