import { describe, expect, test } from '@jest/globals';
import type { LogPage } from '../../src/core/page.js';
import { Cursors } from '../../src/wire/cursor.js';
import { PageEncoder, pageBody } from '../../src/wire/encoder.js';
import { randomNumbers } from '../../src/testing/contract/random.js';
import { entry, EPOCH, logPage, OTHER_EPOCH, randomPage } from './kit.js';

const random = randomNumbers(2);
const cursors = new Cursors();
const encoder = new PageEncoder(cursors);
const PAGES = Array.from({ length: 300 }, () => randomPage(random));

/** The page as the protocol writes it down, its fields in this order. */
function expected({ entries, more, gap }: LogPage, cursor: string) {
  const notifications = entries.map(({ json }): unknown => JSON.parse(json));
  return gap ? { notifications, cursor, more, gap } : { notifications, cursor, more };
}

/** Everything reachable from a value that could be changed. */
function changeable(value: unknown, path = 'page'): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const below = Object.entries(value).flatMap(([key, child]) => changeable(child, `${path}.${key}`));
  return Object.isFrozen(value) ? below : [path, ...below];
}

describe('the body of a page', () => {
  test('is JSON of exactly the shape of the protocol, on one line, with its length in bytes', () => {
    for (const page of PAGES) {
      const { content, bytes } = encoder.body(page);
      const text = String(content);
      expect(text).toBe(JSON.stringify(expected(page, encoder.cursor(page))));
      expect(bytes).toBe(new TextEncoder().encode(text).length);
      expect(text).not.toMatch(/[\r\n\0]/);
    }
  });

  test('has this text', () => {
    const page = logPage([entry(3, { a: 'ö' }), entry(5)], { more: true });
    expect(pageBody(page, 'CURSOR')).toEqual({
      content:
        '{"notifications":[' +
        '{"id":"n3","topic":"orders","type":"tested","time":"2030-01-02T03:04:05.678Z","data":{"a":"ö"}},' +
        '{"id":"n5","topic":"orders","type":"tested","time":"2030-01-02T03:04:05.678Z","data":null}' +
        '],"cursor":"CURSOR","more":true}',
      bytes: 237,
    });
    expect(pageBody(logPage([]), 'C').content).toBe('{"notifications":[],"cursor":"C","more":false}');
    expect(pageBody(logPage([], { gap: { reason: 'expired' } }), 'C').content).toBe(
      '{"notifications":[],"cursor":"C","more":false,"gap":{"reason":"expired"}}',
    );
  });

  test.each(['x', 'ö', '€', '😀'])('is bytes where it is large, and has the same content (%s)', (letter) => {
    const data = letter.repeat(200);
    const entries = Array.from({ length: 200 }, (_, index) => entry(index + 1, data));
    const page = logPage(entries, { more: true, gap: { reason: 'reset' } });
    const { content, bytes } = pageBody(page, 'CURSOR');
    expect(content).toBeInstanceOf(Buffer);
    expect(String(content)).toBe(JSON.stringify(expected(page, 'CURSOR')));
    expect(bytes).toBe((content as Buffer).length);
  });

  test('says nothing of the epoch, positions or the end of a waiter', () => {
    const { content } = encoder.body(logPage([entry(12_345)], { position: 67_890, ending: 'draining' }));
    for (const secret of [EPOCH.id, EPOCH.secret, '67890', 'draining', 'position'])
      expect(content).not.toContain(secret);
  });
});

describe('what is derived from a page', () => {
  test('is derived once, however many waiters share it', () => {
    for (const page of PAGES.slice(0, 50)) {
      // Every seal differs, so that equal texts were made once.
      expect(encoder.cursor(page)).toBe(encoder.cursor(page));
      expect(encoder.body(page)).toBe(encoder.body(page));
      expect(encoder.sseBytes(page)).toBe(encoder.sseBytes(page));
      expect(encoder.page(page)).toBe(encoder.page(page));
    }
  });

  test('has one cursor in all its forms, and it opens to the end of the page', () => {
    for (const page of PAGES) {
      const cursor = encoder.cursor(page);
      expect(cursors.open(cursor, EPOCH)).toEqual({ epochId: EPOCH.id, position: page.position });
      expect((JSON.parse(String(encoder.body(page).content)) as { cursor: string }).cursor).toBe(cursor);
      expect(encoder.page(page).cursor).toBe(cursor);
      expect(encoder.sse(page).slice(-38)).toBe(page.entries.length > 0 || page.gap ? `${cursor}\n\n` : '');
    }
  });

  test('is the page’s own: an equal page is another one', () => {
    const [one, two] = [logPage([entry(1)]), logPage([entry(1)])];
    expect(encoder.body(one)).not.toBe(encoder.body(two));
  });

  test('tells all who are at the end of the log one cursor, until it goes on', () => {
    const end = encoder.cursor(logPage([entry(1)]));
    expect(encoder.cursor(logPage([], { position: 1 }))).toBe(end);
    expect(encoder.cursor(logPage([], { position: 1, epoch: OTHER_EPOCH }))).not.toBe(end);
    const next = encoder.cursor(logPage([entry(2)]));
    expect(next).not.toBe(end);
    expect(encoder.cursor(logPage([entry(1)]))).not.toBe(end);
  });

  test.each([{ more: true }, { ending: 'rights' }] as const)('has a cursor of its own with %j', (rest) => {
    const [one, two] = [logPage([entry(1)], rest), logPage([entry(1)], rest)];
    expect(encoder.cursor(one)).not.toBe(encoder.cursor(two));
  });

  test('a cursor that is not a page’s', () => {
    expect(cursors.open(encoder.seal(EPOCH, 41), EPOCH)).toEqual({ epochId: EPOCH.id, position: 41 });
  });
});

describe('the page that application code sees', () => {
  test('is what clients see', () => {
    for (const page of PAGES) {
      const seen = encoder.page(page);
      expect(JSON.stringify(seen)).toBe(String(encoder.body(page).content));
      expect('gap' in seen).toBe(page.gap !== undefined);
    }
  });

  test('parses notifications when they are looked at, and once', () => {
    const broken = encoder.page(logPage([{ ...entry(1), json: 'looked at' }]));
    expect(broken.cursor).toHaveLength(36);
    expect(() => broken.notifications).toThrow(SyntaxError);
    for (const page of PAGES.slice(0, 50)) {
      expect(encoder.page(page).notifications).toBe(encoder.page(page).notifications);
    }
  });

  test('is shared, and therefore frozen', () => {
    for (const { gap: _, ...page } of PAGES) expect(changeable(encoder.page(page))).toEqual([]);
    const page = encoder.page(logPage([entry(1, { list: [{ deep: true }] })]));
    expect(() => Object.assign(page.notifications[0]!.data as object, { list: 1 })).toThrow(TypeError);
    expect(() => (page.notifications as unknown[]).pop()).toThrow(TypeError);
    expect(() => Object.assign(page, { cursor: 'x' })).toThrow(TypeError);
  });

  test('is frozen in its gap too', () => {
    expect(changeable(encoder.page(logPage([], { gap: { reason: 'expired' } })))).toEqual([]);
  });
});
