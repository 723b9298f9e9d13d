import type { InboxCounts } from '../../inbox/inbox-counts.js';
import { isInInbox, indexOf, type KnownItems, typeOf } from './item-list.js';
import type { Change } from './wire-types.js';

type Numbers = Pick<InboxCounts, 'unseen' | 'unread' | 'total' | 'types'>;

export const NO_COUNTS: InboxCounts = { unseen: 0, unread: 0, total: 0, types: {}, cap: 99 };

/**
 * After one of these operations without `types`, the client knows all items that count.
 */
const MAKES_EXACT: Readonly<Record<'unseen' | 'unread' | 'total', readonly string[]>> = {
  unseen: ['seen', 'read', 'archive', 'remove'],
  unread: ['read', 'archive', 'remove'],
  total: ['archive', 'remove'],
};

/**
 * The server's counts, with the effects of operations that it has not counted yet. A number above
 * the cap changes only if an operation applies to all older items.
 *
 * @param before the items without these operations
 * @param after the items with them
 */
export function adjustedCounts(
  counts: InboxCounts,
  { before, after, changes }: { before: KnownItems<object>; after: KnownItems<object>; changes: readonly Change[] },
): InboxCounts {
  if (changes.length === 0) return counts;
  const [old, now] = [numbersOf(before), numbersOf(after)];
  const isExact = (name: keyof typeof MAKES_EXACT): boolean =>
    changes.some(
      ({ op, upTo, types }) =>
        upTo !== undefined && !types && MAKES_EXACT[name].includes(op) && indexOf(before, upTo) >= 0,
    );
  const adjusted = (name: keyof typeof MAKES_EXACT): number => {
    if (isExact(name)) return Math.min(now[name], counts.cap + 1);
    if (counts[name] > counts.cap) return counts[name];
    return Math.min(Math.max(0, counts[name] + now[name] - old[name]), counts.cap + 1);
  };
  const adjustedTypes = (): Numbers['types'] => {
    if (isExact('unread')) return now.types;
    return counts.unread > counts.cap ? counts.types : typesOf(counts.types, old.types, now.types);
  };
  return {
    ...counts,
    unseen: adjusted('unseen'),
    unread: adjusted('unread'),
    total: adjusted('total'),
    types: adjustedTypes(),
  };
}

function typesOf(...[counted, old, now]: [Numbers['types'], Numbers['types'], Numbers['types']]): Numbers['types'] {
  const names = new Set([...Object.keys(counted), ...Object.keys(now)]);
  const numbers = [...names].map((name) => [name, (counted[name] ?? 0) + (now[name] ?? 0) - (old[name] ?? 0)] as const);
  return Object.fromEntries(numbers.filter(([, number]) => number > 0));
}

function numbersOf(items: KnownItems<object>): Numbers {
  const shown = items.filter(isInInbox);
  const unread = shown.filter(({ read }) => !read);
  const types: Record<string, number> = {};
  for (const item of unread) types[typeOf(item)] = (types[typeOf(item)] ?? 0) + 1;
  return { unseen: shown.filter(({ seen }) => !seen).length, unread: unread.length, total: shown.length, types };
}
