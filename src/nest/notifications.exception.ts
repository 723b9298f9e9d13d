import { HttpException, HttpStatus, Logger } from '@nestjs/common';
import { STATUS_CODES } from 'node:http';
import { type ErrorCode, NotificationsError } from '../core/errors.js';
import { STATUS_OF } from '../wire/errors.js';

/**
 * Seconds until a client retries, before jitter. In this time, another node can take over the load.
 */
const RETRY_AFTER_S = 1;
const RETRY_SPREAD_S = 3;

/**
 * The error text of a database may name hosts, users and commands, so callers do not receive it.
 * Operators find it in `cause`.
 */
const STORE_UNAVAILABLE = 'The store cannot answer at the moment; retry.';

/**
 * The exception of this module, for HTTP answers and for application code. Its body is Nest's usual
 * JSON (`statusCode`, `error`, `message`) with a stable `code`. `cause` is the
 * `NotificationsError`.
 *
 * For `store_unavailable` only the cause has the details. The `message` of the cause names the
 * failed operation. The error of the database is its `cause`.
 */
export class NotificationsException extends HttpException {
  readonly code: ErrorCode;
  /** Seconds to wait before a retry (RFC 9110, 10.2.3). Undefined if a retry cannot succeed. */
  readonly retryAfterS: number | undefined;

  constructor(error: NotificationsError) {
    const { code } = error;
    const message = code === 'store_unavailable' ? STORE_UNAVAILABLE : error.message;
    const statusCode = STATUS_OF[code];
    super({ statusCode, error: STATUS_CODES[statusCode], message, code }, statusCode, { cause: error });
    this.code = code;
    this.retryAfterS = retryAfterS(error, statusCode);
  }
}

/**
 * The time until a retry, in whole seconds. Without an exact time, the result is random, so that
 * rejected clients do not all retry together. The retries spread over three seconds, or over a
 * longer time if there are many clients.
 */
export function retryAfterS(
  { retryAfterMs, spreadMs }: Pick<NotificationsError, 'retryAfterMs' | 'spreadMs'>,
  statusCode: number,
  random: () => number = Math.random,
): number | undefined {
  if (retryAfterMs !== undefined) return Math.max(1, Math.ceil(retryAfterMs / 1000));
  if (statusCode !== 503 && statusCode !== 429) return undefined;
  return RETRY_AFTER_S + Math.floor(random() * Math.max(RETRY_SPREAD_S, spreadMs / 1000));
}

/** The exception for a `NotificationsError`. Other errors are returned unchanged. */
export function toException(error: unknown): unknown {
  return error instanceof NotificationsError ? new NotificationsException(error) : error;
}

/** The result of a call. If the call fails, it rejects with the exception for the error. */
export async function withExceptions<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toException(error);
  }
}

const logger = new Logger('Notifications');

/**
 * The answer that Nest's own exception filter would write. Use it where Nest can no longer reply.
 * Logs exceptions that are not an `HttpException`.
 */
export function exceptionAnswer(exception: unknown): { status: number; text: string } {
  const known = exception instanceof HttpException;
  if (!known) logger.error(exception);
  const status = known ? exception.getStatus() : HttpStatus.INTERNAL_SERVER_ERROR;
  const body = known ? exception.getResponse() : 'Internal server error';
  return { status, text: JSON.stringify(typeof body === 'string' ? { statusCode: status, message: body } : body) };
}
