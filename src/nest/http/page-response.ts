import type { ServerResponse } from 'node:http';
import type { LogPage } from '../../core/page.js';
import { PageConsumer } from '../../core/page-consumer.js';

export abstract class PageResponse extends PageConsumer {
  abstract readonly raw: ServerResponse;
  /**
   * True for a stream. It sends its headers before its first page, so Nest can no longer answer
   * with an error.
   */
  abstract readonly isStream: boolean;

  /** Takes the response over from Nest. A stream sends its headers. */
  abstract begin(): void;

  /**
   * @param cursor - The cursor that interceptors have seen on an empty page. Undefined without
   *   interceptors.
   */
  abstract override next(page: LogPage, cursor?: string): void;

  /**
   * Returns the exception that Nest answers with if an error occurs before the response has begun.
   * Streams do not have this method.
   */
  exception?(error: unknown): unknown;

  abstract override drained(): Promise<void> | undefined;

  /**
   * Ends a stream that has not ended. Polls do not have this method: their page ends the response.
   */
  finish?(): void;
}
