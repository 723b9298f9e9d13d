import { describe, expect, test } from '@jest/globals';
import { RETURNS_PER_SECOND, spreadMs } from '../../src/core/spread.js';
import { retryAfterS } from '../../src/nest/exception.js';
import { returnAfterMs } from '../../src/nest/stream-writer.js';
import { Random } from '../support/http/random.js';

const at = (value: number) => () => value;
const ALMOST_1 = 1 - Number.EPSILON;

describe('Retry-After', () => {
  test.each<
    [what: string, error: { retryAfterMs?: number; spreadMs?: number }, status: number, low: unknown, high: unknown]
  >([
    ['of a node with nobody on it', {}, 503, 1, 3],
    ['of a node with 1,000 clients', { spreadMs: spreadMs(1_000) }, 503, 1, 3],
    ['of a node with 20,000 clients', { spreadMs: spreadMs(20_000) }, 503, 1, 40],
    ['of a limit per caller', {}, 429, 1, 3],
    ['that is known', { retryAfterMs: 1_001 }, 429, 2, 2],
    ['that is known to be soon', { retryAfterMs: 1 }, 429, 1, 1],
    ['of an error that does not pass', {}, 400, undefined, undefined],
  ])('%s', (_, { retryAfterMs, spreadMs: spread = 0 }, status, low, high) => {
    const error = { retryAfterMs, spreadMs: spread };
    expect([retryAfterS(error, status, at(0)), retryAfterS(error, status, at(ALMOST_1))]).toEqual([low, high]);
  });
});

describe('retry of a stream', () => {
  test.each([
    [2_000, 0, 1_600, 2_400],
    [2_000, 10_000, 1_600, 22_400],
    [0, 500, 0, 1_000],
  ])('%i ms with %i clients', (pauseMs, clients, low, high) => {
    expect([returnAfterMs(pauseMs, clients, at(0)), returnAfterMs(pauseMs, clients, at(ALMOST_1))]).toEqual([
      low,
      high,
    ]);
  });
});

test.each([
  [
    'streams that were opened on a node with as many',
    (random: Random) => returnAfterMs(2_000, 10_000, () => random.next()),
  ],
  [
    'polls that are refused by a node with as many',
    (random: Random) =>
      1000 * retryAfterS({ retryAfterMs: undefined, spreadMs: spreadMs(10_000) }, 503, () => random.next())!,
  ],
])('10,000 %s come back spread out, none of them late', (_, returnMs) => {
  const random = new Random(3);
  const perSecond = new Map<number, number>();
  for (let client = 0; client < 10_000; client++) {
    const second = Math.floor(returnMs(random) / 1000);
    perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
  }
  expect(Math.max(...perSecond.values())).toBeLessThan(RETURNS_PER_SECOND * 1.2);
  expect(Math.max(...perSecond.keys())).toBeLessThanOrEqual(10_000 / RETURNS_PER_SECOND + 3);
});
