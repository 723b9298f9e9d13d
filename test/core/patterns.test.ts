import { describe, expect, test } from '@jest/globals';
import {
  afterDeclaration,
  completeAfter,
  covers,
  disjointNames,
  includesTopic,
  isPattern,
  PATTERNS_MAX,
  readsAny,
} from '../../src/core/patterns.js';

test.each([
  ['orders.*', true],
  ['*', true],
  ['orders', false],
  ['orders.1', false],
])('%s is a pattern: %s', (name, expected) => {
  expect(isPattern(name)).toBe(expected);
});

test.each([
  ['orders.*', 'orders.1', true],
  ['orders.*', 'orders.1.lines', true],
  ['orders.*', 'orders.', true],
  ['orders.*', 'orders', false],
  ['orders.*', 'ordersX.1', false],
  ['orders.*', 'x.orders.1', false],
  ['orders.*', 'Orders.1', false],
  ['orders.*', 'orders.eu.*', true],
  ['orders.eu.*', 'orders.*', false],
  ['*', 'orders', true],
  ['*', '$revocations.ann', false],
])('%s covers %s: %s', (pattern, topic, expected) => {
  expect(covers(pattern, topic)).toBe(expected);
  expect(includesTopic(pattern, topic)).toBe(expected);
});

test('a name covers itself', () => {
  expect(includesTopic('orders', 'orders')).toBe(true);
  expect(includesTopic('orders', 'orders.1')).toBe(false);
  expect(includesTopic('orders.*', 'orders.*')).toBe(true);
});

test.each([
  [
    ['a', 'b'],
    ['a', 'b'],
  ],
  [
    ['a.*', 'a.1', 'b'],
    ['a.*', 'b'],
  ],
  [
    ['a.*', 'a.b.*', 'a.b.c', 'a'],
    ['a.*', 'a'],
  ],
  [['*', 'a', 'a.*'], ['*']],
])('the names %j become %j, so that no topic matches two of them', (names, expected) => {
  expect(disjointNames(names)).toEqual(expected);
});

test('a request reads a topic by its name or by a pattern', () => {
  expect(readsAny(['a', 'orders.*'], ['orders.1'])).toBe(true);
  expect(readsAny(['a', 'orders.*'], ['b', 'a'])).toBe(true);
  expect(readsAny(['a', 'orders.*'], ['b', 'orders'])).toBe(false);
});

describe('declarations', () => {
  test('new patterns begin at the head, and known ones keep their position', () => {
    const first = afterDeclaration([], ['a.*', 'b.*', 'a.*'], 5);
    expect(first).toEqual([
      { name: 'a.*', since: 5 },
      { name: 'b.*', since: 5 },
    ]);
    expect(afterDeclaration(first, ['c.*', 'a.*'], 9)).toEqual([
      { name: 'b.*', since: 5 },
      { name: 'c.*', since: 9 },
      { name: 'a.*', since: 5 },
    ]);
  });

  test('above the maximum, the patterns with the oldest declarations are dropped', () => {
    const names = Array.from({ length: PATTERNS_MAX }, (_, at) => `p${at}.*`);
    const full = afterDeclaration([], names, 1);
    const next = afterDeclaration(afterDeclaration(full, ['p0.*'], 2), ['new.*'], 3);
    expect(next).toHaveLength(PATTERNS_MAX);
    expect(next.map(({ name }) => name)).not.toContain('p1.*');
    expect(next.slice(-2)).toEqual([
      { name: 'p0.*', since: 1 },
      { name: 'new.*', since: 3 },
    ]);
  });

  test('an index is complete after the last of its declarations, or after the head', () => {
    const indexed = [
      { name: 'a.*', since: 3 },
      { name: 'b.*', since: 7 },
    ];
    expect(completeAfter(indexed, ['a', 'b'], 9)).toBe(0);
    expect(completeAfter(indexed, ['a', 'a.*'], 9)).toBe(3);
    expect(completeAfter(indexed, ['b.*', 'a.*'], 9)).toBe(7);
    expect(completeAfter(indexed, ['c.*', 'a.*'], 9)).toBe(9);
  });
});
