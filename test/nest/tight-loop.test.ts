import { describe, expect, test } from '@jest/globals';
import { Socket } from 'node:net';
import { SAME_CURSOR_WINDOW_MS, TightLoops } from '../../src/nest/limits/tight-loop.js';
import { ManualClock } from '../../src/testing/index.js';

const SAME_CURSOR_MAX = 3;

describe.each([
  ['a subscriber', 'ann', 'bob'],
  ['a connection', new Socket(), new Socket()],
])('%s', (_, caller, other) => {
  const times = (loops: TightLoops, count: number, what = 'a') =>
    Array.from({ length: count }, () => loops.isLoop(caller, what, undefined));

  test(`may ask ${SAME_CURSOR_MAX} times with one cursor within the window, and again after it`, async () => {
    const clock = new ManualClock();
    const loops = new TightLoops(clock, SAME_CURSOR_MAX);
    expect(times(loops, SAME_CURSOR_MAX + 2)).toEqual([false, false, false, true, true]);
    expect(loops.isLoop(other, 'a', undefined)).toBe(false);
    await clock.advance(SAME_CURSOR_WINDOW_MS);
    expect(times(loops, SAME_CURSOR_MAX + 1)).toEqual([false, false, false, true]);
  });

  test('may ask as fast as it likes with cursors that move', () => {
    const loops = new TightLoops(new ManualClock(), SAME_CURSOR_MAX);
    for (let n = 0; n < 100; n++) expect(times(loops, 1, `cursor ${n}`)).toEqual([false]);
  });

  test('may ask with the same cursor once a second for ever', async () => {
    const clock = new ManualClock();
    const loops = new TightLoops(clock, SAME_CURSOR_MAX);
    for (let n = 0; n < 100; n++) {
      expect(times(loops, 1)).toEqual([false]);
      await clock.advance(1_000);
    }
  });
});

test('subscribers are remembered within a bound', () => {
  const loops = new TightLoops(new ManualClock(), SAME_CURSOR_MAX);
  for (let n = 0; n < 10_010; n++) loops.isLoop(`subscriber ${n}`, 'a', undefined);
  expect(loops.size).toBe(10_000);
});
