import { describe, expect, test } from '@jest/globals';
import { DRAFT_LIMITS, makeDraft, type PublishItem } from '../../src/core/draft.js';
import { optionsOf, type PublishOptions, traceparentOf, TTL_MS_MAX } from '../../src/core/publish-options.js';

const TIME = new Date('2026-11-28T12:00:00.000Z');
const ITEM: PublishItem = { id: 'a', topic: 'orders', type: 'shipped', data: { time: 1, data: ',"data":' } };
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

const jsonOf = (options: object): string => makeDraft({ ...ITEM, ...options }, TIME, DRAFT_LIMITS).json;

describe('the stored JSON', () => {
  test('has the options between time and data, always in the same order', () => {
    const options: PublishOptions = {
      traceparent: TRACE,
      publisher: 'ann "x"',
      priority: 'high',
      key: 'k',
      keyScope: 'publisher',
      ttlMs: 5,
    };
    expect(jsonOf(options)).toBe(
      '{"id":"a","topic":"orders","type":"shipped","time":"2026-11-28T12:00:00.000Z",' +
        '"expiresAt":"2026-11-28T12:00:00.005Z","key":"k","keyScope":"publisher","priority":"high","publisher":"ann \\"x\\"",' +
        `"traceparent":"${TRACE}","data":${JSON.stringify(ITEM.data)}}`,
    );
  });

  test('has nothing for options that are absent or undefined', () => {
    const none = { ttlMs: undefined, expiresAt: undefined, key: undefined, priority: undefined, publisher: undefined };
    expect(jsonOf(none)).toBe(jsonOf({}));
  });

  test.each([
    [new Date('2026-11-28T12:00:00.001Z'), '2026-11-28T12:00:00.001Z'],
    ['2026-11-28T13:00:01+01:00', '2026-11-28T12:00:01.000Z'],
    [new Date(TIME.getTime() + TTL_MS_MAX), '2036-11-25T12:00:00.000Z'],
  ])('has expiresAt in UTC: %s', (expiresAt, stored) => {
    expect(JSON.parse(jsonOf({ expiresAt }))).toMatchObject({ expiresAt: stored });
  });
});

describe('traceparentOf', () => {
  test('reads the trace, and no text of another option that looks like one', () => {
    expect(traceparentOf(jsonOf({ traceparent: TRACE, key: 'k' }))).toBe(TRACE);
    expect(traceparentOf(jsonOf({ publisher: `","traceparent":"${TRACE}"` }))).toBeUndefined();
    expect(traceparentOf(jsonOf({ data: { traceparent: TRACE } }))).toBeUndefined();
    expect(traceparentOf(jsonOf({ traceparent: TRACE }).replace('-01"', '-0g"'))).toBeUndefined();
    expect(traceparentOf('not JSON')).toBeUndefined();
  });
});

describe('optionsOf', () => {
  test.each([
    ['none', {}, {}],
    ['an expiry', { ttlMs: 1000 }, { expiresAtMs: TIME.getTime() + 1000 }],
    ['a key', { key: 'k' }, { collapseKey: 'k' }],
    ['a key of a publisher', { key: 'k', keyScope: 'publisher', publisher: 'ann' }, { collapseKey: 'k ann' }],
    ['a key without a publisher', { key: 'k', keyScope: 'publisher' }, { collapseKey: 'k ' }],
    ['options that do not concern delivery', { priority: 'low', publisher: 'ann' }, {}],
    [
      'a text that looks like the end of the options',
      { publisher: '","data":{"x":1}', key: 'k' },
      { collapseKey: 'k' },
    ],
  ])('reads %s without parsing data', (_, options, expected) => {
    expect(optionsOf(jsonOf(options))).toEqual(expected);
  });

  test.each([
    '',
    '{}',
    'no JSON,"time":"',
    '{"id":"a","topic":"t","type":"x"}',
    '{"id":"a","topic":"t","type":"x","data":{"key":"k","time":"x"},"time":"2026"}',
    '{"id":"a","topic":"t","type":"x","data":{"a":1,"time":"x",broken"data":1}}',
    '{"id":"a","topic":"t","type":"x","time":"x","key":1,"expiresAt":"never","data":null}',
  ])('finds none in a record of another program: %s', (json) => {
    expect(optionsOf(json)).toEqual({});
  });
});

