import { describe, expect, test } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import type { LogPage } from '../../src/core/page.js';
import { RECONNECTS_PER_SECOND, reconnectMs, spreadMs } from '../../src/core/backoff.js';
import { retryAfterS } from '../../src/nest/notifications.exception.js';
import { resolveSettings } from '../../src/nest/settings.js';
import type { ReadContext } from '../../src/nest/context.js';
import type { GrantedRead } from '../../src/nest/access/granted.js';
import { SseResponse } from '../../src/nest/http/sse-response.js';
import { ManualClock } from '../../src/testing/index.js';
import { Cursors } from '../../src/wire/cursor.js';
import { PageEncoder } from '../../src/wire/encoder.js';
import { Random } from '../support/random.js';

const at = (value: number) => () => value;
const ALMOST_1 = 1 - Number.EPSILON;

describe('Retry-After', () => {
  test.each<
    [what: string, error: { retryAfterMs?: number; spreadMs?: number }, status: number, low: unknown, high: unknown]
  >([
    ['of a node without clients', {}, 503, 1, 3],
    ['of a node with 1,000 clients', { spreadMs: spreadMs(1_000) }, 503, 1, 3],
    ['of a node with 20,000 clients', { spreadMs: spreadMs(20_000) }, 503, 1, 40],
    ['of a limit per caller', {}, 429, 1, 3],
    ['that is known', { retryAfterMs: 1_001 }, 429, 2, 2],
    ['that is known to be soon', { retryAfterMs: 1 }, 429, 1, 1],
    ['of a permanent error', {}, 400, undefined, undefined],
  ])('%s', (_, { retryAfterMs, spreadMs: spread = 0 }, status, low, high) => {
    const error = { retryAfterMs, spreadMs: spread };
    expect([retryAfterS(error, status, at(0)), retryAfterS(error, status, at(ALMOST_1))]).toEqual([low, high]);
  });
});

describe('retry of a stream', () => {
  test.each([
    [2_000, 0, 1_600, 2_400],
    [2_000, 20_000, 1_600, 22_400],
    [0, 1_000, 0, 1_000],
  ])('%i ms, spread over %i ms', (pauseMs, overMs, low, high) => {
    expect([reconnectMs(pauseMs, overMs, at(0)), reconnectMs(pauseMs, overMs, at(ALMOST_1))]).toEqual([low, high]);
  });
});

/** The number of clients that reconnect in the busiest second. */
function busiestSecond(returnsMs: readonly number[]): number {
  const perSecond = new Map<number, number>();
  for (const returnMs of returnsMs) {
    const second = Math.floor(returnMs / 1000);
    perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
  }
  return Math.max(...perSecond.values());
}

test('the retries of 10,000 polls that a full node rejects are spread, and none is late', () => {
  const random = new Random(3);
  const error = { retryAfterMs: undefined, spreadMs: spreadMs(10_000) };
  const returnsMs = Array.from({ length: 10_000 }, () => 1000 * retryAfterS(error, 503, () => random.next())!);
  expect(busiestSecond(returnsMs)).toBeLessThan(RECONNECTS_PER_SECOND * 1.2);
  expect(Math.max(...returnsMs)).toBeLessThanOrEqual(23_000);
});

test('the reconnects of 10,000 streams are spread after each stream has a new hint', async () => {
  const clock = new ManualClock();
  const settings = resolveSettings({});
  let open = 0;
  const context = {
    clock,
    settings,
    encoder: new PageEncoder(new Cursors()),
    feed: { spreadMs: () => spreadMs(open) },
  };
  const read = { idSuffix: '' } as GrantedRead;
  const nothing: LogPage = { epoch: { id: 'log', secret: 'secret' }, entries: [], position: 0, more: false };
  const streams = Array.from({ length: 10_000 }, () => {
    open++;
    const response = new RecordingResponse();
    const writer = new SseResponse(response as unknown as ServerResponse, {
      read,
      context: context as unknown as ReadContext,
    });
    writer.begin();
    return { response, writer };
  });
  const retriesMs = () => streams.map(({ response }) => response.retryMs);
  // The first streams received the hint of an empty node.
  expect(busiestSecond(retriesMs())).toBeGreaterThan(RECONNECTS_PER_SECOND * 3);
  await clock.advance(settings.stream.cursorEveryMs);
  for (const { writer } of streams) writer.next(nothing);
  expect(busiestSecond(retriesMs())).toBeLessThan(RECONNECTS_PER_SECOND * 1.2);
  expect(Math.max(...retriesMs())).toBeLessThanOrEqual(22_400);
});

/** The value that a client keeps: the last `retry:`. */
class RecordingResponse {
  readonly req = { httpVersionMajor: 1 };

  removeHeader(): void {
    // This response has no headers.
  }

  retryMs = NaN;

  writeHead(): void {
    this.retryMs = NaN;
  }

  write(text: string): boolean {
    const told = /^retry: (\d+)$/m.exec(text)?.[1];
    if (told !== undefined) this.retryMs = Number(told);
    return true;
  }
}
