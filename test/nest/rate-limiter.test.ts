import { describe, expect, test } from '@jest/globals';
import { CALLERS_MAX, RateLimiter } from '../../src/nest/limits/rate-limiter.js';
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

  test('removes callers with a full bucket, and the oldest callers above the limit', async () => {
    const clock = new ManualClock();
    const rate = new RateLimiter(clock, 60);
    for (let n = 0; n < CALLERS_MAX + 10; n++) rate.take(`caller ${n}`, 1);
    expect(rate.size).toBe(CALLERS_MAX);
    await clock.advance(1_000);
    rate.take('another', 1);
    expect(rate.size).toBe(1);
  });
});
