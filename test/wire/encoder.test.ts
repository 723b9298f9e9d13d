import { describe, expect, test } from '@jest/globals';
import { logEntry } from '../../src/core/notification.js';
import type { LogPage } from '../../src/core/page.js';
import { retractionDrafts } from '../../src/core/retraction.js';
import { Cursors } from '../../src/wire/cursor.js';
import { PageEncoder, pageBody } from '../../src/wire/encoder.js';
import { Random } from '../support/random.js';
import { entry, EPOCH, logPage, randomPage, TIME } from './kit.js';

const random = new Random(2);
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
      const { cursor } = JSON.parse(text) as { cursor: string };
      expect(text).toBe(JSON.stringify(expected(page, cursor)));
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

  test('lists retractions apart from the notifications', async () => {
    const [draft] = await retractionDrafts({ id: 'n3', topic: 'orders' }, TIME);
    const one = entry(3);
    expect(pageBody(logPage([one, logEntry(5, draft!)]), 'C').content).toBe(
      `{"notifications":[${one.json}],"cursor":"C","more":false,"retracted":[{"id":"n3","topic":"orders"}]}`,
    );
  });

  test.each(['x', 'ö', '€', '😀'])('is encoded as bytes if it is large, with the same content (%s)', (letter) => {
    const data = letter.repeat(200);
    const entries = Array.from({ length: 200 }, (_, index) => entry(index + 1, data));
    const page = logPage(entries, { more: true, gap: { reason: 'reset' } });
    const { content, bytes } = pageBody(page, 'CURSOR');
    expect(content).toBeInstanceOf(Buffer);
    expect(String(content)).toBe(JSON.stringify(expected(page, 'CURSOR')));
    expect(bytes).toBe((content as Buffer).length);
  });

  test('does not contain the epoch, positions or the end of a waiter', () => {
    const { content } = encoder.body(logPage([entry(12_345)], { position: 67_890, ending: 'draining' }));
    for (const secret of [EPOCH.id, EPOCH.secret, '67890', 'draining', 'position'])
      expect(content).not.toContain(secret);
  });
});

/** More than `BUFFER_BYTES_MIN`. */
const LARGE = Array.from({ length: 20 }, (_, index) => entry(index + 1, 'x'.repeat(1_000)));
const [AFTER_ONE, AFTER_THREE] = [1, 3].map((position) => cursors.sealStable(EPOCH, position, 'after'));

const bodyCursor = (page: LogPage): string =>
  (JSON.parse(String(encoder.body(page).content)) as { cursor: string }).cursor;

describe('the cursor of a page', () => {
  test('opens to the end of the page, or to its last notification', () => {
    for (const page of PAGES) {
      const last = page.entries.at(-1)?.position ?? page.position;
      const isShared = encoder.body(page).cursorFromEnd === undefined;
      for (const cursor of [bodyCursor(page), encoder.page(page).cursor]) {
        expect(cursors.open(cursor, EPOCH)).toEqual({ epochId: EPOCH.id, position: isShared ? last : page.position });
      }
    }
  });

  test('differs in each empty answer, so that equal texts do not reveal a quiet log', () => {
    for (const page of [logPage([]), logPage([], { gap: { reason: 'reset' } })]) {
      expect(bodyCursor(page)).not.toBe(bodyCursor(page));
      expect(encoder.page(page).cursor).not.toBe(encoder.page(page).cursor);
      expect(encoder.cursor(page)).not.toBe(encoder.cursor(page));
    }
  });

  test.each<[what: string, page: LogPage, cursor: string | undefined]>([
    ['a small page', logPage([entry(1)], { position: 9 }), AFTER_ONE],
    ['a part of a longer page', logPage([entry(1)], { more: true, position: 1 }), AFTER_ONE],
    ['a large page', logPage([...LARGE, entry(3)], { position: 99 }), AFTER_THREE],
  ])('depends on the last notification alone in %s, which all clients share', (_, page, cursor) => {
    expect(bodyCursor(page)).toBe(cursor);
    expect(encoder.body(page)).toBe(encoder.body(page));
    expect(bodyCursor({ ...page, position: 100, encoded: undefined })).toBe(cursor);
    expect(encoder.page(page).cursor).toBe(cursor);
  });

  test('in a stream depends only on its notification, and does not reveal adjacent positions', () => {
    const idsOf = (page: LogPage): string[] => [...encoder.sse(page).matchAll(/id: (.+)/g)].map(([, id]) => id!);
    expect(idsOf(logPage([entry(1), entry(3)], { position: 9 }))).toEqual([AFTER_ONE, AFTER_THREE]);
    const [gap] = idsOf(logPage([entry(2)], { gap: { reason: 'expired' }, position: 9 }));
    expect(gap).not.toBe(AFTER_ONE);
    expect(cursors.open(gap!, EPOCH)).toEqual({ epochId: EPOCH.id, position: 1 });
  });
});

describe('forms of a page', () => {
  test('are made once, however many waiters share them', () => {
    for (const page of PAGES.slice(0, 50)) {
      if (page.entries.length > 0) expect(encoder.blocks(page)).toBe(encoder.blocks(page));
      expect(encoder.page(page).notifications).toBe(encoder.page(page).notifications);
    }
  });

  test('on the direct lane are copied with a new cursor in its position', () => {
    for (const page of PAGES.slice(0, 50)) {
      const { content, cursorFromEnd } = encoder.body(page);
      const answer = { lines: '', date: '', bytes: Buffer.from(content), cursorFromEnd };
      const bytes = encoder.answerBytes(page, answer);
      if (cursorFromEnd === undefined) expect(bytes).toBe(answer.bytes);
      else {
        const { cursor, ...rest } = JSON.parse(bytes.toString()) as { cursor: string };
        expect(cursors.open(cursor, EPOCH)).toEqual({ epochId: EPOCH.id, position: page.position });
        expect(rest).toEqual({ ...(JSON.parse(String(content)) as object), cursor: undefined });
      }
    }
  });

  test('a cursor that is not a page’s', () => {
    expect(cursors.open(encoder.seal(EPOCH, 41), EPOCH)).toEqual({ epochId: EPOCH.id, position: 41 });
  });
});

describe('the page that application code sees', () => {
  test('equals the page of clients', () => {
    for (const page of PAGES) {
      const seen = encoder.page(page);
      expect(JSON.stringify(seen)).toBe(JSON.stringify(expected(page, seen.cursor)));
      expect('gap' in seen).toBe(page.gap !== undefined);
    }
  });

  test('parses notifications when they are read, and once', () => {
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
