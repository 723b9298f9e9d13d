import { describe, expect, test } from '@jest/globals';
import { pause, Pause } from '../../src/core/pause.js';
import { ManualClock } from '../../src/testing/manual-clock.js';

/** Records whether a promise has resolved. */
function observed(promise: Promise<void>): { isDone: boolean } {
  const state = { isDone: false };
  void promise.then(() => {
    state.isDone = true;
  });
  return state;
}

describe('a pause', () => {
  test('takes its full time', async () => {
    const clock = new ManualClock();
    const state = observed(pause(clock, 10));
    await clock.advance(9);
    expect(state.isDone).toBe(false);
    await clock.advance(1);
    expect(state.isDone).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  test('ends early on request, and clears its timer', async () => {
    const clock = new ManualClock();
    const pauses = new Pause(clock);
    const state = observed(pauses.run(10));
    pauses.end();
    await clock.settle();
    expect(state.isDone).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  test('takes its full time if the one before has ended early', async () => {
    const clock = new ManualClock();
    const pauses = new Pause(clock);
    pauses.end();
    const first = pauses.run(10);
    pauses.end();
    await first;
    const state = observed(pauses.run(10));
    await clock.advance(9);
    expect(state.isDone).toBe(false);
    await clock.advance(1);
    expect(state.isDone).toBe(true);
  });
});
