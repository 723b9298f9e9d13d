import { describe, expect, test } from '@jest/globals';
import { logEntry, utf8Length } from '../../src/core/notification.js';
import { Random } from '../support/random.js';

describe('utf8Length', () => {
  test.each(['', 'a', '\u007f', '\u0080', '\u07ff', '\u0800', '\ud7ff', '\ue000', '\uffff', '😀', 'aä€😀'.repeat(99)])(
    'counts %j as Buffer.byteLength does',
    (text) => {
      expect(utf8Length(text)).toBe(Buffer.byteLength(text));
    },
  );

  test.each([1, 2, 3])('counts random text as Buffer.byteLength does (seed %i)', (seed) => {
    const random = new Random(seed);
    for (let round = 0; round < 300; round++) {
      const points = Array.from({ length: random.below(40) }, () =>
        random.below([0x80, 0x800, 0x10000, 0x110000][random.below(4)]!),
      );
      // JSON text is well formed: lone surrogates are escaped.
      const text = String.fromCodePoint(...points.filter((point) => point < 0xd800 || point > 0xdfff));
      expect(utf8Length(text)).toBe(Buffer.byteLength(text));
    }
  });
});

test('an entry is its draft at a position, with its length', () => {
  const draft = { id: 'n1', topic: 'orders', json: '{"data":"€"}', other: 'left out' };
  expect(logEntry(7, draft)).toEqual({ position: 7, id: 'n1', topic: 'orders', json: '{"data":"€"}', bytes: 14 });
});
