import { describe, expect, test } from '@jest/globals';
import { ManualClock } from '../../src/testing/index.js';

/** Awaits some promises, as code under test does. */
async function afterPromises(count = 50): Promise<void> {
  for (let index = 0; index < count; index++) await Promise.resolve();
}

test('does not move by itself', async () => {
  const clock = new ManualClock({ startMs: 1_000_000 });
  expect([clock.now(), clock.monotonic()]).toEqual([1_000_000, 0]);
  await clock.advance(250);
  expect([clock.now(), clock.monotonic()]).toEqual([1_000_250, 250]);
});

test('starts in the year 2030 by default', () => {
  expect(new Date(new ManualClock().now()).toISOString()).toBe('2030-01-01T00:00:00.000Z');
});

test('jump moves only the wall clock', async () => {
  const clock = new ManualClock({ startMs: 0 });
  const fired: string[] = [];
  clock.setTimeout(() => fired.push('timer'), 100);
  clock.jump(5000);
  expect([clock.now(), clock.monotonic()]).toEqual([5000, 0]);
  clock.jump(-6000);
  await clock.advance(99);
  expect([clock.now(), fired]).toEqual([-901, []]);
  await clock.advance(1);
  expect(fired).toEqual(['timer']);
});

describe('timers', () => {
  test('run at their times; timers of the same time run in the order in which they were set', async () => {
    const clock = new ManualClock();
    const fired: [string, number][] = [];
    for (const [name, delayMs] of [
      ['c', 30],
      ['a', 10],
      ['b1', 20],
      ['b2', 20],
      ['late', 31],
    ] as const) {
      clock.setTimeout(() => fired.push([name, clock.monotonic()]), delayMs);
    }
    await clock.advance(30);
    expect(fired).toEqual([
      ['a', 10],
      ['b1', 20],
      ['b2', 20],
      ['c', 30],
    ]);
    expect(clock.pendingTimers).toBe(1);
  });

  test('may be set by timers, and cleared by others of the same time', async () => {
    const clock = new ManualClock();
    const fired: number[] = [];
    const again = (): void => {
      fired.push(clock.monotonic());
      if (fired.length < 3) clock.setTimeout(again, 10);
    };
    clock.setTimeout(again, 10);
    const set: { timer?: unknown } = {};
    clock.setTimeout(() => {
      clock.clearTimeout(set.timer);
    }, 5);
    set.timer = clock.setTimeout(() => fired.push(-1), 5);
    await clock.advance(100);
    expect(fired).toEqual([10, 20, 30]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('may be cleared at any time', async () => {
    const clock = new ManualClock();
    const timer = clock.setTimeout(() => undefined, 10);
    clock.clearTimeout(undefined);
    clock.clearTimeout(timer);
    clock.clearTimeout(timer);
    expect(clock.pendingTimers).toBe(0);
  });

  test('accept the same delays as a runtime', async () => {
    const clock = new ManualClock();
    const fired: number[] = [];
    for (const delayMs of [-5, 0, 0.5]) clock.setTimeout(() => fired.push(clock.monotonic()), delayMs);
    await clock.advance(0);
    expect(fired).toEqual([]);
    await clock.advance(1);
    expect(fired).toEqual([1, 1, 1]);
    for (const delayMs of [2 ** 31, Infinity, NaN]) {
      expect(() => clock.setTimeout(() => undefined, delayMs)).toThrow(RangeError);
    }
  });

  test.each(['turn', 'advance'] as const)(
    'run late, by the next %s, if they come due while code runs',
    async (next) => {
      const clock = new ManualClock();
      const log: (string | number)[] = [];
      clock.setTimeout(() => log.push(clock.monotonic()), 10);
      clock.setTimeout(() => log.push('not due'), 26);
      clock.spend(25);
      await clock.settle();
      expect([clock.monotonic(), log]).toEqual([25, []]);
      await clock[next](0);
      expect([clock.monotonic(), log]).toEqual([25, [25]]);
    },
  );

  test('run before the immediates of a turn if they are due, as in the runtime', async () => {
    const clock = new ManualClock();
    const log: string[] = [];
    clock.setImmediate(() => log.push('immediate'));
    clock.setTimeout(() => log.push('timer'), 10);
    clock.spend(10);
    await clock.turn();
    expect(log).toEqual(['timer', 'immediate']);
  });
});

describe('the promises of a timer are settled', () => {
  test('before the next timer runs', async () => {
    const clock = new ManualClock();
    const log: string[] = [];
    for (const name of ['a', 'b']) {
      clock.setTimeout(() => {
        log.push(name);
        clock.setImmediate(() => void afterPromises().then(() => clock.setImmediate(() => log.push(`${name}!`))));
      }, 10);
    }
    await clock.advance(10);
    expect(log).toEqual(['a', 'a!', 'b', 'b!']);
  });

  test('before the clock moves, if they were already pending', async () => {
    const clock = new ManualClock();
    const seen: number[] = [];
    void afterPromises().then(() => clock.setTimeout(() => seen.push(clock.monotonic()), 10));
    await clock.advance(10);
    expect(seen).toEqual([10]);
  });
});

describe('immediates', () => {
  test('run a turn at a time: those set meanwhile wait for the next', async () => {
    const clock = new ManualClock();
    const log: number[] = [];
    const next = (): void => {
      if (log.push(log.length) < 3) clock.setImmediate(next);
    };
    clock.setImmediate(next);
    expect(clock.pendingImmediates).toBe(1);
    await clock.turn();
    expect(log).toEqual([0]);
    await clock.turn();
    expect(log).toEqual([0, 1]);
    await clock.settle();
    expect([log, clock.pendingImmediates]).toEqual([[0, 1, 2], 0]);
  });

  test('cause an error if they never end, and the test does not hang', async () => {
    const clock = new ManualClock();
    const again = (): void => {
      clock.setImmediate(again);
    };
    again();
    await expect(clock.settle()).rejects.toThrow('still sets immediates');
  });

  test('reject if they throw, and the others run next', async () => {
    const clock = new ManualClock();
    const log: string[] = [];
    clock.setImmediate(() => {
      throw new Error('thrown');
    });
    clock.setImmediate(() => log.push('next'));
    await expect(clock.settle()).rejects.toThrow('thrown');
    await clock.settle();
    expect(log).toEqual(['next']);
  });
});

test.each([-1, NaN])('rejects a move by %d', async (durationMs) => {
  const clock = new ManualClock();
  await expect(clock.advance(durationMs)).rejects.toThrow(RangeError);
  expect(() => clock.spend(durationMs)).toThrow(RangeError);
});
