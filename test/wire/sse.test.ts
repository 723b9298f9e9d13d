import { describe, expect, test } from '@jest/globals';
import { logEntry } from '../../src/core/notification.js';
import type { LogPage } from '../../src/core/page.js';
import { retractionDrafts } from '../../src/core/retraction.js';
import { Cursors } from '../../src/wire/cursor.js';
import { PageEncoder } from '../../src/wire/encoder.js';
import { cursorBlock, HEARTBEAT, openingBlock, pageToSse, retryLine } from '../../src/wire/sse.js';
import { Random } from '../support/random.js';
import { entry, EPOCH, HOSTILE, LIMITS, logPage, OTHER_EPOCH, randomPage, TIME, titled } from './kit.js';
import { type Message, readAsStandard, type Received, readWithParser } from './standard-client.js';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
/** Pages with ids that can be read: the position, and C before that of the page. */
const toSse = (page: LogPage): string =>
  pageToSse(page, { after: String, before: (position) => String(position - 1), end: () => `C${page.position}` });

const CLIENTS: [name: string, read: (text: string) => Received][] = [
  ['the standard', (text) => readAsStandard(utf8(text))],
  ['eventsource-parser', (text) => readWithParser(utf8(text))],
];

describe('a page as blocks', () => {
  test('has one for each notification: its JSON on one line, the id last, no name', () => {
    const [one, two] = [entry(3, { a: 'ö' }), entry(5)];
    expect(toSse(logPage([one, two], { position: 9 }))).toBe(
      `data: ${one.json}\nid: 3\n\ndata: ${two.json}\nid: 5\n\n`,
    );
  });

  test('is nothing when the page is empty', () => {
    expect(toSse(logPage([], { position: 9 }))).toBe('');
  });

  test.each(['expired', 'reset'] as const)('has a gap first, and its id leads to the first notification', (reason) => {
    const [one, two] = [entry(7), entry(8)];
    expect(toSse(logPage([one, two], { gap: { reason } }))).toBe(
      `event: gap\ndata: {"reason":"${reason}"}\nid: 6\n\ndata: ${one.json}\nid: 7\n\ndata: ${two.json}\nid: 8\n\n`,
    );
    expect(toSse(logPage([], { position: 9, gap: { reason } }))).toBe(
      `event: gap\ndata: {"reason":"${reason}"}\nid: C9\n\n`,
    );
  });

  test('has an event for the record of a retraction', async () => {
    const [draft] = await retractionDrafts({ id: 'n3', topic: 'orders' }, TIME);
    const [one, record] = [entry(3), logEntry(5, draft!)];
    expect(toSse(logPage([one, record]))).toBe(
      `data: ${one.json}\nid: 3\n\nevent: retracted\ndata: {"id":"n3","topic":"orders"}\nid: 5\n\n`,
    );
  });

  test('has an id before the first position of a log', () => {
    const sse = new PageEncoder(new Cursors()).sse(logPage([entry(1)], { gap: { reason: 'reset' } }));
    const [gap] = readAsStandard(utf8(sse)).messages;
    expect(new Cursors().open(gap!.id, EPOCH)).toEqual({ epochId: EPOCH.id, position: 0 });
  });

  test('has the id last in every block, and no field but these', () => {
    const random = new Random(4);
    for (let i = 0; i < 200; i++) {
      const blocks = toSse(randomPage(random)).split('\n\n');
      expect(blocks.pop()).toBe('');
      for (const block of blocks)
        expect(block).toMatch(/^(event: gap\ndata: \{"reason":"\w+"\}|data: [^\r\n]*)\nid: C?\d+$/);
    }
  });
});

