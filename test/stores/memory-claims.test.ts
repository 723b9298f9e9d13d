import { describe, expect, test } from '@jest/globals';
import { CLAIM_TTL_MS_MAX } from '../../src/core/abilities.js';
import { MemoryClaims } from '../../src/stores/memory/claims.js';
import { ManualClock } from '../../src/testing/index.js';

const HOUR_MS = 3_600_000;

describe('claims in memory', () => {
  test('last as long as asked, on the clock that does not jump, and end within a second after that', async () => {
    const clock = new ManualClock();
    const claims = new MemoryClaims(clock, 10);
    await clock.advance(123);
    expect(claims.claim('a', 30_000)).toBe(true);
    clock.jump(48 * HOUR_MS);
    await clock.advance(29_999);
    expect(claims.claim('a', 30_000)).toBe(false);
    clock.jump(-96 * HOUR_MS);
    expect(claims.claim('a', 30_000)).toBe(false);
    await clock.advance(1_001);
    expect(claims.claim('a', 30_000)).toBe(true);
  });

  test('a claim that is refused does not prolong the first', async () => {
    const clock = new ManualClock();
    const claims = new MemoryClaims(clock, 10);
    claims.claim('a', 10_000);
    await clock.advance(9_000);
    expect(claims.claim('a', HOUR_MS)).toBe(false);
    await clock.advance(2_000);
    expect(claims.claim('a', 1_000)).toBe(true);
  });

  test('above `claimCount`, new keys are rejected and old keys stay claimed', async () => {
    const clock = new ManualClock();
    const claims = new MemoryClaims(clock, 3);
    for (const key of ['a', 'b', 'c']) expect(claims.claim(key, 5_000)).toBe(true);
    expect(() => claims.claim('d', 5_000)).toThrow(
      expect.objectContaining({ code: 'store_unavailable', message: expect.stringContaining('claimCount') }),
    );
    expect(claims.claim('a', 5_000)).toBe(false);
    await clock.advance(6_001);
    expect(claims.claim('d', 5_000)).toBe(true);
    expect(claims.count).toBe(1);
  });

  test('need no timer, and free their memory', async () => {
    const clock = new ManualClock();
    const claims = new MemoryClaims(clock, 100_000);
    for (let n = 0; n < 1_000; n++) claims.claim(`k${n}`, 1 + ((n * 7_919) % CLAIM_TTL_MS_MAX));
    expect(clock.pendingTimers).toBe(0);
    await clock.advance(CLAIM_TTL_MS_MAX + 1_000);
    claims.claim('last', 1_000);
    expect(claims.count).toBe(1);
  });
});
