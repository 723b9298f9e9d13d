import { describe, expect, test } from '@jest/globals';
import { NOWHERE } from '../../src/core/page.js';
import { checkTopics, header, parseReadRequest, type ReadRequest, type RequestLimits } from '../../src/wire/request.js';
import { refusal, titled } from './kit.js';

const LIMITS: RequestLimits = { topicsMax: 5, waitMs: 25_000, waitMsMax: 55_000, limit: 100, limitMax: 1_000 };
const PLACE = { epochId: 'epoch-one', position: 41 };
const openCursor = (text: string) => (text === 'CURSOR' ? PLACE : text === 'FOREIGN' ? NOWHERE : undefined);

type Headers = Record<string, string | string[]>;

function parse(query: string, headers: Headers = {}, limits: Partial<RequestLimits> = {}): ReadRequest {
  const request = { method: 'GET', url: `/notifications${query}`, headers };
  return parseReadRequest(request, { limits: { ...LIMITS, ...limits }, openCursor });
}

const DEFAULTS: ReadRequest = {
  transport: 'poll',
  topics: undefined,
  after: 'latest',
  before: undefined,
  cursor: undefined,
  waitMs: 25_000,
  limit: 100,
};
const SSE = { accept: 'text/event-stream' };
const AT_CURSOR = { after: PLACE, cursor: 'CURSOR' };

describe('a read request means', () => {
  test.each(
    titled<[query: string, meaning: Partial<ReadRequest>]>([
      ['', {}],
      ['?', {}],
      ['?topic=orders', { topics: ['orders'] }],
      ['?topic=b&topic=a', { topics: ['a', 'b'] }],
      ['?topic=b,a', { topics: ['a', 'b'] }],
      ['?topic=c,a&topic=b', { topics: ['a', 'b', 'c'] }],
      ['?topic=a,b,a&topic=b&topic=a', { topics: ['a', 'b'] }],
      ['?topic=a&topic=B&topic=1', { topics: ['1', 'B', 'a'] }],
      ['?topic=a,b,c,d,e', { topics: ['a', 'b', 'c', 'd', 'e'] }],
      [`?topic=${'a,'.repeat(50)}b`, { topics: ['a', 'b'] }],
      ['?topic=a%2Cb', { topics: ['a', 'b'] }],
      ['?topic=user%3A42%40shop%2Feu', { topics: ['user:42@shop/eu'] }],
      ['?t%6Fpic=%61', { topics: ['a'] }],
      ['?topic=a=b', { topics: ['a=b'] }],
      ['?topic=__proto__', { topics: ['__proto__'] }],
      [`?topic=${'t'.repeat(200)}`, { topics: ['t'.repeat(200)] }],
      ['?&&topic=a&', { topics: ['a'] }],
      ['?topic=a&Topic=b&topics=c&topic[]=d', { topics: ['a'] }],
      ['?wait=0', { waitMs: 0 }],
      ['?wait=55', { waitMs: 55_000 }],
      ['?wait=007', { waitMs: 7_000 }],
      ['?limit=1', { limit: 1 }],
      ['?limit=1000', { limit: 1_000 }],
      ['?cursor=earliest', { after: 'earliest' }],
      ['?cursor=latest', { after: 'latest' }],
      ['?lastEventId=earliest', { after: 'earliest' }],
      ['?cursor=CURSOR', AT_CURSOR],
      ['?lastEventId=CURSOR', AT_CURSOR],
      ['?last_event_id=CURSOR', AT_CURSOR],
      ['?cursor=%43URSOR', AT_CURSOR],
      ['?cursor=FOREIGN', { after: NOWHERE, cursor: 'FOREIGN' }],
      ['?lastEventId=', {}],
      ['?last_event_id=&lastEventId=', {}],
      ['?cursor=CURSOR&lastEventId=', AT_CURSOR],
      ['?cursor=&lastEventId=CURSOR', AT_CURSOR],
      ['?utm_source=mail&since=0&__proto__=1&constructor=2', {}],
      ['?topic=a&wait=1&limit=2&cursor=CURSOR', { topics: ['a'], waitMs: 1_000, limit: 2, ...AT_CURSOR }],
    ]),
  )('%s', (_, query, meaning) => {
    expect(parse(query)).toEqual({ ...DEFAULTS, ...meaning });
    expect(parse(query, SSE)).toEqual({ ...DEFAULTS, ...meaning, transport: 'sse' });
  });

  test('a page of the history, as JSON', () => {
    expect(parse('?before=latest')).toEqual({ ...DEFAULTS, before: 'latest' });
    expect(parse('?before=CURSOR&limit=20')).toEqual({ ...DEFAULTS, before: PLACE, limit: 20 });
    expect(refusal(() => parse('?before=latest', SSE))).toEqual({
      code: 'before_invalid',
      message: expect.stringMatching(/^before reads one page as JSON/),
    });
  });

  test('its defaults, also without a query at all', () => {
    expect(parse('')).toEqual(DEFAULTS);
    expect(parse('', {}, { waitMs: 0, limit: 7 })).toEqual({ ...DEFAULTS, waitMs: 0, limit: 7 });
  });

  test('the same in any order of topics, so that pages are shared', () => {
    expect(parse('?topic=c,b&topic=a').topics).toEqual(parse('?topic=a,b,c').topics);
  });
});