describe('hostile data cannot create a block or a field', () => {
  const random = new Random(5);
  test.each(titled([...HOSTILE, 'x'.repeat(LIMITS.notificationBytesMax - 200)].map((text) => [text])))(
    '%s',
    (_, text) => {
      for (const data of [text, { [text]: text }, [[text]]]) {
        if (text.length > 20_000 && typeof data !== 'string') continue;
        const page = logPage([entry(1, data), entry(2, data)]);
        const sse = toSse(page);
        expect(sse.split(/[\r\n\0]/)).toHaveLength(7);
        for (const { messages, lastEventId, retries } of [
          readAsStandard(utf8(sse)),
          readWithParser(utf8(sse), random, 40),
        ]) {
          expect(messages.map((message) => [message.event, message.id])).toEqual([
            ['message', '1'],
            ['message', '2'],
          ]);
          for (const message of messages) expect((JSON.parse(message.data) as { data: unknown }).data).toEqual(data);
          expect([lastEventId, retries]).toEqual(['2', []]);
        }
      }
    },
  );
});

describe('blocks around the notifications', () => {
  test.each(CLIENTS)('%s ignores a heartbeat at any position', (_, read) => {
    expect(HEARTBEAT).toBe(':\n');
    const page = toSse(logPage([entry(1), entry(2)]));
    for (const text of [HEARTBEAT.repeat(3), HEARTBEAT + page, page + HEARTBEAT, page.replace('\n\n', `\n\n:\n:\n`)]) {
      expect(read(text)).toEqual(read(text.replaceAll(':\n', '')));
    }
    expect(read(HEARTBEAT)).toEqual({ messages: [], lastEventId: '', retries: [] });
  });

  test.each(CLIENTS)('the opening sets the time to reconnect and the id, and is no message, in %s', (_, read) => {
    expect(openingBlock(2_000, undefined)).toBe('retry: 2000\n');
    expect(openingBlock(2_000, 'CURSOR')).toBe(`retry: 2000\n${cursorBlock('CURSOR')}`);
    expect(read(openingBlock(2_000, undefined))).toEqual({ messages: [], lastEventId: '', retries: [2_000] });
    const opened = read(openingBlock(2_000, 'CURSOR'));
    expect(opened).toMatchObject({ lastEventId: 'CURSOR', retries: [2_000] });
    expect(opened.messages.map(({ event }) => event)).toEqual(['cursor']);
  });

  test.each(CLIENTS)('the last line of a stream sets the time to reconnect, and keeps the id, in %s', (_, read) => {
    expect(retryLine(9_000)).toBe('retry: 9000\n');
    const { messages, lastEventId, retries } = read(toSse(logPage([entry(1)])) + retryLine(9_000));
    expect([messages.length, lastEventId, retries]).toEqual([1, '1', [9_000]]);
  });

  test.each(CLIENTS)('a cursor block moves the id and is no message to %s, also between notifications', (_, read) => {
    expect(cursorBlock('CURSOR')).toBe('event: cursor\ndata: {}\nid: CURSOR\n\n');
    const [before, after] = [toSse(logPage([entry(1)])), toSse(logPage([entry(5)]))];
    const { messages } = read(before + cursorBlock('C4') + after);
    // The name of the cursor block must not stick to the next one.
    expect(messages.map(({ event, id }) => [event, id])).toEqual([
      ['message', '1'],
      ['cursor', 'C4'],
      ['message', '5'],
    ]);
  });
});

/** An event of a page in a stream: name, data and the cursor to continue from. */
function blocksOf({ entries, position, gap }: LogPage): [event: string, data: string, position: number][] {
  const news = entries.map((one): [string, string, number] => ['message', one.json, one.position]);
  if (!gap) return news;
  return [['gap', JSON.stringify(gap), entries[0] ? entries[0].position - 1 : position], ...news];
}

