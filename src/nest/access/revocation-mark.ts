import type { ReadContext } from '../context.js';

/**
 * The feed's count of revocations when the module saw the request first, which is before any guard or access rule runs. A
 * revocation that resolves while one of them is awaited is found by comparing this count when the request is about to be served.
 * Each feed of an application keeps its own count on the request.
 */
export function revocationsAtStart(request: object, { feed, revocationsMark }: ReadContext): number {
  return ((request as Record<symbol, number | undefined>)[revocationsMark] ??= feed.revocations);
}
