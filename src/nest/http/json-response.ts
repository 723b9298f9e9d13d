import type { ServerResponse } from 'node:http';
import type { LogPage } from '../../core/page.js';
import { type Body, pageBody } from '../../wire/encoder.js';
import type { GrantedRead } from '../access/granted.js';
import type { ReadContext } from '../context.js';
import { exceptionAnswer } from '../notifications.exception.js';
import { grantedOne, withErrorHeaders } from './error-headers.js';
import { PageResponse } from './page-response.js';
import { type FrameworkResponse, rawOf, takeOver, writeJson, writeText } from './raw-response.js';

export interface JsonResponseOptions {
  readonly read: GrantedRead;
  readonly context: ReadContext;
  /** Called after a page was written, unless a shutdown or revocation ended the poll. */
  readonly onPage?: ((raw: ServerResponse) => void) | undefined;
}

/** Writes the answer of one poll. */
export class JsonResponse extends PageResponse {
  readonly raw: ServerResponse;
  readonly isStream = false;
  readonly #response: FrameworkResponse;
  readonly #context: ReadContext;
  readonly #read: GrantedRead;
  readonly #onPage: ((raw: ServerResponse) => void) | undefined;
  #body: Body | undefined;

  constructor(response: FrameworkResponse, { read, context, onPage }: JsonResponseOptions) {
    super();
    this.raw = rawOf(response);
    this.#response = response;
    this.#read = read;
    this.#context = context;
    this.#onPage = onPage;
  }

  begin(): void {
    takeOver(this.#response);
  }

  next(page: LogPage, cursor?: string): void {
    const { raw } = this;
    const close = page.ending === 'draining';
    this.#body = this.body(page, cursor);
    writeJson(raw, this.#body, { close });
    if (close) this.#context.closing.add(raw);
    if (!page.ending) this.#onPage?.(raw);
  }

  /** The body for a page. A capability overrides it. */
  protected body(page: LogPage, cursor?: string): Body {
    return page.ending ? pageBody(page, this.cursorOf(page)) : this.#context.encoder.body(page, cursor);
  }

  /**
   * The cursor for a page. When a shutdown or revocation ends the poll, the client has received
   * nothing and keeps its cursor.
   */
  protected cursorOf(page: LogPage, cursor?: string): string {
    const asked = page.ending ? this.#read.asked.cursor : cursor;
    return asked ?? this.#context.encoder.cursor(page);
  }

  drained(): Promise<void> | undefined {
    const content = this.#body?.content ?? '';
    this.#body = undefined;
    return this.#context.unread.untilFinished(this.raw, content, this.#read);
  }

  /** Writes the answer that Nest's own exception filter would write. */
  error(error: unknown): void {
    const { status, text } = exceptionAnswer(this.exception(error));
    if (this.raw.headersSent) this.raw.end();
    else writeText(this.raw, text, status);
  }

  override exception(error: unknown): unknown {
    return withErrorHeaders(error, this.#response, grantedOne(this.#read, this.#context));
  }

  complete(): void {
    // Nothing to do: `next` has ended the response.
  }
}
