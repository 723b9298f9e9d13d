import { ACCEPT_QUERY, CACHE_CONTROL, ERROR_HEADER } from '../../wire/protocol.js';
import { NotificationsException, toException } from '../notifications.exception.js';
import type { GrantedRead } from '../access/granted.js';
import { type FrameworkRequest, type FrameworkResponse, isHttp1, rawOf } from './raw-response.js';
import type { ReadContext } from '../context.js';
import type { SecurityRequest } from '../security/security-event.js';
import type { Describe, SecurityEvents } from '../security/security-events.js';

/** Describes a rejected request for its security event. */
export interface Rejected {
  readonly security: SecurityEvents;
  readonly describe: Describe;
}

/**
 * Returns the exception to throw for a rejected request, and emits the security event. The headers
 * of the exception are set here, because exception filters write only the status and the body.
 */
export function withErrorHeaders(
  error: unknown,
  response: FrameworkResponse,
  { security, describe }: Rejected,
): unknown {
  security.refused(error, describe);
  const exception = toException(error);
  if (exception instanceof NotificationsException) {
    const raw = rawOf(response);
    raw.setHeader('Cache-Control', CACHE_CONTROL);
    raw.setHeader(ERROR_HEADER, exception.code);
    if (exception.retryAfterS !== undefined) raw.setHeader('Retry-After', String(exception.retryAfterS));
    if (exception.code === 'media_type_unsupported' && raw.req.method === 'QUERY') {
      raw.setHeader('Accept-Query', ACCEPT_QUERY);
    }
    if (exception.code === 'draining' && isHttp1(raw)) raw.setHeader('Connection', 'close');
  }
  return exception;
}

/** Describes a request to a route of the feed. */
export function requestOn(route: SecurityRequest['route'], request: FrameworkRequest, context: ReadContext): Rejected {
  const { security } = context;
  const describe = (): SecurityRequest => ({
    route,
    subscriber: security.subscriberOf(request),
    address: context.clientAddress(request),
  });
  return { security, describe };
}

/** Describes a read whose access was granted. */
export function grantedOne(granted: GrantedRead, { security }: Pick<ReadContext, 'security'>): Rejected {
  return { security, describe: () => describeRead(granted) };
}

/** Describes a granted read for a security event. */
export function describeRead({ asked, subscriber, address }: GrantedRead): SecurityRequest {
  return { route: asked.transport === 'sse' ? 'stream' : 'poll', subscriber, address };
}
