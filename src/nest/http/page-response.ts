import type { ServerResponse } from 'node:http';
import type { LogPage } from '../../core/page.js';
import { PageConsumer } from '../../core/page-consumer.js';

/** A response that pages are written to. */
export abstract class PageResponse extends PageConsumer {
  /** Node's response. */
  abstract readonly raw: ServerResponse;
  /** A stream sends its headers before its first page, so Nest cannot answer an error any more. */
  abstract readonly isStream: boolean;

  /** Takes the response over from Nest. A stream is opened. */
  abstract begin(): void;

  /** @param cursor for an empty page: the one that interceptors observe, if there are any */
  abstract override next(page: LogPage, cursor?: string): void;

  /** The exception for an error that Nest answers, because the response has not begun. */
  abstract exception(error: unknown): unknown;

  abstract override drained(): Promise<void> | undefined;

  /** Ends the response if nothing has ended it. */
  abstract finish(): void;
}