describe('a read request is refused for', () => {
  const BAD_NUMBERS = [
    ...['', '-1', '-0', '+1', '1.5', '1.0', '1e1', '0x10', '10s', '1_0', '1,0', '1;2', ' 1', '1 ', '%091', '1%0A'],
    ...['NaN', 'Infinity', 'null', 'one', '%D9%A5', '%EF%BC%95', '9'.repeat(10), '9'.repeat(10_000)],
  ];

  test.each(
    titled<[query: string, code: string, message: RegExp]>([
      ['?topic', 'topic_invalid', /^topic must be a text that is not empty$/],
      ['?topic=', 'topic_invalid', /not empty/],
      ['?topic=,', 'topic_invalid', /not empty/],
      ['?topic=a,', 'topic_invalid', /not empty/],
      ['?topic=,a', 'topic_invalid', /not empty/],
      ['?topic=a,,b', 'topic_invalid', /not empty/],
      ['?topic=a&topic=', 'topic_invalid', /not empty/],
      ['?topic=a+b', 'topic_invalid', /^topic may have letters/],
      ['?topic=a, b', 'topic_invalid', /^topic may have letters/],
      ['?topic=a%0Ab', 'topic_invalid', /^topic may have letters/],
      ['?topic=a%00', 'topic_invalid', /^topic may have letters/],
      ['?topic=a%252Cb', 'topic_invalid', /^topic may have letters/],
      ['?topic=a?b', 'topic_invalid', /^topic may have letters/],
      ['?topic=%', 'topic_invalid', /^topic may have letters/],
      ['?topic=%E0%A4%A', 'topic_invalid', /^topic may have letters/],
      ['?topic=gr%C3%B6%C3%9Fe', 'topic_invalid', /^topic may have letters/],
      ['?topic=a*b', 'topic_invalid', /^topic may have letters/],
      ['?topic=*', 'pattern_undeclared', /^pattern \* is not declared by this feed$/],
      [`?topic=${'t'.repeat(190)}.*`, 'pattern_undeclared', /^pattern t{60}\.\.\. is not/],
      [`?topic=${'t'.repeat(201)}`, 'topic_invalid', /^topic has 201 characters, at most 200 are allowed$/],
      [`?topic=${'t'.repeat(10_000)}`, 'topic_invalid', /^topic has 10000 characters, at most 200/],
      ['?topic=a,b,c,d,e,f', 'topics_too_many', /^topic lists 6 topics, at most 5 are allowed/],
      ['?topic=a,b,c&topic=d,e,f', 'topics_too_many', /^topic lists 6 topics/],
      [
        `?topic=${Array.from({ length: 10_000 }, (_, n) => n).join()}`,
        'topics_too_many',
        /^topic lists 10000 topics, at most 5/,
      ],
      ...BAD_NUMBERS.map((text): [string, string, RegExp] => [
        `?wait=${text}`,
        'wait_invalid',
        /^wait must be a whole number of seconds from 0 to 55$/,
      ]),
      ['?wait=56', 'wait_invalid', /from 0 to 55$/],
      ['?wait=999999999', 'wait_invalid', /from 0 to 55$/],
      ['?wait=1&wait=1', 'wait_invalid', /^wait is given 2 times; give it once$/],
      ['?wait=&wait=1', 'wait_invalid', /^wait is given 2 times/],
      ...BAD_NUMBERS.map((text): [string, string, RegExp] => [
        `?limit=${text}`,
        'limit_invalid',
        /^limit must be a whole number from 1 to 1000$/,
      ]),
      ['?limit=0', 'limit_invalid', /from 1 to 1000$/],
      ['?limit=1001', 'limit_invalid', /from 1 to 1000$/],
      ['?limit=5&limit=5', 'limit_invalid', /^limit is given 2 times/],
      ['?cursor', 'cursor_invalid', /^cursor is empty$/],
      ['?cursor=', 'cursor_invalid', /^cursor is empty$/],
      ['?cursor=cursor', 'cursor_invalid', /^cursor is not a cursor of this feed/],
      ['?cursor=Latest', 'cursor_invalid', /^cursor is not a cursor/],
      ['?cursor=0', 'cursor_invalid', /^cursor is not a cursor/],
      ['?cursor=+CURSOR', 'cursor_invalid', /^cursor is not a cursor/],
      ['?cursor=CURSOR,CURSOR', 'cursor_invalid', /^cursor is not a cursor/],
      [`?cursor=${'A'.repeat(10_000)}`, 'cursor_invalid', /^cursor is not a cursor/],
      ['?before', 'before_invalid', /^before is not a cursor of this feed/],
      ['?before=earliest', 'before_invalid', /^before is not a cursor of this feed/],
      [`?before=${'A'.repeat(10_000)}`, 'before_invalid', /^before is not a cursor/],
      ['?before=latest&before=latest', 'before_invalid', /^before is given 2 times/],
      ['?before=latest&wait=0', 'before_invalid', /^before and wait exclude each other/],
      ['?before=CURSOR&cursor=CURSOR', 'before_invalid', /^before and cursor exclude each other/],
      ['?before=CURSOR&lastEventId=CURSOR', 'before_invalid', /^before and lastEventId exclude each other/],
      ['?before=CURSOR&last_event_id=CURSOR', 'before_invalid', /^before and last_event_id exclude each other/],
      ['?lastEventId=x', 'cursor_invalid', /^lastEventId is not a cursor/],
      ['?last_event_id=x', 'cursor_invalid', /^last_event_id is not a cursor/],
      ['?cursor=CURSOR&cursor=CURSOR', 'cursor_invalid', /^cursor is given 2 times/],
      ['?lastEventId=x&lastEventId=CURSOR', 'cursor_invalid', /^lastEventId is given 2 times/],
      ['?cursor=CURSOR&lastEventId=CURSOR', 'cursor_invalid', /^cursor and lastEventId both give a cursor$/],
      ['?cursor=latest&last_event_id=CURSOR', 'cursor_invalid', /^cursor and last_event_id both/],
      ['?lastEventId=CURSOR&last_event_id=CURSOR', 'cursor_invalid', /^lastEventId and last_event_id both/],
    ]),
  )('%s', (_, query, code, message) => {
    for (const headers of [{}, SSE]) {
      const refused = refusal(() => parse(query, headers));
      expect(refused).toEqual({ code, message: expect.stringMatching(message) });
      // The input is not part of the error: it may be long, or secret.
      expect(refused.message).toMatch(/^[ -~]{10,150}$/);
    }
  });

  // Silently starting at `latest` would lose what the second one asks for: some EventSource
  // polyfills append a parameter to a URL that has an empty one already.
  test.each(['lastEventId', 'last_event_id', 'cursor'])('%s given twice, the first time empty', (name) => {
    const { code } = refusal(() => parse(`?${name}=&${name}=CURSOR`));
    expect(code).toBe('cursor_invalid');
  });
});

