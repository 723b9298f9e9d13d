import type { ReadContext } from '../context.js';

/**
 * The feed's count of revocations when the request arrived, before any guard or access rule runs. A
 * revocation may happen while a guard or rule is awaited. The feed detects it, because the count
 * has changed when the request is served. Each feed of an application stores its own count on the
 * request.
 */
export function revocationsAtStart(request: object, { feed, revocationsMark }: ReadContext): number {
  return ((request as Record<symbol, number | undefined>)[revocationsMark] ??= feed.revocations);
}