describe('an option is rejected', () => {
  const ttl = `it must be a whole number from 1 to ${TTL_MS_MAX}`;
  const date = 'it must be a Date, or a text such as 2026-12-24T18:00:00Z';
  const next = 'it must be a time in the next ten years';
  test.each([
    [{ ttlMs: 0 }, `ttlMs is 0; ${ttl}`],
    [{ ttlMs: -1 }, `ttlMs is -1; ${ttl}`],
    [{ ttlMs: 1.5 }, `ttlMs is 1.5; ${ttl}`],
    [{ ttlMs: NaN }, `ttlMs is NaN; ${ttl}`],
    [{ ttlMs: TTL_MS_MAX + 1 }, `ttlMs is ${TTL_MS_MAX + 1}; ${ttl}`],
    [{ ttlMs: '5' }, `ttlMs is the text "5"; ${ttl}`],
    [{ ttlMs: null }, `ttlMs is null; ${ttl}`],
    [{ ttlMs: [5] }, `ttlMs is an array; ${ttl}`],
    [{ ttlMs: 5, expiresAt: '2026-12-24T18:00:00Z' }, 'ttlMs and expiresAt exclude each other; set one of them'],
    [{ expiresAt: 'soon' }, `expiresAt is the text "soon"; ${date}`],
    [{ expiresAt: '2026-12-24' }, `expiresAt is the text "2026-12-24"; ${date}`],
    [{ expiresAt: '2026-12-24T18:00:00' }, `expiresAt is the text "2026-12-24T18:00:00"; ${date}`],
    [{ expiresAt: 1_795_000_000_000 }, `expiresAt is 1795000000000; ${date}`],
    [{ expiresAt: new Date(NaN) }, `expiresAt is an invalid Date; ${date}`],
    [{ expiresAt: TIME }, `expiresAt is ${TIME.toISOString()}; ${next}`],
    [{ expiresAt: '2036-11-25T12:00:00.001Z' }, `expiresAt is the text "2036-11-25T12:00:00.001Z"; ${next}`],
    [{ key: '' }, 'key must be a text that is not empty'],
    [{ key: 5 }, 'key must be a text that is not empty'],
    [{ key: 'k'.repeat(10_000) }, 'key has 10000 characters, at most 200 are allowed'],
    [{ key: 'a b' }, 'key may have letters, digits and . _ : @ / ~ = - only'],
    [{ keyScope: 'topic' }, 'keyScope is the text "topic"; it must be the text "publisher"'],
    [{ priority: 'urgent' }, 'priority is the text "urgent"; it must be low, normal or high'],
    [{ priority: { toString: 1 } }, 'priority is a value of type object; it must be low, normal or high'],
    [{ publisher: '' }, 'publisher is the text ""; it must be a text of 1 to 200 characters of valid Unicode'],
    [
      { publisher: 'p'.repeat(10_000) },
      `publisher is the text "${'p'.repeat(40)}"; it must be a text of 1 to 200 characters of valid Unicode`,
    ],
    [{ traceparent: 'x' }, 'traceparent is the text "x"; it must be a W3C traceparent of version 00'],
    [
      { traceparent: TRACE.replace(/^00/, 'ff') },
      `traceparent is the text "${TRACE.replace(/^00/, 'ff').slice(0, 40)}"; it must be a W3C traceparent of version 00`,
    ],
  ])('%j', (options, message) => {
    expect(() => jsonOf(options)).toThrow(expect.objectContaining({ code: 'option_invalid', message }));
  });

  test.each([
    ['trace', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`],
    ['parent', `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`],
    ['case', TRACE.toUpperCase()],
    ['suffix', `${TRACE}-x`],
  ])('a traceparent with an invalid %s', (_, traceparent) => {
    expect(() => jsonOf({ traceparent })).toThrow(expect.objectContaining({ code: 'option_invalid' }));
  });
});
