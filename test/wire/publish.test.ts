import { describe, expect, test } from '@jest/globals';
import { NotificationsError } from '../../src/core/errors.js';
import type { Notification } from '../../src/core/notification.js';
import { type DraftLimits, makeDraft } from '../../src/core/draft.js';
import { checkCount, inItem, parsePublishBody } from '../../src/wire/publish.js';
import { Random } from '../support/random.js';
import { HOSTILE, LIMITS, randomPage, refusal, TIME, titled } from './kit.js';

const ITEM = { topic: 'orders', type: 'order.shipped' };

/** Publishing data, as it comes out again on the other side. */
function published(data: unknown, limits: DraftLimits = LIMITS): unknown {
  const { json } = makeDraft({ ...ITEM, id: 'n1', data }, TIME, limits);
  return (JSON.parse(json) as Notification).data;
}

/** Arrays and objects in turn, so many levels deep. */
function nested(levels: number): unknown {
  let value: unknown = 'leaf';
  for (let level = 0; level < levels; level++) value = level % 2 ? [value] : { value };
  return value;
}

const parsed = (json: string): unknown => parsePublishBody(JSON.parse(json), LIMITS);

describe('a body to publish', () => {
  test('is one item or an array of them', () => {
    const item = { ...ITEM, data: { n: 1 }, id: 'own' };
    expect(parsePublishBody(item, LIMITS)).toEqual([item]);
    expect(parsePublishBody([item, ITEM], LIMITS)).toEqual([item, ITEM]);
    expect(parsePublishBody([{ ...ITEM, data: null }], LIMITS)).toEqual([{ ...ITEM, data: null }]);
  });

  test('has as many items as the limit allows, and at least one', () => {
    const items = (count: number): unknown[] => Array.from({ length: count }, () => ITEM);
    expect(parsePublishBody(items(LIMITS.notificationsMax), LIMITS)).toHaveLength(LIMITS.notificationsMax);
    const message = '11 notifications in one publish, at most 10 are allowed';
    for (const refused of [() => parsePublishBody(items(11), LIMITS), () => checkCount(11, LIMITS)]) {
      expect(refusal(refused)).toEqual({ code: 'notifications_too_many', message });
    }
    // Counted before any item is checked.
    expect(refusal(() => parsePublishBody(Array(1_000).fill('no item'), LIMITS)).code).toBe('notifications_too_many');
    for (const refused of [() => parsePublishBody([], LIMITS), () => checkCount(0, LIMITS)]) {
      expect(refusal(refused)).toEqual({ code: 'body_invalid', message: 'an array to publish must not be empty' });
    }
  });

  test.each([undefined, null, 0, '', 'orders', true, [null], [1], [['a']], [[ITEM]], [[]]])(
    '%j is rejected',
    (body) => {
      const message = 'expected an object with topic, type and data';
      expect(refusal(() => parsePublishBody(body, LIMITS))).toEqual({ code: 'body_invalid', message });
    },
  );

  test.each(
    titled<[item: string, code: string, message: string]>([
      ['{}', 'topic_invalid', 'topic must be a text that is not empty'],
      ['{"topic":"a"}', 'type_invalid', 'type must be a text that is not empty'],
      ['{"topic":null,"type":"t"}', 'topic_invalid', 'topic must be a text that is not empty'],
      ['{"topic":["a"],"type":"t"}', 'topic_invalid', 'topic must be a text that is not empty'],
      ['{"topic":"a,b","type":"t"}', 'topic_invalid', 'topic may have letters'],
      ['{"topic":"a","type":"t t"}', 'type_invalid', 'type may have letters'],
      ['{"topic":"a","type":5}', 'type_invalid', 'type must be a text that is not empty'],
      ['{"topic":"a","type":"t","id":null}', 'id_invalid', 'id must be a text that is not empty'],
      ['{"topic":"a","type":"t","id":""}', 'id_invalid', 'id must be a text that is not empty'],
      ['{"topic":"a","type":"t","id":7}', 'id_invalid', 'id must be a text that is not empty'],
      [
        '{"topic":"a","type":"t","time":"now"}',
        'body_invalid',
        'unknown field "time"; the known fields are topic, type, data, id',
      ],
      ['{"topic":"a","type":"t","Data":1}', 'body_invalid', 'unknown field "Data"'],
      ['{"topic":"a","type":"t","__proto__":{}}', 'body_invalid', 'unknown field "__proto__"'],
      ['{"topic":"a","type":"t","constructor":{}}', 'body_invalid', 'unknown field "constructor"'],
      ['{"topic":"a","type":"t","\\n\\u2028":1}', 'body_invalid', 'unknown field "\\n'],
      [
        `{"topic":"a","type":"t","${'x'.repeat(5_000)}":1}`,
        'body_invalid',
        `unknown field "${'x'.repeat(40)}"; the known`,
      ],
    ]),
  )('is refused, saying which item of several: %s', (_, item, code, message) => {
    expect(refusal(() => parsed(item))).toEqual({ code, message: expect.stringContaining(message) });
    expect(refusal(() => parsed(`[${item}]`)).message).not.toContain('item');
    const inArray = refusal(() => parsed(`[${JSON.stringify(ITEM)},${JSON.stringify(ITEM)},${item},{}]`));
    expect(inArray).toEqual({ code, message: expect.stringContaining(`item 2: ${message}`) });
    expect(inArray.message.length).toBeLessThan(160);
  });
});

