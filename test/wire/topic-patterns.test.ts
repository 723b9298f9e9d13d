import { describe, expect, test } from '@jest/globals';
import { TopicPatterns } from '../../src/wire/topic-patterns.js';
import { Random } from '../support/random.js';

const matchOf = (patterns: readonly string[], topic: string) => {
  const match = new TopicPatterns(Object.fromEntries(patterns.map((pattern) => [pattern, pattern]))).match(topic);
  return match && { pattern: match.value, params: match.params };
};

describe('a pattern', () => {
  test.each<[pattern: string, topic: string, params: object | undefined]>([
    ['news', 'news', {}],
    ['news', 'news.today', undefined],
    ['news', 'New', undefined],
    ['user.:id', 'user.7', { id: '7' }],
    ['user.:id', 'user', undefined],
    ['user.:id', 'user.', undefined],
    ['user.:id', 'user.7.orders', undefined],
    ['user.:id', 'admin.7', undefined],
    [':a.:b', 'x.y', { a: 'x', b: 'y' }],
    ['org.:org.*', 'org.acme.a', { org: 'acme' }],
    ['org.:org.*', 'org.acme.a.b.c', { org: 'acme' }],
    ['org.:org.*', 'org.acme', undefined],
    ['*', 'anything.at.all', {}],
    [':id', '__proto__', { id: '__proto__' }],
    [':toString', 'x', { toString: 'x' }],
  ])('%s and the topic %s', (pattern, topic, params) => {
    expect(matchOf([pattern], topic)).toEqual(params && { pattern, params });
  });

  test.each([
    ['', 'each segment must have one or more letters'],
    ['a..b', 'each segment must have one or more letters'],
    ['a.', 'each segment must have one or more letters'],
    ['*.a', '* may only be the last segment'],
    ['a.*.b', '* may only be the last segment'],
    ['a*', 'each segment must have one or more letters'],
    ['user.:', '":" is not a valid parameter name'],
    ['user.:1', '":1" is not a valid parameter name'],
    [':id.:id', 'the parameter "id" occurs twice'],
    ['a b', 'each segment must have one or more letters'],
  ])('%j is refused', (pattern, message) => {
    expect(() => new TopicPatterns({ [pattern]: 1 })).toThrow(
      `the pattern ${JSON.stringify(pattern)} cannot be used: `,
    );
    expect(() => new TopicPatterns({ [pattern]: 1 })).toThrow(message);
  });

  test('is rejected if it matches the same topics as another one', () => {
    expect(() => new TopicPatterns({ 'user.:id': 1, 'user.:name': 2 })).toThrow(
      'the patterns user.:id and user.:name match the same topics',
    );
  });
});

test.each([
  ['a.b', 'a.b'],
  ['a.c', 'a.:x'],
  ['z.b', ':x.b'],
  ['z.c', ':x.:y'],
  ['a.b.c', 'a.*'],
  ['z.b.c', '*'],
])('of several patterns the most specific decides: %s', (topic, pattern) => {
  const all = ['*', ':x.b', 'a.*', ':x.:y', 'a.:x', 'a.b'];
  expect(matchOf(all, topic)?.pattern).toBe(pattern);
  expect(matchOf(all.toReversed(), topic)?.pattern).toBe(pattern);
});

test('has the same matches as a regular expression', () => {
  const random = new Random(11);
  const pick = (list: readonly string[]) => list[random.below(list.length)]!;
  for (let round = 0; round < 3_000; round++) {
    const segments = Array.from({ length: 1 + random.below(4) }, (_, at) => pick(['a', 'b', `:p${at}`]));
    if (random.below(3) === 0) segments.push('*');
    const topic = Array.from({ length: 1 + random.below(5) }, () => pick(['a', 'b', 'c', ''])).join('.');
    const source = segments.map((segment) => (segment === '*' ? '.+|.*' : segment.startsWith(':') ? '[^.]+' : segment));
    const open = source.at(-1) === '.+|.*';
    const text = open ? `^${[...source.slice(0, -1), ''].join('\\.')}[^]*$` : `^${source.join('\\.')}$`;
    const pattern = segments.join('.');
    expect([pattern, topic, matchOf([pattern], topic) !== undefined]).toEqual([
      pattern,
      topic,
      new RegExp(text).test(topic),
    ]);
  }
});

test('a long topic of many segments costs little', () => {
  const patterns = new TopicPatterns({ [`${':a.'.replace('a', 'p')}*`]: 1, '*': 2 });
  const topic = Array.from({ length: 100 }, () => 'a').join('.');
  expect(patterns.match(topic)?.params).toEqual({ p: 'a' });
});
