import { HttpException, HttpStatus, Logger } from '@nestjs/common';
import { STATUS_CODES } from 'node:http';
import { type ErrorCode, NotificationsError } from '../core/errors.js';
import { STATUS_OF } from '../wire/errors.js';

/** Seconds after which a busy node may be asked again, before jitter: long enough for another one to have taken over. */
const RETRY_AFTER_S = 1;
const RETRY_SPREAD_S = 3;

/** Texts of an engine may name its hosts, users and commands, which are for operators. They are in `cause`. */
const STORE_UNAVAILABLE = 'The store cannot answer at the moment; retry.';

/**
 * What this module throws, over HTTP and in process alike: Nest's usual JSON (`statusCode`, `error`, `message`) and a
 * stable `code`. `cause` is the `NotificationsError`. For `store_unavailable` only the cause has the details: its `message` says
 * what the store could not do, and its own `cause` is the engine's error.
 */
export class NotificationsException extends HttpException {
  readonly code: ErrorCode;
  /** Seconds to wait before trying again (RFC 9110, 10.2.3), for errors that pass. */
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
 * When to try again, in whole seconds. Unless it is known exactly, it differs from client to client, so that those who were refused together
 * do not come back together: over three seconds, and over longer the more of them there are.
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

/** The exception for an error that this library foresees; anything else stays what it is. */
export function toException(error: unknown): unknown {
  return error instanceof NotificationsError ? new NotificationsException(error) : error;
}

const logger = new Logger('Notifications');

/** What Nest's own exception filter answers, where it cannot be asked any more. Logs what nobody has foreseen. */
export function exceptionAnswer(exception: unknown): { status: number; text: string } {
  const known = exception instanceof HttpException;
  if (!known) logger.error(exception);
  const status = known ? exception.getStatus() : HttpStatus.INTERNAL_SERVER_ERROR;
  const body = known ? exception.getResponse() : 'Internal server error';
  return { status, text: JSON.stringify(typeof body === 'string' ? { statusCode: status, message: body } : body) };
}
