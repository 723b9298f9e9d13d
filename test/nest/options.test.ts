import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import type { NotificationsOptions } from '../../src/nest/options.js';
import { resolveSettings } from '../../src/nest/settings.js';

/** Options without types, as in JavaScript. */
const settings = (options: unknown) => resolveSettings(options as NotificationsOptions);

describe('options', () => {
  test('have defaults', () => {
    expect(settings({ poll: { limit: 7 } }).poll).toEqual({
      waitMs: 25_000,
      waitMsMax: 55_000,
      limit: 7,
      limitMax: 1_000,
    });
  });

  test.each([
    [{ poll: { waitMs: -1 } }, 'option poll.waitMs is -1; it must be a whole number from 0 to 300000'],
    [{ poll: { waitMs: 1.5 } }, 'option poll.waitMs is 1.5; it must be a whole number from 0 to 300000'],
    [{ poll: { limit: '5' } }, 'option poll.limit is the string "5"; it must be a whole number from 1 to 10000'],
    [{ poll: { limit: undefined } }, undefined],
    [{ poll: { limit: null } }, 'option poll.limit is null; it must be'],
    [
      { poll: { waitMs: 2_000, waitMsMax: 1_000 } },
      'option poll.waitMs is 2000; it must be at most poll.waitMsMax, which is 1000',
    ],
    [{ poll: { limit: 20, limitMax: 10 } }, 'option poll.limit is 20; it must be at most poll.limitMax, which is 10'],
    [{ poll: 5 }, 'option poll is 5; it must be an object'],
    [{ window: { count: 0 } }, 'option window.count is 0; it must be a whole number from 1 to 10000000'],
    [{ stream: { heartbeatMs: Number.NaN } }, 'option stream.heartbeatMs is NaN; it must be'],
    [{ poll: { limit: '5\n' } }, 'option poll.limit is the string "5\\n"; it must be'],
    [{ poll: { limit: 'x'.repeat(1_000) } }, `option poll.limit is the string "${'x'.repeat(100)}…"; it must be`],
    [{ poll: { limit: true } }, 'option poll.limit is true; it must be'],
    [{ poll: { limit: 5n } }, 'option poll.limit is the bigint 5; it must be'],
    [{ poll: { limit: [5] } }, 'option poll.limit is an array; it must be'],
    [{ poll: { limit: () => 5 } }, 'option poll.limit is a function; it must be'],
    [{ poll: '5' }, 'option poll is the string "5"; it must be an object'],
    [{ poll: [] }, 'option poll is an array; it must be an object'],
    [{ limits: { waiterMax: 1 } }, 'there is no option limits.waiterMax'],
    [{ pol: {} }, 'there is no option pol'],
    [{ store: {} }, 'option store is an object; it must be the return value of a store driver'],
    [{ schemas: { x: {} } }, 'option schemas.x is an object; it must be a Standard Schema'],
    [{ schemas: { x: z.string() } }, undefined],
    [{ patterns: [] }, undefined],
    [{ patterns: ['orders.*', 'a.b.*', '*', 'orders.*'] }, undefined],
    [{ patterns: Array.from({ length: 16 }, (_, n) => `p${n}.*`) }, undefined],
    [
      { patterns: Array.from({ length: 17 }, (_, n) => `p${n}.*`) },
      'option patterns.length is 17; it must be at most 16',
    ],
    [{ patterns: 'orders.*' }, 'option patterns is the string "orders.*"; it must be an array of patterns'],
    [{ patterns: [5] }, 'option patterns is an array; it must be an array of patterns'],
    [{ patterns: null }, 'option patterns is null; it must be an array of patterns'],
    [{ patterns: ['orders'] }, 'its last segment must be *'],
    [{ patterns: ['orders*'] }, 'each segment must have one or more letters'],
    [{ patterns: ['*.orders'] }, '* may only be the last segment'],
    [{ patterns: ['orders..*'] }, 'each segment must have'],
    [{ patterns: ['$revocations.*'] }, 'each segment must have'],
    [{ patterns: ['user.:id.*'] }, 'it must not have a parameter'],
    [{ patterns: [`${'x'.repeat(199)}.*`] }, 'it must have at most 200 characters'],
  ])('%j', (options, message) => {
    if (message) expect(() => settings(options)).toThrow(message);
    else expect(() => settings(options)).not.toThrow();
  });
});
