import { expect, test } from '@jest/globals';
import { isSamePayload, scopedItems } from '../../src/wire/idempotency.js';
import { checkId } from '../../src/core/names.js';
import type { PublishItem } from '../../src/core/draft.js';
import { callerKey } from '../../src/wire/caller.js';
import { HOSTILE, refusal } from './kit.js';

const ALICE = callerKey('alice', undefined);
const item = (topic: string, rest: Partial<PublishItem> = {}): PublishItem => ({ topic, type: 'tested', ...rest });
const idsOf = (items: readonly PublishItem[], key?: string, caller = ALICE): (string | undefined)[] =>
  scopedItems(items, caller, key).items.map(({ id }) => id);

test('without a key and an id, items stay as they are and no id is named', () => {
  const items = [item('a'), item('b')];
  expect(scopedItems(items, ALICE, undefined)).toEqual({ items, named: [], keyed: [], following: [] });
});

test('the same request has the same ids again', () => {
  const items = [item('a', { data: { n: 1 } }), item('a'), item('b', { id: 'own' })];
  expect(idsOf(items, 'key')).toEqual(idsOf(structuredClone(items), 'key'));
});

test('different callers, keys, topics, array positions or given ids result in different ids', () => {
  const callers = [
    callerKey('alice', '10.0.0.1'),
    callerKey('10.0.0.1', undefined),
    callerKey(undefined, '10.0.0.1'),
    callerKey('anonymous', undefined),
    callerKey('address 10.0.0.1', undefined),
    callerKey(undefined, undefined),
  ];
  const items = ['a', 'a', 'b', 'ab'].flatMap((topic) => [item(topic), item(topic, { id: topic + topic })]);
  const ids = callers.flatMap((caller) => ['key', 'key2', 'Key'].flatMap((key) => idsOf(items, key, caller)));
  // Within one caller a given id does not depend on the key, and two items of topic "a" have the
  // same one.
  expect(new Set(ids).size).toBe(callers.length * (4 * 3 + 3));
});

test('parts cannot be moved from the key into the topic', () => {
  const ids = [
    ['k', 'a'],
    ['ka', 'a'],
    ['k', 'aa'],
    ['k,', 'a'],
    ['k","a', 'a'],
    ['k', 'a/a'],
    ['k\0a', 'a'],
    ['k,a,0', 'a'],
  ].flatMap(([key, topic]) => idsOf([item(topic!)], key));
  expect(new Set(ids).size).toBe(ids.length);
});

test('a given id is derived, everything else stays, and the given items are not touched', () => {
  const items = [item('a', { id: 'own', data: 1 }), item('b', { data: { deep: [] } })].map((one) => Object.freeze(one));
  const { items: scoped, named, keyed, following } = scopedItems(items, ALICE, 'key');
  expect(scoped).toEqual(items.map((one) => ({ ...one, id: expect.stringMatching(/^[\w-]{32}$/) })));
  expect(named).toEqual(scoped.map(({ id }) => id));
  expect(keyed).toEqual([scoped[1]?.id]);
  expect(following).toEqual(
    idsOf([item('x'), item('x'), item('a')], 'key')
      .slice(2)
      .concat(idsOf([item('x'), item('x'), item('b')], 'key').slice(2)),
  );
});

test.each(['k', 'k'.repeat(256), '8e03978e-40d5-43e8-bc93-6894a57f9324', '" "', 'größe', ...HOSTILE])(
  'any key makes an id that may be published: %#',
  (key) => {
    for (const id of idsOf([item('a'), item('b')], key.slice(0, 256))) expect(checkId(id)).toHaveLength(32);
  },
);

test.each(['', 'k'.repeat(257), 'k'.repeat(100_000)])('an empty or too long key is rejected: %#', (key) => {
  expect(refusal(() => scopedItems([item('a')], ALICE, key))).toEqual({
    code: 'id_invalid',
    message: 'Idempotency-Key must have 1 to 256 characters',
  });
});

test.each<[same: boolean, one: unknown, other: unknown]>([
  [true, { a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 }],
  [false, [1, 2], [2, 1]],
  [false, { a: 1 }, { a: 1, b: null }],
  [false, null, {}],
  [false, [], {}],
  [false, 1, '1'],
  [false, 0, false],
])('payloads are equal: %s for %j and %j', (same, one, other) => {
  const json = (data: unknown): string => JSON.stringify({ id: 'x', type: 't', time: String(Math.random()), data });
  expect(isSamePayload(json(one), json(other))).toBe(same);
});

test.each<[same: boolean, one: object, other: object]>([
  [true, { key: 'k', priority: 'low' }, { priority: 'low', key: 'k' }],
  [false, { key: 'k' }, { key: 'l' }],
  [false, { key: 'k' }, {}],
  [false, { priority: 'low' }, { priority: 'high' }],
  [false, {}, { priority: 'normal' }],
  [true, { traceparent: 'a' }, { traceparent: 'b' }],
  [true, { time: at(1), expiresAt: at(9) }, { time: at(2), expiresAt: at(9) }],
  [true, { time: at(1), expiresAt: at(9) }, { time: at(2), expiresAt: at(10) }],
  [false, { time: at(1), expiresAt: at(9) }, { time: at(2), expiresAt: at(11) }],
  [false, { time: at(1), expiresAt: at(9) }, { time: at(2) }],
  [false, { time: at(1) }, { time: at(2), expiresAt: at(9) }],
])('options are equal: %s for %j and %j', (same, one, other) => {
  const json = (options: object): string => JSON.stringify({ id: 'x', type: 't', time: at(0), ...options, data: 1 });
  expect(isSamePayload(json(one), json(other))).toBe(same);
});

function at(seconds: number): string {
  return new Date(1_000 * seconds).toISOString();
}
