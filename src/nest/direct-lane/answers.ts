import { STATUS_CODES } from 'node:http';
import type { LogPage } from '../../core/page.js';
import { type Body, pageBody } from '../../wire/encoder.js';
import { answerBytes, answerHead, headerLines } from '../../wire/http1.js';
import { CACHE_CONTROL, ERROR_HEADER, JSON_TYPE } from '../../wire/protocol.js';
import { exceptionAnswer, NotificationsException, toException } from '../notifications.exception.js';
import type { Grant } from './connection.js';
import { describeRead } from '../http/error-headers.js';
import type { ReadContext } from '../context.js';

/** An answer as bytes. */
export interface LaneAnswer {
  readonly pieces: readonly Buffer[];
  /** True if the connection ends after this answer. */
  readonly close: boolean;
}

/**
 * Builds whole answers, with the headers that node:http would send. A small answer is built once
 * for all clients with the same headers.
 */
export class LaneAnswers {
  readonly #context: ReadContext;
  readonly #keepAliveMs: () => number;
  #second = NaN;
  #date = '';

  constructor(context: ReadContext, keepAliveMs: () => number) {
    this.#context = context;
    this.#keepAliveMs = keepAliveMs;
  }

  /**
   * @param lines - The header lines that the application has set.
   * @param cursor - The client's own cursor.
   */
  page(page: LogPage, lines: string, cursor: string): LaneAnswer {
    const { encoder } = this.#context;
    // The client has received nothing, so its cursor stays the same.
    if (page.ending)
      return this.#answer(200, lines, { body: pageBody(page, cursor), close: page.ending === 'draining' });
    const date = this.#dateNow();
    const last = encoder.lastAnswer(page);
    if (last?.lines === lines && last.date === date) return { pieces: [encoder.answerBytes(page, last)], close: false };
    const body = encoder.body(page);
    const answer = this.#answer(200, lines, { body, close: false });
    const [bytes, ...others] = answer.pieces;
    if (bytes && others.length === 0) {
      encoder.keepAnswer(page, { lines, date, bytes, cursorFromEnd: body.cursorFromEnd });
    }
    return answer;
  }

  /** The answer that Nest would write for an error. */
  error(error: unknown, { form: { answerLines }, arrival }: Grant): LaneAnswer {
    this.#context.security.refused(error, () => describeRead(arrival.granted));
    const exception = toException(error);
    const { status, text } = exceptionAnswer(exception);
    const known = exception instanceof NotificationsException ? exception : undefined;
    const close = known?.code === 'draining';
    const code = known ? headerLines([[ERROR_HEADER, known.code]]) : '';
    const retryAfter = known?.retryAfterS === undefined ? '' : headerLines([['Retry-After', known.retryAfterS]]);
    const body = { content: text, bytes: Buffer.byteLength(text) };
    return this.#answer(status, answerLines + code + retryAfter, { body, close });
  }

  #answer(status: number, lines: string, { body, close }: { body: Body; close: boolean }): LaneAnswer {
    const keepAliveS = close ? 0 : Math.floor(this.#keepAliveMs() / 1000);
    const keepAlive = keepAliveS > 0 ? `Keep-Alive: timeout=${keepAliveS}\r\n` : '';
    const connection = `Connection: ${close ? 'close' : 'keep-alive'}\r\n${keepAlive}`;
    const content = `Content-Type: ${JSON_TYPE}\r\nContent-Length: ${body.bytes}\r\nCache-Control: ${CACHE_CONTROL}\r\n`;
    const head = answerHead(
      `${status} ${STATUS_CODES[status] ?? ''}`,
      `${lines}${content}Date: ${this.#dateNow()}\r\n${connection}`,
    );
    // A large body remains a separate buffer, which all connections share.
    const pieces =
      typeof body.content === 'string' ? [answerBytes(head, body)] : [Buffer.from(head, 'latin1'), body.content];
    return { pieces, close };
  }

  /** The `Date` header (RFC 9110, 5.6.7). It is formatted once per second. */
  #dateNow(): string {
    const nowMs = this.#context.clock.now();
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) this.#date = new Date(nowMs).toUTCString();
    this.#second = second;
    return this.#date;
  }
}
