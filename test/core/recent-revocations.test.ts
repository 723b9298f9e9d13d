import { expect, test } from '@jest/globals';
import { RECENT_REVOCATIONS_MAX, RecentRevocations } from '../../src/core/recent-revocations.js';

test('affects the revoked subscriber, from checks that began before the revocation', () => {
  const recent = new RecentRevocations();
  const before = recent.count;
  recent.add('ann');
  expect([
    recent.affects({ subscriber: 'ann', revocations: before }),
    recent.affects({ subscriber: 'ann', revocations: recent.count }),
  ]).toEqual([true, false]);
  expect(recent.affects({ subscriber: 'bob', revocations: before })).toBe(false);
});

test('affects every subscriber if a revocation may have been missed', () => {
  const recent = new RecentRevocations();
  const before = recent.count;
  recent.addUnknown();
  expect([
    recent.affects({ subscriber: 'bob', revocations: before }),
    recent.affects({ subscriber: 'bob', revocations: recent.count }),
  ]).toEqual([true, false]);
});

test('affects every subscriber from checks that began before the oldest revocation it remembers', () => {
  const recent = new RecentRevocations();
  const before = recent.count;
  for (let n = 0; n < RECENT_REVOCATIONS_MAX; n++) recent.add(`user ${n}`);
  expect(recent.affects({ subscriber: 'bob', revocations: before })).toBe(false);
  // A subscriber that is revoked again takes no more room.
  recent.add('user 0');
  expect(recent.affects({ subscriber: 'bob', revocations: before })).toBe(false);
  recent.add('one more');
  expect(recent.affects({ subscriber: 'bob', revocations: before })).toBe(true);
  expect([
    recent.affects({ subscriber: 'user 1', revocations: before }),
    recent.affects({ subscriber: 'user 2', revocations: before }),
  ]).toEqual([true, true]);
  expect(recent.affects({ subscriber: 'bob', revocations: recent.count })).toBe(false);
});
