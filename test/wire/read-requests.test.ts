import { describe, expect, test } from '@jest/globals';
import type { Epoch } from '../../src/core/store.js';
import { Cursors } from '../../src/wire/cursor.js';
import { ReadRequests } from '../../src/wire/read-requests.js';
import type { HttpRequest } from '../../src/wire/request.js';

const limits = { topicsMax: 50, waitMs: 25_000, waitMsMax: 55_000, limit: 100, limitMax: 1_000 };

function open() {
  let epoch: Epoch = { id: 'one', secret: 'x'.repeat(32) };
  const requests = new ReadRequests({ limits, cursors: new Cursors(), epoch: () => epoch });
  const parse = (query: string, headers: HttpRequest['headers'] = {}) =>
    requests.parse({ method: 'GET', url: `/notifications?${query}`, headers });
  const renew = (): void => {
    epoch = { id: 'two', secret: 'y'.repeat(32) };
  };
  return { parse, renew };
}

describe('parsed reads', () => {
  test('equal requests are parsed once', () => {
    const { parse } = open();
    expect(parse('topic=a')).toBe(parse('topic=a'));
    expect(parse('topic=a')).not.toBe(parse('topic=b'));
    expect(parse('topic=a', { accept: 'text/event-stream' })).toMatchObject({ transport: 'sse' });
  });

  test('a request in use stays cached while 10,000 others arrive', () => {
    const { parse } = open();
    const first = parse('topic=a');
    for (let n = 0; n < 10_000; n++) {
      parse(`topic=other-${n}`);
      if (n % 100 === 0) expect(parse('topic=a')).toBe(first);
    }
    expect(parse('topic=a')).toBe(first);
  });

  test('a request that is no longer used is dropped', () => {
    const { parse } = open();
    const first = parse('topic=a');
    for (let n = 0; n < 10_000; n++) parse(`topic=other-${n}`);
    expect(parse('topic=a')).not.toBe(first);
  });

  test('a long request is parsed each time', () => {
    const { parse } = open();
    const long = `topic=a&extra=${'x'.repeat(2_000)}`;
    expect(parse(long)).toEqual(parse(long));
    expect(parse(long)).not.toBe(parse(long));
  });

  test('a new epoch of the log drops all, because cursors mean other positions', () => {
    const { parse, renew } = open();
    const first = parse('topic=a');
    renew();
    expect(parse('topic=a')).not.toBe(first);
  });
});