describe('Prefer: wait is optional for the server', () => {
  test.each(
    titled<[prefer: string | string[], waitMs: number]>([
      ['wait=5', 5_000],
      ['wait=0', 0],
      ['Wait=5', 5_000],
      ['WAIT = 5', 5_000],
      [' wait=5 ', 5_000],
      ['wait="5"', 5_000],
      ['respond-async, wait=5', 5_000],
      ['respond-async,wait=5', 5_000],
      ['wait=5, respond-async', 5_000],
      ['wait=5; foo=bar', 5_000],
      ['wait=5 ;foo', 5_000],
      ['return=minimal; wait-a-bit, wait=5, handling=lenient', 5_000],
      [['respond-async', 'wait=5'], 5_000],
      ['wait=5, wait=10', 5_000],
      ['wait=55', 55_000],
      ['wait=56', 55_000],
      ['wait=999999', 55_000],
      ['', 25_000],
      ['wait', 25_000],
      ['wait=', 25_000],
      ['wait=-1', 25_000],
      ['wait=1.5', 25_000],
      ['wait=5s', 25_000],
      ['wait=0x5', 25_000],
      ['wait=soon', 25_000],
      ['wait=5 6', 25_000],
      ['await=5', 25_000],
      ['wait-for=5', 25_000],
      ['respond-async; wait=5', 25_000],
      ['respond-async', 25_000],
      [', ,'.repeat(10_000), 25_000],
      [`${' '.repeat(50_000)}x`, 25_000],
    ]),
  )('%s', (_, prefer, waitMs) => {
    expect(parse('', { prefer }).waitMs).toBe(waitMs);
    // The query is an order, and wins.
    expect(parse('?wait=3', { prefer }).waitMs).toBe(3_000);
    expect(refusal(() => parse('?wait=x', { prefer })).code).toBe('wait_invalid');
  });

  test.each(['1000000', '2147483647', '9'.repeat(30)])('is met as far as possible: wait=%s', (seconds) => {
    expect(parse('', { prefer: `wait=${seconds}` }).waitMs).toBe(55_000);
  });
});

