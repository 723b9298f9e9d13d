import type { ServerResponse } from 'node:http';
import type { LogPage } from '../core/page.js';
import { pageBody } from '../wire/encoder.js';
import { takeOverRead, type Writer } from './answer.js';
import { type FrameworkResponse, isHttp1, writeJson } from './reply.js';
import { refusal } from './refusal.js';
import type { Runtime } from './runtime.js';
import { cutWhenUnread } from './unread.js';

/** Writes the answer of one poll. */
export class PollWriter implements Writer {
  readonly #response: FrameworkResponse;
  readonly #runtime: Runtime;
  /** What the client came with. */
  readonly #cursor: string | undefined;
  readonly #answered: ((raw: ServerResponse) => void) | undefined;
  #raw: ServerResponse | undefined;

  /** @param answered is told when a page has been written, unless the waiter was ended */
  constructor(
    response: FrameworkResponse,
    runtime: Runtime,
    cursor: string | undefined,
    answered?: (raw: ServerResponse) => void,
  ) {
    this.#answered = answered;
    this.#response = response;
    this.#runtime = runtime;
    this.#cursor = cursor;
  }

  /** The response, taken out of the framework's hands. */
  get raw(): ServerResponse {
    return (this.#raw ??= takeOverRead(this.#response, this.#runtime));
  }

  page(page: LogPage, cursor?: string): void {
    const { encoder, closing } = this.#runtime;
    const { raw } = this;
    if (page.ending) {
      // Nothing has happened to this client's place, so it keeps the cursor that it came with.
      const close = page.ending === 'draining';
      writeJson(raw, pageBody(page, this.#cursor ?? encoder.cursor(page)), { close });
      if (close) closing.add(raw);
    } else {
      writeJson(raw, encoder.body(page, cursor));
      this.#answered?.(raw);
    }
    // Of HTTP/2 one has to be told.
    const isTaken = isHttp1(raw) && raw.socket?.writableLength === 0;
    if (!isTaken) cutWhenUnread(raw, 'finish', this.#runtime);
  }

  /** Leaves the answer to Nest: by throwing the exception for it. */
  refuse(error: unknown): never {
    throw refusal(error, this.#response);
  }
}
