import type { InboxReaderStory } from '../../nest/explaining/insight.js';
import type { ItemState } from '../inbox-state.js';

/**
 * Explains an item to an operator.
 * @param isAllowed whether the topic of the item is one of the subscriber's topics
 */
export function inboxStory(item: ItemState, isAllowed: boolean): InboxReaderStory {
  const { seen, read, archived, removed, snoozedUntil } = item;
  const state = { seen, read, archived, removed, ...(snoozedUntil && { snoozedUntil: snoozedUntil.toISOString() }) };
  return {
    access: { allowed: isAllowed ? 'yes' : 'no', rule: 'inbox.topics' },
    item: isAllowed && !removed ? { state: 'item', ...state } : { state: 'none', ...state },
  };
}
