import { describe, expect, test } from '@jest/globals';
import { RecentIds } from '../../src/stores/shared/recent-ids.js';

const LIMITS = { idempotencyMs: 1_000, idempotencyCount: 3 };

/** The positions of these ids. */
function positions(ids: RecentIds, ...names: string[]) {
  return names.map((id) => ids.get(id)?.position);
}

describe('the ids of the newest entries', () => {
  test('are forgotten after their time', () => {
    const ids = new RecentIds(LIMITS);
    ids.add({ id: 'a', position: 1, sinceMs: 0 });
    ids.add({ id: 'b', position: 2, sinceMs: 500 });
    ids.forget(999);
    expect(positions(ids, 'a', 'b')).toEqual([1, 2]);
    ids.forget(1_000);
    expect(positions(ids, 'a', 'b')).toEqual([undefined, 2]);
  });

  test('are forgotten above their number, the oldest first', () => {
    const ids = new RecentIds(LIMITS);
    for (const [at, id] of ['a', 'b', 'c', 'd'].entries()) ids.add({ id, position: at + 1, sinceMs: 0 });
    expect(ids.forgottenUpTo).toBe(0);
    ids.forget(0);
    expect(positions(ids, 'a', 'b', 'c', 'd')).toEqual([undefined, 2, 3, 4]);
    expect(ids.forgottenUpTo).toBe(1);
  });

  test('an id that was appended again is kept for its full time', () => {
    const ids = new RecentIds(LIMITS);
    ids.add({ id: 'a', position: 1, sinceMs: 0 });
    ids.add({ id: 'a', position: 2, sinceMs: 600 });
    ids.forget(1_000);
    expect(positions(ids, 'a')).toEqual([2]);
    ids.forget(1_600);
    expect(positions(ids, 'a')).toEqual([undefined]);
  });

  test('the same entry counts once', () => {
    const ids = new RecentIds(LIMITS);
    for (let times = 0; times < 10; times++) ids.add({ id: 'a', position: 1, sinceMs: 0 });
    ids.add({ id: 'b', position: 2, sinceMs: 0 });
    ids.forget(0);
    expect(positions(ids, 'a', 'b')).toEqual([1, 2]);
  });

  test('are all dropped with the log', () => {
    const ids = new RecentIds(LIMITS);
    ids.add({ id: 'a', position: 1, sinceMs: 0 });
    ids.clear(7);
    expect(ids.forgottenUpTo).toBe(7);
    ids.add({ id: 'a', position: 1, sinceMs: 500 });
    ids.forget(1_000);
    expect(positions(ids, 'a')).toEqual([1]);
  });
});
