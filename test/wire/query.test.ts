import { describe, expect, test } from '@jest/globals';
import { queryBytesMax, queryOfBody } from '../../src/wire/query.js';
import { refusal } from './kit.js';

describe('queryOfBody', () => {
  test.each([
    [{ topic: 'a' }, 'topic=a'],
    [{ topic: ['a', 'b'] }, 'topic=a%2Cb'],
    [{ topic: 'a,b', wait: 25, limit: '7' }, 'topic=a%2Cb&wait=25&limit=7'],
    [{ cursor: 'a&topic=b' }, 'cursor=a%26topic%3Db'],
    [{}, ''],
  ])('%j becomes %s', (body, query) => {
    expect(queryOfBody(body, '/notifications')).toBe(query);
  });

  test('a parameter in the URL is rejected, others are ignored', () => {
    expect(queryOfBody({ topic: 'a' }, '/notifications?token=1&topics=b')).toBe('topic=a');
    expect(refusal(() => queryOfBody({ topic: 'a' }, '/notifications?%74opic=b')).code).toBe('body_invalid');
  });

  test('the longest list of the longest names fits the bytes, also if it is indented', () => {
    for (const count of [1, 50, 1_000]) {
      const topic = Array.from({ length: count }, (_, n) => String(n).padStart(200, 'x'));
      const body = JSON.stringify({ topic, cursor: 'c'.repeat(64), wait: 25, limit: 1_000 }, null, 2);
      expect(body.length).toBeLessThanOrEqual(queryBytesMax(count));
    }
  });
});
