import { sharedUpTo } from './page.js';
import type { RemoveQuery } from './removal.js';
import type { Epoch } from './store.js';

/**
 * The position up to which a removal may remove entries of this log. 0 if the log has lost the
 * position that the removal needs.
 */
export function removalEnd(epoch: Epoch, { epochId, upTo, needs = 0 }: Omit<RemoveQuery, 'topic'>): number {
  const shared = sharedUpTo(epoch, { epochId, upTo: Math.max(upTo, needs) });
  return shared < needs ? 0 : Math.min(shared, upTo);
}
