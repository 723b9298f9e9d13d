import type { Feed } from '../core/feed.js';

const REVOCATIONS = Symbol('revocations');

interface MarkedRequest {
  [REVOCATIONS]?: number | undefined;
}

/**
 * The feed's count of revocations when the module saw the request first, which is before any guard or access rule runs. A
 * revocation that resolves while one of them is awaited is found by comparing this count when the request is about to be served.
 */
export function revocationsAtStart(request: object, feed: Pick<Feed, 'revocations'>): number {
  return ((request as MarkedRequest)[REVOCATIONS] ??= feed.revocations);
}