test('pages read back as the same notifications and ids, in pieces of any size', () => {
  const random = new Random(6);
  const cursors = new Cursors();
  const encoder = new PageEncoder(cursors);
  for (const pieceMax of [1, 2, 7, 64, 1_000, 100_000]) {
    const pages = Array.from({ length: 30 }, (_, index) => randomPage(random, 1_000 * index));
    const bytes = utf8(pages.map((page) => encoder.sse(page) || HEARTBEAT).join(''));
    const sent = pages.flatMap(blocksOf);
    const { messages } = readWithParser(bytes, random, pieceMax);
    expect(messages).toEqual(readAsStandard(bytes).messages);
    expect(messages.map(({ event, data, id }) => [event, data, cursors.open(id, EPOCH)?.position])).toEqual(sent);
  }
});

describe('a stream that is cut anywhere and resumed loses and repeats nothing', () => {
  const cursors = new Cursors();
  const encoder = new PageEncoder(cursors);
  /** Positions have holes where other topics are; everything up to 5 has expired. */
  const TRIMMED = 5;
  const HEAD = 30;
  const LOG = [7, 8, 11, 15, 16, 17, 24, 28].map((position) => entry(position, `größe 😀 ${position}\n\ndata: x`));

  /**
   * A whole stream as a node writes it for a cursor: opening, page by page, a heartbeat and a
   * cursor block.
   */
  function stream(cursor: string): Uint8Array {
    const place = cursors.open(cursor, EPOCH)!;
    const ofThisLog = place.epochId === EPOCH.id;
    const expired = ofThisLog && place.position < TRIMMED;
    const gap: Partial<LogPage> = ofThisLog && !expired ? {} : { gap: { reason: expired ? 'expired' : 'reset' } };
    const rest = LOG.filter(({ position }) => !ofThisLog || position > place.position);
    let text = openingBlock(2_000, ofThisLog ? cursor : undefined) + HEARTBEAT;
    for (let at = 0; at === 0 || at < rest.length; at += 3) {
      const entries = rest.slice(at, at + 3);
      const next = rest[at + 3];
      const position = next ? entries.at(-1)!.position : HEAD - 1;
      text += encoder.sse(logPage(entries, { position, more: next !== undefined, ...(at === 0 && gap) }));
    }
    return utf8(text + HEARTBEAT + cursorBlock(encoder.seal(EPOCH, HEAD)) + retryLine(2_000));
  }

  /**
   * The notifications that a client receives when its first stream is cut and its second one is
   * not.
   */
  function received(start: string, cutAt: number, read: (bytes: Uint8Array) => Received): Message[] {
    const first = read(stream(start).subarray(0, cutAt));
    const second = read(stream(first.lastEventId || start));
    return [...first.messages, ...second.messages].filter(({ event }) => event !== 'cursor');
  }

  const STARTS: [what: string, cursor: string, gap: string[]][] = [
    ['a cursor in the log', cursors.seal(EPOCH, 9), []],
    ['a cursor right before the oldest', cursors.seal(EPOCH, TRIMMED), []],
    ['an expired cursor', cursors.seal(EPOCH, 2), ['{"reason":"expired"}']],
    ['a cursor of another log', cursors.seal(OTHER_EPOCH, 20), ['{"reason":"reset"}']],
    ['the end of the log', cursors.seal(EPOCH, HEAD), []],
  ];

  test.each(STARTS)('from %s', (_, start, gap) => {
    const place = cursors.open(start, EPOCH)!;
    const news = LOG.filter(({ position }) => position > place.position).map(({ json }) => `message: ${json}`);
    const owed = [...gap.map((data) => `gap: ${data}`), ...news];
    const length = stream(start).length;
    for (let cutAt = 0; cutAt <= length; cutAt++) {
      for (const read of [(bytes: Uint8Array) => readAsStandard(bytes), (bytes: Uint8Array) => readWithParser(bytes)]) {
        const messages = received(start, cutAt, read);
        const got = messages.map(({ event, data }) => `${event}: ${data}`);
        if (got.join('\n') !== owed.join('\n')) expect({ cutAt, got }).toEqual({ cutAt, got: owed });
      }
    }
  });
});
