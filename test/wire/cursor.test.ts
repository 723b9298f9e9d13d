import { describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { NOWHERE } from '../../src/core/page.js';
import { Cursors } from '../../src/wire/cursor.js';
import { CURSOR_LENGTH_MAX } from '../../src/wire/protocol.js';
import { Random } from '../support/random.js';
import { EPOCH, OTHER_EPOCH } from './kit.js';

const ALPHABET = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_');
const TAG_BYTES = 7;
const CRC_AT = 23;

const random = new Random(1);
const POSITIONS = [
  ...[0, 1, 255, 256, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 52, Number.MAX_SAFE_INTEGER - 1],
  Number.MAX_SAFE_INTEGER,
  ...Array.from({ length: 500 }, () => random.below(2 ** 21) * 2 ** random.below(33)),
];

const at = (position: number) => ({ epochId: EPOCH.id, position });
const bytesOf = (text: string): Buffer => Buffer.from(text, 'base64url');

/** A cursor with changed bytes and a correct checksum. */
function forged(text: string, change: (bytes: Buffer) => void): string {
  const bytes = bytesOf(text);
  change(bytes);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, CRC_AT)), CRC_AT);
  return bytes.toString('base64url');
}

function differingBits(a: string, b: string): number {
  const [left, right] = [bytesOf(a), bytesOf(b)];
  let bits = 0;
  for (let i = TAG_BYTES; i < CRC_AT; i++) bits += (left[i]! ^ right[i]!).toString(2).replaceAll('0', '').length;
  return bits;
}

describe('a cursor', () => {
  test('opens to the position that was sealed, on every node of the log', () => {
    const [cursors, elsewhere] = [new Cursors(), new Cursors()];
    for (const position of POSITIONS) {
      const text = cursors.seal(EPOCH, position);
      expect(cursors.open(text, EPOCH)).toEqual(at(position));
      expect(elsewhere.open(text, { ...EPOCH })).toEqual(at(position));
    }
  });

  test('always has 36 characters of base64url, fewer than the limit of clients', () => {
    const cursors = new Cursors();
    for (const position of POSITIONS) expect(cursors.seal(EPOCH, position)).toMatch(/^[A-Za-z0-9_-]{36}$/);
    expect(CURSOR_LENGTH_MAX).toBe(64);
  });

  test('survives a node that changes between epochs', () => {
    const cursors = new Cursors();
    const [one, two] = [cursors.seal(EPOCH, 7), cursors.seal(OTHER_EPOCH, 8)];
    expect(cursors.open(one, EPOCH)).toEqual(at(7));
    expect(cursors.open(two, OTHER_EPOCH)).toEqual({ epochId: OTHER_EPOCH.id, position: 8 });
    expect(cursors.open(one, EPOCH)).toEqual(at(7));
  });
});

describe('a cursor that was changed cannot be read', () => {
  const cursors = new Cursors();

  test.each([0, 1, 41, 2 ** 32, Number.MAX_SAFE_INTEGER])('in any one character, at position %d', (position) => {
    const text = cursors.seal(EPOCH, position);
    const read: string[] = [];
    for (let i = 0; i < text.length; i++) {
      for (const character of ALPHABET) {
        const changed = text.slice(0, i) + character + text.slice(i + 1);
        if (changed !== text && cursors.open(changed, EPOCH) !== undefined) read.push(changed);
      }
    }
    expect(read).toEqual([]);
  });

  test('if characters are swapped, removed or doubled', () => {
    const text = cursors.seal(EPOCH, 41);
    for (let i = 0; i < text.length; i++) {
      const [head, character, next, tail] = [text.slice(0, i), text[i]!, text[i + 1] ?? '', text.slice(i + 2)];
      expect(cursors.open(head + next + tail, EPOCH)).toBeUndefined();
      expect(cursors.open(head + character + character + next + tail, EPOCH)).toBeUndefined();
      if (character !== next && next) expect(cursors.open(head + next + character + tail, EPOCH)).toBeUndefined();
    }
  });

  test('in any bit of its block, even with a checksum that fits', () => {
    const text = cursors.seal(EPOCH, 41);
    for (let bit = 0; bit < 128; bit++) {
      const change = (bytes: Buffer): void => {
        bytes[TAG_BYTES + (bit >> 3)]! ^= 1 << (bit & 7);
      };
      expect(cursors.open(forged(text, change), EPOCH)).toBeUndefined();
    }
  });

  test('if it is built from guessed blocks, from another epoch, or from two cursors', () => {
    const [text, other] = [cursors.seal(EPOCH, 41), cursors.seal(EPOCH, 2 ** 40)];
    const foreign = bytesOf(new Cursors().seal(OTHER_EPOCH, 41));
    for (let i = 0; i < 500; i++) {
      expect(
        cursors.open(
          forged(text, (bytes) => randomBytes(16).copy(bytes, TAG_BYTES)),
          EPOCH,
        ),
      ).toBeUndefined();
    }
    const mixed = [
      forged(text, (bytes) => foreign.copy(bytes, TAG_BYTES, TAG_BYTES, CRC_AT)),
      forged(text, (bytes) => bytesOf(other).copy(bytes, TAG_BYTES + 8, TAG_BYTES + 8, CRC_AT)),
      forged(text, (bytes) => bytes.fill(0, TAG_BYTES, CRC_AT)),
    ];
    for (const forgery of mixed) expect(cursors.open(forgery, EPOCH)).toBeUndefined();
  });
});

