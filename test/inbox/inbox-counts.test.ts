import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type CountedItem, InboxCounter, type InboxCounts } from '../../src/inbox/inbox-counts.js';
import {
  applyOperation,
  type InboxOperation,
  type InboxState,
  itemState,
  NEW_INBOX,
} from '../../src/inbox/inbox-state.js';

const NOW_MS = 1_500;
const position = fc.integer({ min: 1, max: 40 });
const positions = fc.uniqueArray(position, { minLength: 1, maxLength: 6 });
const operation: fc.Arbitrary<InboxOperation> = fc.oneof(
  fc.record({ op: fc.constantFrom('seen', 'read', 'archive', 'remove'), positions }),
  fc.record({ op: fc.constantFrom('seen', 'read', 'archive', 'remove'), upTo: position }),
  fc.record({
    op: fc.constantFrom('seen', 'read', 'archive', 'remove'),
    upTo: position,
    except: positions,
  }),
  fc.record({ op: fc.constantFrom('unread', 'unarchive', 'unsnooze'), positions }),
  fc.record({ op: fc.constant('snooze' as const), positions, untilMs: fc.constantFrom(1_000, 2_000) }),
);
const state = fc.array(operation, { maxLength: 12 }).map((all) => all.reduce(applyOperation, NEW_INBOX));

/** Items with the positions 1 to `count`, newest first. */
function items(count: number): CountedItem[] {
  return Array.from({ length: count }, (_, index) => ({ position: count - index, type: index % 3 ? 'a' : 'b' }));
}

/** Counts as a reader does: it stops as soon as the count is complete. */
function count(all: readonly CountedItem[], options: { state: InboxState; cap: number }) {
  const counter = new InboxCounter({ ...options, nowMs: NOW_MS });
  let visited = 0;
  for (const item of all) {
    if (counter.isComplete(item.position + 1)) break;
    counter.add(item);
    visited++;
  }
  return { counts: counter.counts(), visited };
}

function bruteForce(all: readonly CountedItem[], inbox: InboxState, cap: number): Partial<InboxCounts> {
  const shown = all
    .map((item) => itemState(inbox, item.position))
    .filter(({ archived, removed, snoozedUntil }) => !archived && !removed && !(Number(snoozedUntil ?? 0) > NOW_MS));
  const capped = (length: number) => Math.min(length, cap + 1);
  return {
    unseen: capped(shown.filter(({ seen }) => !seen).length),
    unread: capped(shown.filter(({ read }) => !read).length),
    total: capped(shown.length),
  };
}

describe('the counts of an inbox', () => {
  test('equal a count of all items', () => {
    const check = (inbox: InboxState, length: number, cap: number) => {
      const all = items(length);
      const { counts } = count(all, { state: inbox, cap });
      expect(counts).toMatchObject(bruteForce(all, inbox, cap));
      expect(Object.values(counts.types).reduce((sum, one) => sum + one, 0)).toBe(counts.unread);
    };
    fc.assert(fc.property(state, fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 50 }), check), {
      numRuns: 1_000,
    });
  });

  test('are numbers by type', () => {
    const { counts } = count(items(4), { state: NEW_INBOX, cap: 99 });
    expect(counts).toEqual({ unseen: 4, unread: 4, total: 4, types: { a: 2, b: 2 }, cap: 99 });
  });

  test('end above the cap, also in a long log', () => {
    const { counts, visited } = count(items(10_000), { state: NEW_INBOX, cap: 99 });
    expect(counts).toMatchObject({ unseen: 100, unread: 100, total: 100 });
    expect(visited).toBe(100);
  });

  test('end at the watermark', () => {
    const read = applyOperation(NEW_INBOX, { op: 'read', upTo: 9_990 });
    expect(count(items(10_000), { state: read, cap: 99 }).visited).toBe(100);
    const archived = applyOperation(NEW_INBOX, { op: 'archive', upTo: 9_990 });
    expect(count(items(10_000), { state: archived, cap: 99 }).visited).toBe(10);
  });

  test('include an unread item far below the watermark', () => {
    const operations: InboxOperation[] = [
      { op: 'read', upTo: 10_000 },
      { op: 'unread', positions: [9_000] },
    ];
    const inbox = operations.reduce(applyOperation, NEW_INBOX);
    expect(count(items(10_000), { state: inbox, cap: 99 }).counts).toMatchObject({ unread: 1, unseen: 0 });
  });

  test('state when the next snoozed item becomes visible', () => {
    const operations: InboxOperation[] = [
      { op: 'snooze', positions: [1], untilMs: 3_000 },
      { op: 'snooze', positions: [2], untilMs: 2_000 },
      { op: 'snooze', positions: [3], untilMs: 1_000 },
    ];
    const inbox = operations.reduce(applyOperation, NEW_INBOX);
    const { counts } = count(items(4), { state: inbox, cap: 99 });
    expect(counts).toMatchObject({ total: 2, snoozeEndsAt: new Date(2_000).toISOString() });
  });
});
