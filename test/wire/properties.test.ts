import { describe, expect, test } from '@jest/globals';
import { getLines, getMessages } from '@microsoft/fetch-event-source/lib/cjs/parse.js';
import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { SseParser } from '../../src/client/sse-parser.js';
import { NotificationsError } from '../../src/core/errors.js';
import { logEntry } from '../../src/core/notification.js';
import type { LogPage } from '../../src/core/page.js';
import { Cursors } from '../../src/wire/cursor.js';
import { pageBody } from '../../src/wire/encoder.js';
import { parseReadRequest } from '../../src/wire/request.js';
import { pageToSse } from '../../src/wire/sse.js';
import { TopicPatterns } from '../../src/wire/topic-patterns.js';

/** More with FAST_CHECK_RUNS; a failure prints the seed and the shortest input that it found. */
const RUNS = { numRuns: Number(process.env.FAST_CHECK_RUNS ?? 500) };
const EPOCH = { id: 'epoch', secret: 'secret of the epoch' };
const LIMITS = { topicsMax: 50, waitMs: 25_000, waitMsMax: 55_000, limit: 100, limitMax: 1_000 };

const position = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const name = fc.stringMatching(/^[A-Za-z0-9._:@/~=-]{1,20}$/);

describe('a cursor', () => {
  test('opens to its original position, only in its own log', () => {
    const cursors = new Cursors();
    fc.assert(
      fc.property(position, (at) => {
        const text = cursors.seal(EPOCH, at);
        expect(text).toMatch(/^[A-Za-z0-9_-]{36}$/);
        expect(cursors.open(text, EPOCH)).toEqual({ epochId: EPOCH.id, position: at });
        expect(cursors.open(text, { id: 'other', secret: 'other' })?.epochId).not.toBe('other');
      }),
      RUNS,
    );
  });

  test('has no position in the log if it is made up', () => {
    const cursors = new Cursors();
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[A-Za-z0-9_-]{36}$/)), (text) => {
        expect(cursors.open(text, EPOCH)?.epochId).not.toBe(EPOCH.id);
      }),
      RUNS,
    );
  });
});

describe('a request', () => {
  const cursors = new Cursors();
  const context = { limits: LIMITS, openCursor: (text: string) => cursors.open(text, EPOCH) };
  const parameter = fc.tuple(
    fc.oneof(fc.constantFrom('topic', 'cursor', 'wait', 'limit', 'lastEventId', 'ticket'), fc.string()),
    fc.oneof(fc.constantFrom('orders', 'earliest', 'latest', '0', '1', '-1', '1e9', ''), fc.string()),
  );
  const headers = fc.record(
    {
      accept: fc.oneof(fc.constantFrom('*/*', 'text/event-stream', 'application/json', 'text/*;q=0.1'), fc.string()),
      prefer: fc.oneof(fc.constantFrom('wait=5', 'respond-async, wait=60'), fc.string()),
      'last-event-id': fc.string(),
    },
    { requiredKeys: [] },
  );

  test('is understood within all limits, or refused with an error of this library', () => {
    fc.assert(
      fc.property(fc.array(parameter, { maxLength: 8 }), headers, (parameters, of) => {
        const query = parameters.map(
          ([key, value]) => `${encodeURIComponent(wellFormed(key))}=${encodeURIComponent(wellFormed(value))}`,
        );
        try {
          const { topics, limit, waitMs } = parseReadRequest(
            { method: 'GET', url: `/notifications?${query.join('&')}`, headers: of },
            context,
          );
          expect(topics?.length ?? 1).toBeGreaterThan(0);
          expect(topics?.length ?? 1).toBeLessThanOrEqual(LIMITS.topicsMax);
          expect(limit).toBeGreaterThan(0);
          expect(limit).toBeLessThanOrEqual(LIMITS.limitMax);
          expect(waitMs).toBeGreaterThanOrEqual(0);
          expect(waitMs).toBeLessThanOrEqual(LIMITS.waitMsMax);
        } catch (error) {
          expect(error).toBeInstanceOf(NotificationsError);
        }
      }),
      RUNS,
    );
  });
});