describe('a check of one item of several', () => {
  test('adds the number of the item, and keeps the message', () => {
    const cause = new NotificationsError('data_invalid', 'why');
    const check = (): never => {
      throw cause;
    };
    expect(() => inItem(2, 1, check)).toThrow(expect.objectContaining({ code: 'data_invalid', cause }));
    expect(() => inItem(2, 1, check)).toThrow('item 1: why');
    expect(() => inItem(1, 0, check)).toThrow(cause);
    expect(inItem(2, 1, () => 'fine')).toBe('fine');
  });

  test('does not change unknown errors', () => {
    const fault = new TypeError('a fault');
    expect(() =>
      inItem(2, 1, () => {
        throw fault;
      }),
    ).toThrow(fault);
  });
});

describe('a draft', () => {
  test('is the notification as JSON, its fields in this order', () => {
    const draft = makeDraft({ ...ITEM, id: 'n1', data: { b: [1, 'ö'], a: null } }, TIME, LIMITS);
    expect(draft).toEqual({
      id: 'n1',
      topic: 'orders',
      json: '{"id":"n1","topic":"orders","type":"order.shipped","time":"2030-01-02T03:04:05.678Z","data":{"b":[1,"ö"],"a":null}}',
    });
  });

  test.each(['topic', 'type', 'id'])('has no %s that could break a line', (field) => {
    for (const text of [...HOSTILE, ...HOSTILE.map((hostile) => `a${hostile}b`), '', 'a,b']) {
      const refused = refusal(() => makeDraft({ ...ITEM, id: 'n1', [field]: text }, TIME, LIMITS));
      expect(refused.code).toBe(`${field}_invalid`);
    }
  });

  test('is one line of JSON that parses to the published data', () => {
    const random = new Random(3);
    for (const data of [...HOSTILE, ...HOSTILE.map((text) => ({ [text]: [text] }))]) {
      expect(published(data)).toEqual(data);
    }
    for (const { json } of Array.from({ length: 300 }, () => randomPage(random).entries).flat()) {
      expect(json).not.toMatch(/[\r\n\0]/);
      expect(Buffer.from(json).toString()).toBe(json);
      expect(JSON.stringify(JSON.parse(json))).toBe(json);
    }
  });

  test.each<[data: unknown, seen: unknown]>([
    [undefined, null],
    [null, null],
    [false, false],
    ['', ''],
    [NaN, null],
    [-0, 0],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    [new Date(NaN), null],
    [{ at: new Date(0), toJSON: undefined }, { at: '1970-01-01T00:00:00.000Z' }],
    [{ toJSON: () => ({ n: 1 }) }, { n: 1 }],
    [{ gone: undefined, call: () => 1, sign: Symbol('s') }, {}],
    [
      [undefined, () => 1, Symbol('s')],
      [null, null, null],
    ],
    [new Map([[1, 2]]), {}],
    [
      [[[1], [2]], []],
      [[[1], [2]], []],
    ],
    [Object.create(null), {}],
    [
      { proto: 1, constructor: 2, prototype: 3 },
      { proto: 1, constructor: 2, prototype: 3 },
    ],
  ])('contains the JSON form of its data: %p', (data, seen) => {
    expect(published(data)).toEqual(seen);
  });

  const circular: Record<string, unknown> = { list: [] };
  (circular.list as unknown[]).push({ circular });
  test.each<[what: string, data: unknown]>([
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['a BigInt', 1n],
    ['a BigInt inside', { list: [1n] }],
    ['a circle', circular],
    ['a toJSON that gives nothing', { toJSON: () => undefined }],
    ['a key __proto__', JSON.parse('{"__proto__":{"admin":true}}')],
    ['a key __proto__ deep inside', JSON.parse('[{"list":[[{"__proto__":1}]]}]')],
    ['a prototype of a constructor', { constructor: { prototype: { admin: true } } }],
    ['a prototype of a constructor deep inside', { list: [{ a: { constructor: { prototype: null } } }] }],
  ])('refuses %s', (_, data) => {
    const { code, message } = refusal(() => published(data));
    expect(code).toBe('data_invalid');
    expect(message).toMatch(/^data [ -~]{5,100}$/);
  });

  test('keeps the cause of data that cannot be written', () => {
    expect(() => published(1n)).toThrow(expect.objectContaining({ cause: expect.any(TypeError) }));
  });

  test('may be nested as deep as the limit, and no deeper', () => {
    for (const levels of [0, 1, 31, 32]) expect(published(nested(levels))).toEqual(nested(levels));
    expect(refusal(() => published(nested(33)))).toEqual({
      code: 'data_invalid',
      message: 'data is nested deeper than 32 levels',
    });
    expect(refusal(() => published([1, { wide: 1, deep: nested(32) }])).code).toBe('data_invalid');
    // So deep that recursion would end the process.
    expect(refusal(() => published(nested(1_000_000))).code).toBe('data_invalid');
    expect(refusal(() => published([], { ...LIMITS, dataDepthMax: 0 })).code).toBe('data_invalid');
  });

  test.each(['x', 'ö', '\u2028', '😀', '\ud800', '\n'])(
    'has at most so many bytes of UTF-8, here of %j',
    (character) => {
      const json = (count: number, notificationBytesMax: number): string =>
        makeDraft({ ...ITEM, id: 'n1', data: character.repeat(count) }, TIME, { ...LIMITS, notificationBytesMax }).json;
      const bytes = Buffer.byteLength(json(100, 65_536));
      expect(json(100, bytes)).toHaveLength(json(100, 65_536).length);
      expect(refusal(() => json(100, bytes - 1))).toEqual({
        code: 'notification_too_large',
        message: `the notification has ${bytes} bytes of JSON, at most ${bytes - 1} are allowed`,
      });
    },
  );

  test('is checked in its JSON form, so toJSON cannot bypass the check', () => {
    const polluting = { toJSON: (): unknown => JSON.parse('{"__proto__":{"admin":true}}') };
    const deep = { toJSON: () => nested(33) };
    for (const data of [polluting, { list: [polluting] }, deep]) {
      expect(refusal(() => published(data)).code).toBe('data_invalid');
    }
  });

  test('may be wide, and may contain the names of forbidden keys as text', () => {
    for (const data of [
      Array.from({ length: 100 }, () => [{}]),
      '[{'.repeat(100),
      '"__proto__":',
      ['__proto__', { a: '__proto__' }],
      { 'x"__proto__': 1, proto: '{"__proto__":1}' },
      { constructor: 'ACME Ltd.', prototype: { constructor: { name: 'ACME' } } },
      [{ constructor: null }, { constructor: [{ prototype: 1 }] }],
    ]) {
      expect(published(data)).toEqual(data);
    }
  });

  test('has a time of its own', () => {
    expect(makeDraft({ ...ITEM, id: 'n1' }, new Date(0), LIMITS).json).toContain('"time":"1970-01-01T00:00:00.000Z"');
  });
});
