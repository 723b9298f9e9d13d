import { expect, test } from '@jest/globals';
import { idempotentItems } from '../../src/wire/idempotency.js';
import { checkId } from '../../src/core/names.js';
import type { PublishItem } from '../../src/core/draft.js';
import { HOSTILE, refusal } from './kit.js';

const item = (topic: string, rest: Partial<PublishItem> = {}): PublishItem => ({ topic, type: 'tested', ...rest });
const idsOf = (items: readonly PublishItem[], key: string): (string | undefined)[] =>
  idempotentItems(items, key).map(({ id }) => id);

test('without a key, items stay as they are', () => {
  const items = [item('a'), item('b', { id: 'own' })];
  expect(idempotentItems(items, undefined)).toBe(items);
});

test('the same request has the same ids again', () => {
  const items = [item('a', { data: { n: 1 } }), item('a'), item('b')];
  expect(idsOf(items, 'key')).toEqual(idsOf(structuredClone(items), 'key'));
});

test('keys, topics and places in the array all tell ids apart', () => {
  const ids = ['key', 'key2', 'Key'].flatMap((key) =>
    idsOf(
      ['a', 'a', 'b', 'ab'].map((topic) => item(topic)),
      key,
    ),
  );
  expect(new Set(ids).size).toBe(ids.length);
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
  ].flatMap(([key, topic]) => idsOf([item(topic!)], key!));
  expect(new Set(ids).size).toBe(ids.length);
});

test('an id of its own stays, everything else does too, and the given items are not touched', () => {
  const items = [item('a', { id: 'own', data: 1 }), item('b', { data: { deep: [] } })].map((one) => Object.freeze(one));
  const [own, made] = idempotentItems(items, 'key');
  expect(own).toEqual(items[0]);
  expect(made).toEqual({ ...items[1], id: expect.any(String) });
});

test.each(['k', 'k'.repeat(256), '8e03978e-40d5-43e8-bc93-6894a57f9324', '" "', 'größe', ...HOSTILE])(
  'any key makes an id that may be published: %#',
  (key) => {
    for (const id of idsOf([item('a'), item('b')], key.slice(0, 256))) expect(checkId(id)).toHaveLength(32);
  },
);

test.each(['', 'k'.repeat(257), 'k'.repeat(100_000)])('a key of no or too many characters is refused: %#', (key) => {
  expect(refusal(() => idempotentItems([item('a')], key))).toEqual({
    code: 'id_invalid',
    message: 'Idempotency-Key must have 1 to 256 characters',
  });
});
