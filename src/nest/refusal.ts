import { CACHE_CONTROL } from '../wire/protocol.js';
import { NotificationsException, toException } from './exception.js';
import { type FrameworkResponse, isHttp1, rawOf } from './reply.js';

/** The exception to throw, its headers set: they are not part of what exception filters answer with. */
export function refusal(error: unknown, response: FrameworkResponse): unknown {
  const exception = toException(error);
  if (exception instanceof NotificationsException) {
    response.header('Cache-Control', CACHE_CONTROL);
    if (exception.retryAfterS !== undefined) response.header('Retry-After', String(exception.retryAfterS));
    if (exception.code === 'draining' && isHttp1(rawOf(response))) response.header('Connection', 'close');
  }
  return exception;
}