describe('Accept chooses the transport', () => {
  test.each(
    titled<[accept: string | string[] | undefined, transport: ReadRequest['transport'] | undefined]>([
      [undefined, 'poll'],
      ['*/*', 'poll'],
      ['application/json', 'poll'],
      ['Application/JSON', 'poll'],
      ['application/*', 'poll'],
      ['application/json, text/plain, */*', 'poll'],
      ['text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8', 'poll'],
      ['application/json, text/event-stream', 'poll'],
      ['application/json;q=0.9, text/event-stream;q=0.8', 'poll'],
      ['*/*, text/event-stream;q=0.5', 'poll'],
      ['text/event-stream', 'sse'],
      ['Text/Event-Stream', 'sse'],
      ['text/*', 'sse'],
      ['text/event-stream, */*', 'sse'],
      ['text/event-stream, application/json;q=0.5', 'sse'],
      ['text/event-stream, application/json', 'sse'],
      ['application/json;q=0.5, text/event-stream', 'sse'],
      ['*/*;q=0.1, text/event-stream;q=0.2', 'sse'],
      ['application/json;q=0, */*', 'sse'],
      [['text/html', 'text/event-stream'], 'sse'],
      ['text/html', undefined],
      ['image/*, text/plain', undefined],
      ['application/json;q=0', undefined],
      ['*/*;q=0', undefined],
      ['application/jsonx, application/problem+json', undefined],
      ['json', undefined],
      ['\0', undefined],
      ['x'.repeat(10_000), undefined],
    ]),
  )('%s', (_, accept, transport) => {
    const headers: Headers = accept === undefined ? {} : { accept };
    if (transport) expect(parse('', headers)).toEqual({ ...DEFAULTS, transport });
    else {
      const message = 'Accept must allow application/json or text/event-stream';
      expect(refusal(() => parse('', headers))).toEqual({ code: 'not_acceptable', message });
    }
  });

  // The first is the very type that is answered with; many HTTP clients send it so.
  test.each([
    ['application/json; charset=utf-8', 'poll'],
    ['application/json;charset=UTF-8, text/plain;q=0.5', 'poll'],
    ['text/event-stream; charset=utf-8', 'sse'],
  ])('%s is %s, parameters or not', (accept, transport) => {
    expect(parse('', { accept }).transport).toBe(transport);
  });
});