describe('a cursor of a past epoch', () => {
  const LATER = { ...OTHER_EPOCH, before: [{ ...EPOCH, upTo: 41 }] };

  test('opens in the epoch that continues it, up to the fork', () => {
    const text = new Cursors().seal(EPOCH, 41);
    expect(new Cursors().open(text, LATER)).toEqual({ epochId: LATER.id, position: 41, origin: at(41) });
  });

  test('has no position beyond the fork, but an epoch that is not known yet may contain it', () => {
    const text = new Cursors().seal(EPOCH, 42);
    expect(new Cursors().open(text, LATER)).toEqual({ ...NOWHERE, unknownIn: LATER.id });
  });

  test('cannot be forged without the past secret', () => {
    const text = new Cursors().seal({ ...EPOCH, secret: 'guessed' }, 41);
    expect(new Cursors().open(text, LATER)).toBeUndefined();
  });
});

describe('a cursor of another epoch', () => {
  const UNKNOWN = { ...NOWHERE, unknownIn: EPOCH.id };

  test('has no position, whether or not its secret is known', () => {
    const text = new Cursors().seal({ id: 'gone', secret: String(random.below(1e9)) }, 41);
    expect(new Cursors().open(text, EPOCH)).toEqual(UNKNOWN);
    expect(new Cursors().open(new Cursors().seal(OTHER_EPOCH, 41), EPOCH)).toEqual(UNKNOWN);
    expect(new Cursors().open(new Cursors().seal({ ...EPOCH, id: 'epoch-onE' }, 41), EPOCH)).toEqual(UNKNOWN);
  });

  test('has no position if it was forged', () => {
    const cursors = new Cursors();
    const text = cursors.seal(EPOCH, 41);
    for (let i = 0; i < 500; i++) {
      const forgery = forged(text, (bytes) => (bytes[random.below(TAG_BYTES)]! ^= 1 + random.below(255)));
      expect(cursors.open(forgery, EPOCH)).toEqual(UNKNOWN);
    }
  });

  test('with the same id but another secret cannot be read', () => {
    for (const position of [0, 41]) {
      const text = new Cursors().seal({ ...EPOCH, secret: 'guessed' }, position);
      expect(new Cursors().open(text, EPOCH)).toBeUndefined();
    }
  });
});

describe('cursors do not show', () => {
  test('whether they have the same position', () => {
    const cursors = new Cursors();
    const texts = Array.from({ length: 1_000 }, () => cursors.seal(EPOCH, 41));
    expect(new Set(texts).size).toBe(texts.length);
    for (const text of texts) expect(cursors.open(text, EPOCH)).toEqual(at(41));
    // Of 128 bits, about 64 differ by chance; below 20 is one in 10^15.
    for (let i = 1; i < texts.length; i++) expect(differingBits(texts[i - 1]!, texts[i]!)).toBeGreaterThan(20);
  });

  test('the distance or the order of their positions', () => {
    const cursors = new Cursors();
    const texts = Array.from({ length: 1_000 }, (_, position) => cursors.seal(EPOCH, position));
    let ascents = 0;
    for (let i = 1; i < texts.length; i++) {
      expect(differingBits(texts[i - 1]!, texts[i]!)).toBeGreaterThan(20);
      if (texts[i - 1]! < texts[i]!) ascents++;
    }
    // Ascents of a random order: 500 on average, with a deviation of 9.
    expect(ascents).toBeGreaterThan(400);
    expect(ascents).toBeLessThan(600);
  });

  test('a predictable nonce: two nodes seal different texts', () => {
    const texts = Array.from({ length: 50 }, () => new Cursors().seal(EPOCH, 41));
    expect(new Set(texts).size).toBe(texts.length);
  });
});

describe('a text that is not a cursor cannot be read', () => {
  const text = new Cursors().seal(EPOCH, 41);
  const plain = forged(text, (bytes) => bytes.fill(0xff))
    .replaceAll('_', '/')
    .replaceAll('-', '+');
  test.each([
    ['nothing', ''],
    ['a word', 'latest'],
    ['a number', '41'],
    ['any text of the right length', 'A'.repeat(36)],
    ...[1, 9, 32, 35].map((length): [string, string] => [`the first ${length} characters`, text.slice(0, length)]),
    ['one with padding', `${text}=`],
    ['one with padding for its end', `${text.slice(0, 35)}=`],
    ['one in the other base64 alphabet', plain],
    ['one with a space before', ` ${text}`],
    ['one with a line end behind', `${text}\n`],
    ['one with NUL behind', `${text}\0`],
    ['one in quotes', `"${text}"`],
    ['two', `${text},${text}`],
    ['one with 4 more characters', `${text}AAAA`],
    ['one with a letter that looks alike', `${text.slice(0, 35)}\u0410`],
    ['emoji', '😀'.repeat(18)],
    ['a lone surrogate', `${text.slice(0, 35)}\ud800`],
    ['a very long text', 'A'.repeat(1_000_000)],
    ['a very long text that starts well', text.repeat(10_000)],
  ])('%s', (_, wrong) => {
    expect(new Cursors().open(wrong, EPOCH)).toBeUndefined();
  });
});
