import { CACHE_CONTROL, ERROR_HEADER } from '../wire/protocol.js';
import { NotificationsException, toException } from './exception.js';
import { type FrameworkResponse, isHttp1, rawOf } from './reply.js';

/** The exception to throw. Its headers are set here, because exception filters write the status and the body only. */
export function refusal(error: unknown, response: FrameworkResponse): unknown {
  const exception = toException(error);
  if (exception instanceof NotificationsException) {
    const raw = rawOf(response);
    raw.setHeader('Cache-Control', CACHE_CONTROL);
    raw.setHeader(ERROR_HEADER, exception.code);
    if (exception.retryAfterS !== undefined) raw.setHeader('Retry-After', String(exception.retryAfterS));
    if (exception.code === 'draining' && isHttp1(raw)) raw.setHeader('Connection', 'close');
  }
  return exception;
}
