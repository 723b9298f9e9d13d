import { describe, expect, test } from '@jest/globals';
import { createParser } from 'eventsource-parser';
import { type SseBlock, SseParser } from '../../src/client/sse-parser.js';

function blocksOf(parts: readonly string[]): SseBlock[] {
  const blocks: SseBlock[] = [];
  const parser = new SseParser((block) => blocks.push(block));
  for (const part of parts) parser.push(part);
  return blocks;
}

/** What another parser makes of it; it tells no blocks without data. */
function referenceOf(text: string): { event: string | undefined; data: string }[] {
  const blocks: { event: string | undefined; data: string }[] = [];
  const parser = createParser({
    onEvent: ({ event, data }) => blocks.push({ event: event === '' ? undefined : event, data }),
  });
  parser.feed(text);
  return blocks;
}

const STREAMS = [
  'data: a\n\n',
  'data: a\ndata: b\nid: 1\n\n',
  'data:a\r\n\r\ndata:  b\r\n\r\n',
  'data: a\r\rdata: b\r\r:\n',
  'event: gap\ndata: {}\nid: 2\n\n:\n:comment\ndata: x\n\n',
  'data\n\ndata: y\n\n',
  'unknown: field\ndata: z\nretry: 12\nretry: x\n\n',
  'id: with\0nul\ndata: q\n\n',
  'data: cut off',
];

describe('an event stream', () => {
  test.each(STREAMS)('%j is understood as others do, however it is cut', (text) => {
    const expected = referenceOf(text);
    for (let size = 1; size <= text.length; size++) {
      const parts = Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
        text.slice(at * size, (at + 1) * size),
      );
      expect(blocksOf(parts).map(({ event, data }) => ({ event, data }))).toEqual(expected);
    }
  });

  test('moves the id with blocks that have no data', () => {
    expect(blocksOf(['retry: 5\nid: a\n\n:\n\ndata: 1\n\n'])).toEqual([{ event: undefined, data: '1', id: 'a' }]);
  });

  test('says how long to wait', () => {
    const parser = new SseParser(() => undefined);
    parser.push('retry: 2000\n');
    expect(parser.retryMs).toBe(2_000);
    parser.push('retry: soon\n');
    expect(parser.retryMs).toBe(2_000);
  });
});
