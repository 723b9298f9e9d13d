import { expect, test } from '@jest/globals';
import { DRAFT_LIMITS, type DraftItem, makeDraft, optionsOf } from '../../src/core/draft.js';

const TIME = new Date('2026-11-28T12:00:00.000Z');
const ITEM: DraftItem = { id: 'a', topic: 'orders', type: 'shipped', data: { time: 1, data: ',"data":' } };

test('the stored JSON has options between time and data', () => {
  const { json } = makeDraft({ ...ITEM, options: { key: 'k', ttlMs: 5 } }, TIME, DRAFT_LIMITS);
  expect(json).toBe(
    '{"id":"a","topic":"orders","type":"shipped","time":"2026-11-28T12:00:00.000Z","key":"k","ttlMs":5,' +
      `"data":${JSON.stringify(ITEM.data)}}`,
  );
});

test.each([
  ['none', undefined, {}],
  ['a number', { expiresAtMs: 5 }, { expiresAtMs: 5 }],
  ['a text that looks like the end of the options', { key: '","data":{"x":1}' }, { key: '","data":{"x":1}' }],
  ['several', { key: 'ä\n"', priority: 'high' }, { key: 'ä\n"', priority: 'high' }],
])('options are read without parsing data: %s', (_, options, expected) => {
  expect(optionsOf(makeDraft({ ...ITEM, options }, TIME, DRAFT_LIMITS).json)).toEqual(expected);
});
