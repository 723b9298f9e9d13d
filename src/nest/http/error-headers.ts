import { CACHE_CONTROL, ERROR_HEADER } from '../../wire/protocol.js';
import { NotificationsException, toException } from '../notifications.exception.js';
import type { GrantedRead } from '../access/granted.js';
import { type FrameworkRequest, type FrameworkResponse, isHttp1, rawOf } from './raw-response.js';
import type { ReadContext } from '../context.js';
import type { SecurityRequest, SecurityRoute } from '../security/security-event.js';
import type { Describe, SecurityEvents } from '../security/security-events.js';

/** The request that is rejected, for the security event. */
export interface Rejected {
  readonly security: SecurityEvents;
  readonly describe: Describe;
}

/**
 * The exception to throw for a request that is rejected, which is also a security event. The
 * exception's headers are set here, because exception filters write the status and the body only.
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
    if (exception.code === 'draining' && isHttp1(raw)) raw.setHeader('Connection', 'close');
  }
  return exception;
}

/** A request on a route of the feed. */
export function requestOn(route: SecurityRoute, request: FrameworkRequest, runtime: ReadContext): Rejected {
  const { security } = runtime;
  const describe = (): SecurityRequest => ({
    route,
    subscriber: security.subscriberOf(request),
    address: runtime.clientAddress(request),
  });
  return { security, describe };
}

/** A read whose access was granted. */
export function grantedOne(granted: GrantedRead, { security }: Pick<ReadContext, 'security'>): Rejected {
  return { security, describe: () => describeRead(granted) };
}

/** A read whose access was granted, as security events show it. */
export function describeRead({ asked, subscriber, address }: GrantedRead): SecurityRequest {
  return { route: asked.transport === 'sse' ? 'stream' : 'poll', subscriber, address };
}