describe('the header Last-Event-ID', () => {
  const id = (value: string | string[]): Headers => ({ ...SSE, 'last-event-id': value });

  test.each<[headers: Headers, query: string, meaning: Partial<ReadRequest>]>([
    [id('CURSOR'), '', AT_CURSOR],
    [id('CURSOR'), '?cursor=latest', AT_CURSOR],
    [id('CURSOR'), '?cursor=FOREIGN', AT_CURSOR],
    [id('CURSOR'), '?cursor=aged-out&lastEventId=other', AT_CURSOR],
    [id('FOREIGN'), '?cursor=CURSOR', { after: NOWHERE, cursor: 'FOREIGN' }],
    [id('unreadable'), '', { after: NOWHERE, cursor: 'unreadable' }],
    [id('unreadable'), '?cursor=CURSOR', { after: NOWHERE, cursor: 'unreadable' }],
    [id('earliest'), '', { after: NOWHERE, cursor: 'earliest' }],
    [id(['CURSOR', 'CURSOR']), '', { after: NOWHERE, cursor: 'CURSOR, CURSOR' }],
    [id(''), '', {}],
    [id(''), '?cursor=CURSOR', AT_CURSOR],
    [id(''), '?lastEventId=earliest', { after: 'earliest' }],
  ])('of a stream: %j with %s', (headers, query, meaning) => {
    expect(parse(query, headers)).toEqual({ ...DEFAULTS, transport: 'sse', ...meaning });
  });

  test('of a poll is ignored', () => {
    for (const value of ['CURSOR', 'unreadable', '']) {
      expect(parse('', { 'last-event-id': value })).toEqual(DEFAULTS);
      expect(parse('?cursor=earliest', { 'last-event-id': value }).after).toBe('earliest');
    }
  });

  test('does not make an invalid query of a stream valid', () => {
    expect(refusal(() => parse('?cursor=aged-out', id(''))).code).toBe('cursor_invalid');
  });
});

describe('topics of access.topics', () => {
  test('are checked as those of a query are', () => {
    expect(checkTopics(['b', 'a', 'b'], 2)).toEqual(['a', 'b']);
    expect(refusal(() => checkTopics([], 2)).code).toBe('topic_missing');
    expect(refusal(() => checkTopics(['a', 'b', 'c'], 2)).code).toBe('topics_too_many');
    expect(refusal(() => checkTopics(['a,b'], 2)).code).toBe('topic_invalid');
    expect(refusal(() => checkTopics(['a.*'], 2)).code).toBe('pattern_undeclared');
    expect(refusal(() => checkTopics(['b.*', 'a.*'], 2, ['a.*'])).message).toContain('b.*');
    expect(checkTopics(['b', 'a.*', 'a.1', 'a', 'a.b.*'], 5, ['a.*', 'a.b.*'])).toEqual(['a', 'a.*', 'b']);
    expect(refusal(() => checkTopics(['a.*', 'a.1', 'a.2'], 2, ['a.*'])).code).toBe('topics_too_many');
    for (const wrong of [undefined, null, 1, ['a']]) {
      expect(refusal(() => checkTopics([wrong as unknown as string], 2)).code).toBe('topic_invalid');
    }
  });

  test('are not modified', () => {
    const topics = Object.freeze(['b', 'a']);
    expect(checkTopics(topics, 2)).toEqual(['a', 'b']);
    expect(topics).toEqual(['b', 'a']);
  });
});

test('a header that came several times is one list', () => {
  const request = { method: 'GET', url: '/', headers: { prefer: ['a', 'b'], accept: 'c' } };
  expect(['prefer', 'accept', 'cookie'].map((name) => header(request, name))).toEqual(['a, b', 'c', undefined]);
});
