import type { ServerResponse } from 'node:http';
import type { LogPage } from '../../core/page.js';
import { type Body, pageBody } from '../../wire/encoder.js';
import type { Writer } from './responder.js';
import type { GrantedRead } from '../access/granted.js';
import { type FrameworkResponse, takeOver, writeJson } from './raw-response.js';
import { grantedOne, refusal } from './error-headers.js';
import type { Runtime } from '../context.js';

/** Writes the answer of one poll. */
export class PollWriter implements Writer {
  readonly #response: FrameworkResponse;
  readonly #runtime: Runtime;
  readonly #granted: GrantedRead;
  readonly #answered: ((raw: ServerResponse) => void) | undefined;
  #raw: ServerResponse | undefined;
  #body: Body | undefined;

  /** @param answered is told when a page has been written, unless the waiter was ended */
  constructor(
    response: FrameworkResponse,
    runtime: Runtime,
    granted: GrantedRead,
    answered?: (raw: ServerResponse) => void,
  ) {
    this.#answered = answered;
    this.#response = response;
    this.#runtime = runtime;
    this.#granted = granted;
  }

  /** The response, taken out of the framework's hands. */
  get raw(): ServerResponse {
    return (this.#raw ??= takeOver(this.#response));
  }

  page(page: LogPage, cursor?: string): void {
    const { encoder, closing } = this.#runtime;
    const { raw } = this;
    if (page.ending) {
      // The client has received nothing, so its cursor stays the same.
      const close = page.ending === 'draining';
      this.#body = pageBody(page, this.#granted.asked.cursor ?? encoder.cursor(page));
      writeJson(raw, this.#body, { close });
      if (close) closing.add(raw);
    } else {
      this.#body = encoder.body(page, cursor);
      writeJson(raw, this.#body);
      this.#answered?.(raw);
    }
  }

  drained(): Promise<void> | undefined {
    const content = this.#body?.content ?? '';
    this.#body = undefined;
    return this.#runtime.unread.untilFinished(this.raw, content, this.#granted);
  }

  /** Leaves the answer to Nest: by throwing the exception for it. */
  refuse(error: unknown): never {
    throw refusal(error, this.#response, grantedOne(this.#granted, this.#runtime));
  }
}
