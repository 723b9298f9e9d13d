import { describe, expect, test } from '@jest/globals';
import { within } from '../../src/core/within.js';
import { ManualClock } from '../../src/testing/manual-clock.js';

const late = (): Error => new Error('the call has no answer');

describe('within', () => {
  test('returns the result and clears the timer', async () => {
    const clock = new ManualClock();
    await expect(within(Promise.resolve(7), { clock, timeoutMs: 10, late })).resolves.toBe(7);
    expect(clock.pendingTimers).toBe(0);
  });

  test('rejects with the error of the promise and clears the timer', async () => {
    const clock = new ManualClock();
    const failed = Promise.reject(new Error('refused'));
    await expect(within(failed, { clock, timeoutMs: 10, late })).rejects.toThrow('refused');
    expect(clock.pendingTimers).toBe(0);
  });

  test('rejects after the time limit and ignores a later rejection', async () => {
    const clock = new ManualClock();
    let fail = (): void => undefined;
    const hanging = new Promise<void>((_, reject) => {
      fail = () => reject(new Error('too late'));
    });
    const result = expect(within(hanging, { clock, timeoutMs: 10, late })).rejects.toThrow('the call has no answer');
    await clock.advance(9);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(1);
    await result;
    fail();
    await clock.settle();
    expect(clock.pendingTimers).toBe(0);
  });
});
