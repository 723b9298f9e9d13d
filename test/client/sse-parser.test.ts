import { describe, expect, test } from '@jest/globals';
import { createParser } from 'eventsource-parser';
import { type SseBlock, SseParser } from '../../src/client/sse-parser.js';

function blocksOf(parts: readonly string[]): SseBlock[] {
  const blocks: SseBlock[] = [];
  const parser = new SseParser((block) => blocks.push(block));
  for (const part of parts) parser.push(part);
  return blocks;
}

/** The events that another parser finds. */
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

describe('the parser of event streams', () => {
  test.each(STREAMS)('reads %j as another parser does, in chunks of any size', (text) => {
    const expected = referenceOf(text);
    for (let size = 1; size <= text.length; size++) {
      const parts = Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
        text.slice(at * size, (at + 1) * size),
      );
      expect(blocksOf(parts).map(({ event, data }) => ({ event, data }))).toEqual(expected);
    }
  });

  test('keeps the id of a block without data', () => {
    expect(blocksOf(['retry: 5\nid: a\n\n:\n\ndata: 1\n\n'])).toEqual([{ event: undefined, data: '1', id: 'a' }]);
  });

  test('reads `retry:` and ignores a wrong value', () => {
    const parser = new SseParser(() => undefined);
    parser.push('retry: 2000\n');
    expect(parser.retryMs).toBe(2_000);
    parser.push('retry: soon\n');
    expect(parser.retryMs).toBe(2_000);
  });
});
