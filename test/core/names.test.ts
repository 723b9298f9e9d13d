import { describe, expect, test } from '@jest/globals';
import {
  checkId,
  checkTopic,
  checkType,
  ID_LENGTH_MAX,
  TOPIC_LENGTH_MAX,
  TYPE_LENGTH_MAX,
} from '../../src/core/names.js';
import { HOSTILE, refusal } from '../wire/kit.js';

const ALLOWED = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@/~=-';

describe.each([
  ['topic', checkTopic, TOPIC_LENGTH_MAX],
  ['type', checkType, TYPE_LENGTH_MAX],
  ['id', checkId, ID_LENGTH_MAX],
])('a %s', (what, check, lengthMax) => {
  test('may have the characters that need no escape in URLs, log lines and keys', () => {
    for (const name of ['a', '0', '-', 'orders', 'user.42', 'a:b/c@d~e=f', '__proto__', ALLOWED]) {
      expect(check(name)).toBe(name);
    }
  });

  test('may have exactly these characters of ASCII, at any position', () => {
    for (let code = 0; code < 128; code++) {
      const character = String.fromCharCode(code);
      for (const name of [character, `a${character}`, `${character}a`, `a${character}a`]) {
        if (ALLOWED.includes(character)) expect(check(name)).toBe(name);
        else expect(refusal(() => check(name)).code).toBe(`${what}_invalid`);
      }
    }
  });

  test('may have 200 characters and no more', () => {
    expect(lengthMax).toBe(200);
    expect(check('n'.repeat(lengthMax))).toHaveLength(lengthMax);
    expect(refusal(() => check('n'.repeat(lengthMax + 1)))).toEqual({
      code: `${what}_invalid`,
      message: `${what} has 201 characters, at most 200 are allowed`,
    });
  });

  test.each([undefined, null, 0, 42, 1n, true, Symbol('s'), {}, [], ['orders'], () => 'orders', new String('orders')])(
    'must be a string: %p is rejected',
    (value) => {
      expect(refusal(() => check(value))).toEqual({
        code: `${what}_invalid`,
        message: `${what} must be a text that is not empty`,
      });
    },
  );

  test.each(['', ' ', 'a b', 'a,b', 'orders.*', 'größe', '\u0430', '😀', 'x'.repeat(10_000), ...HOSTILE])(
    'is rejected, and the message does not repeat its text: %#',
    (value) => {
      for (const name of value === '' ? [value] : [value, `a${value}`, `${value}a`]) {
        const { code, message } = refusal(() => check(name));
        expect(code).toBe(`${what}_invalid`);
        expect(message).toMatch(/^[ -~]{10,100}$/);
      }
    },
  );
});