describe('a page', () => {
  const notification = fc.record({ id: name, topic: name, type: name, data: fc.jsonValue() });
  const page = fc
    .tuple(fc.uniqueArray(notification, { maxLength: 5, selector: ({ id }) => id }), fc.boolean())
    .map(([notifications, hasGap]): LogPage => ({
      epoch: EPOCH,
      entries: notifications.map((of, index) =>
        logEntry(index + 1, { id: of.id, topic: of.topic, json: JSON.stringify(of) }),
      ),
      position: notifications.length,
      more: false,
      ...(hasGap && { gap: { reason: 'expired' as const } }),
    }));
  const dataOf = ({ entries }: LogPage): unknown[] => entries.map(({ json }) => JSON.parse(json) as unknown);

  test('contains the appended notifications as JSON, and its length in bytes is exact', () => {
    fc.assert(
      fc.property(page, (of) => {
        const { content, bytes } = pageBody(of, 'cursor');
        const text = String(content);
        expect(Buffer.byteLength(text)).toBe(bytes);
        expect(JSON.parse(text)).toEqual({
          notifications: dataOf(of),
          cursor: 'cursor',
          more: false,
          ...(of.gap && { gap: of.gap }),
        });
      }),
      RUNS,
    );
  });

  test('is parsed to the same blocks by every parser of event streams, in chunks of any size', () => {
    fc.assert(
      fc.property(page, fc.integer({ min: 1, max: 50 }), (of, size) => {
        const text = pageToSse(of, { after: (at) => `at-${at}`, before: (at) => `before-${at}`, end: () => 'last' });
        const expected = [
          ...(of.gap ? [{ event: 'gap', data: of.gap, id: of.entries.length > 0 ? 'before-1' : 'last' }] : []),
          ...dataOf(of).map((data, index) => ({ event: undefined, data, id: `at-${index + 1}` })),
        ];
        for (const parse of [ownParser, eventsourceParser, microsoftParser])
          expect(parse(text, size)).toEqual(expected);
      }),
      RUNS,
    );
  });
});

describe('patterns of topics', () => {
  const segment = fc.constantFrom('a', 'b', ':x', ':y', 'user');
  const pattern = fc
    .tuple(fc.array(segment, { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([segments, isOpen]) => [...segments, ...(isOpen ? ['*'] : [])].join('.'));
  const topic = fc
    .array(fc.constantFrom('a', 'b', 'user', 'c', ''), { minLength: 1, maxLength: 6 })
    .map((parts) => parts.join('.'));

  test('find the same most specific pattern as a full search', () => {
    fc.assert(
      fc.property(fc.uniqueArray(pattern, { maxLength: 6 }), topic, (patterns, of) => {
        const value = Object.fromEntries(patterns.map((text) => [text, text]));
        let matcher: TopicPatterns<string>;
        try {
          matcher = new TopicPatterns(value);
        } catch {
          // Two that match the same, or a parameter twice.
          return;
        }
        const matching = patterns.filter((text) => expressionOf(text).test(of));
        const best = matching.toSorted((one, other) => (specificity(one) < specificity(other) ? -1 : 1))[0];
        expect(matcher.match(of)?.value).toBe(best);
      }),
      { numRuns: 4 * RUNS.numRuns },
    );
  });
});

/** Text that is valid in a URL: surrogates in pairs. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}

function partsOf(text: string, size: number): string[] {
  return Array.from({ length: Math.ceil(text.length / size) }, (_, at) => text.slice(at * size, (at + 1) * size));
}

function ownParser(text: string, size: number): unknown[] {
  const blocks: unknown[] = [];
  const parser = new SseParser(({ event, data, id }) => blocks.push({ event, data: JSON.parse(data) as unknown, id }));
  for (const part of partsOf(text, size)) parser.push(part);
  return blocks;
}

function eventsourceParser(text: string, size: number): unknown[] {
  const blocks: unknown[] = [];
  const parser = createParser({
    onEvent: ({ event, data, id }) => blocks.push({ event, data: JSON.parse(data) as unknown, id }),
  });
  for (const part of partsOf(text, size)) parser.feed(part);
  return blocks;
}

function microsoftParser(text: string, size: number): unknown[] {
  const blocks: unknown[] = [];
  const onLine = getMessages(
    () => undefined,
    () => undefined,
    ({ event, data, id }) =>
      blocks.push({ event: event === '' ? undefined : event, data: JSON.parse(data) as unknown, id }),
  );
  const onChunk = getLines(onLine);
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) onChunk(new Uint8Array(bytes.subarray(at, at + size)));
  return blocks;
}

function expressionOf(pattern: string): RegExp {
  const parts = pattern
    .split('.')
    .map((segment) => (segment === '*' ? '.*' : segment.startsWith(':') ? '[^.]+' : segment));
  return new RegExp(`^${parts.join('\\.')}$`);
}

/**
 * The order of patterns, by their first different segment: literal, parameter, rest.
 */
function specificity(pattern: string): string {
  return pattern
    .split('.')
    .map((segment) => (segment === '*' ? '2' : segment.startsWith(':') ? '1' : '0'))
    .join('');
}
