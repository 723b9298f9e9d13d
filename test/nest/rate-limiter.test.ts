import { describe, expect, test } from '@jest/globals';
import { CALLER_BYTES, CALLERS_BYTES_MAX, RateLimiter } from '../../src/nest/limits/rate-limiter.js';
import { ManualClock } from '../../src/testing/index.js';

describe('a rate limiter', () => {
  test('accepts the calls of a minute at once, and later calls at an even rate', async () => {
    const clock = new ManualClock();
    const rate = new RateLimiter(clock, 60);
    expect(rate.take('ann', 59)).toBe(0);
    expect(rate.take('ann', 1)).toBe(0);
    expect(rate.take('ann', 1)).toBe(1_000);
    await clock.advance(999);
    expect(rate.take('ann', 1)).toBe(1);
    await clock.advance(1);
    expect(rate.take('ann', 1)).toBe(0);
    expect(rate.take('ann', 1)).toBe(1_000);
    expect(rate.take('bob', 1)).toBe(0);
  });

  test('accepts a whole array, and delays later calls', async () => {
    const clock = new ManualClock();
    const rate = new RateLimiter(clock, 60);
    expect(rate.take('ann', 100)).toBe(0);
    expect(rate.take('ann', 1)).toBe(41_000);
    await clock.advance(41_000);
    expect(rate.take('ann', 1)).toBe(0);
  });

  test('a request takes more tokens only if no other request has left a debt', async () => {
    const clock = new ManualClock();
    const rate = new RateLimiter(clock, 60);
    expect(rate.take('ann', 60)).toBe(0);
    expect(rate.take('ann', 10, 1)).toBe(0);
    expect(rate.take('ann', 10, 1)).toBe(10_000);
    await clock.advance(10_000);
    expect(rate.take('ann', 1)).toBe(1_000);
    expect(rate.take('ann', 10, 1)).toBe(0);
  });

  test('forgets the callers with the oldest requests above the limit in bytes', () => {
    const clock = new ManualClock();
    const rate = new RateLimiter(clock, 60);
    const name = (n: number): string => `${n}`.padStart(50, '0');
    const callersMax = Math.floor(CALLERS_BYTES_MAX / (CALLER_BYTES + 50));
    for (let n = 0; n < callersMax; n++) rate.take(name(n), 60);
    rate.take('ann', 60);
    expect(rate.size).toBe(callersMax);
    expect(rate.take(name(1), 1)).toBeGreaterThan(0);
    expect(rate.take(name(0), 1)).toBe(0);
  });

  test('a rejected request does not prolong the memory of its caller', () => {
    const clock = new ManualClock();
    const rate = new RateLimiter(clock, 60);
    rate.take('ann', 60);
    const flood = (from: number): void => {
      for (let n = from; n < from + 6_000; n++) rate.take(`caller ${n}`, 1);
    };
    flood(0);
    expect(rate.take('ann', 1)).toBeGreaterThan(0);
    flood(6_000);
    flood(12_000);
    expect(rate.take('ann', 1)).toBe(0);
  });
});
