import { describe, expect, it, jest } from '@jest/globals';
import { bannerTextOf, shortTextOf } from '../../../src/inspector/page/connection-text.js';
import { type Connection, Poller } from '../../../src/inspector/page/poller.js';
import { getJson } from '../../../src/inspector/page/request.js';
import { ManualDevice } from '../../client/manual-device.js';

type Answer = () => Response | Promise<Response>;

const json = (body: unknown, status = 200, headers = {}): Response =>
  new Response(JSON.stringify(body), { status, headers });

/** A poller on a clock that the test advances. Each request takes the next answer. */
function createPoller({ onReport = (): unknown => undefined } = {}) {
  const device = new ManualDevice();
  const answers: Answer[] = [];
  const reports: unknown[] = [];
  const connections: Connection[] = [];
  const asked: number[] = [];
  let isHidden = false;
  const fetch = async (): Promise<Response> => {
    asked.push(device.clock.monotonic());
    return (answers.shift() ?? (() => json({})))();
  };
  const environment = { ...device.environment(fetch, () => 1), isHidden: () => isHidden };
  const poller = new Poller({
    environment,
    load: (signal) => getJson<{ pauseMs?: number }>(new URL('http://node/state'), environment.fetch, signal),
    onReport: (report) => {
      reports.push(report);
      onReport();
    },
    onConnection: (connection) => connections.push(connection),
    pauseMs: ({ pauseMs = 2_000 }) => pauseMs,
  });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    await new Promise(setImmediate);
  };
  return {
    poller,
    answers,
    reports,
    connections,
    asked,
    settle,
    advance: async (ms: number) => {
      await device.clock.advance(ms);
      await settle();
    },
    hide: (hidden: boolean) => {
      isHidden = hidden;
      device.emit(hidden ? 'hidden' : 'visible');
    },
  };
}

describe('the poller of the inspector', () => {
  it('asks every two seconds, or less often if the server says so', async () => {
    const { poller, answers, asked, settle, advance, connections } = createPoller();
    answers.push(
      () => json({}),
      () => json({ pauseMs: 5_000 }),
    );
    poller.start();
    await settle();
    await advance(1_999);
    expect(asked).toEqual([0]);
    await advance(1);
    expect(asked).toEqual([0, 2_000]);
    await advance(4_999);
    expect(asked).toHaveLength(2);
    await advance(1);
    expect(asked).toEqual([0, 2_000, 7_000]);
    expect(connections.map(({ state }) => state)).toEqual(['connecting', 'live', 'live', 'live']);
  });

  it('stops while the page is hidden, and asks at once when it is visible', async () => {
    const { poller, asked, settle, advance, hide, reports } = createPoller();
    poller.start();
    hide(true);
    await advance(60_000);
    expect(asked).toEqual([0]);
    expect(reports).toEqual([]);
    hide(false);
    await settle();
    expect(asked).toEqual([0, 60_000]);
    expect(reports).toHaveLength(1);
  });

  it('stops while it is paused, also after the page was hidden', async () => {
    const { poller, asked, settle, advance, hide, connections } = createPoller();
    poller.start();
    await settle();
    poller.pause();
    hide(true);
    hide(false);
    await advance(60_000);
    expect(asked).toEqual([0]);
    expect(connections.at(-1)).toEqual({ state: 'paused' });
    poller.resume();
    await settle();
    expect(asked).toEqual([0, 60_000]);
  });

  it('doubles the pause after each failure up to 30 seconds, and begins again after a success', async () => {
    const { poller, answers, connections, settle, advance, asked } = createPoller();
    answers.push(...Array.from({ length: 6 }, (): Answer => () => Promise.reject(new TypeError('refused'))));
    poller.start();
    await settle();
    for (const pauseMs of [2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      expect(connections.at(-1)).toMatchObject({
        state: 'failed',
        failure: { reason: 'unreachable' },
        retryMs: pauseMs,
      });
      await advance(pauseMs);
    }
    expect(connections.at(-1)).toEqual({ state: 'live' });
    answers.push(() => Promise.reject(new TypeError('refused')));
    await advance(2_000);
    expect(connections.at(-1)).toMatchObject({ retryMs: 2_000 });
    expect(asked).toHaveLength(8);
  });

  it('ignores the answer of a request that a newer one has replaced', async () => {
    const { poller, answers, reports, settle } = createPoller();
    let answer: (response: Response) => void = () => undefined;
    answers.push(
      () => new Promise((resolve) => (answer = resolve)),
      () => json({ newest: true }),
    );
    poller.start();
    poller.poll();
    await settle();
    answer(json({ newest: false }));
    await settle();
    expect(reports).toEqual([{ newest: true }]);
  });

  it.each([
    [json({}, 401), 'No access', 'You are not signed in. Sign in and reload this page.', 2],
    [json({}, 403), 'No access', 'You have no permission to use the inspector.', 2],
    [json({}, 503, { 'Retry-After': '9' }), 'Not connected', 'The server has rejected the request (status 503).', 9],
    [
      json({}, 429, { 'Retry-After': '1e9' }),
      'Not connected',
      'The server has rejected the request (status 429).',
      300,
    ],
    [json({ message: 'feed <b>x</b> is unknown' }, 404), 'Not connected', 'status 404): feed <b>x</b> is unknown.', 2],
    [
      json({ message: 'The store cannot answer at the moment; retry.' }, 503),
      'Not connected',
      'The server has rejected the request (status 503): The store cannot answer at the moment; retry. The page retries',
      2,
    ],
    [json({}, 500), 'Not connected', 'The server has rejected the request (status 500).', 2],
    [new Response('<html>Sign in</html>'), 'Not connected', 'The answer is not a report of the inspector.', 2],
    [json(null), 'Not connected', 'The answer is not a report of the inspector.', 2],
  ])('explains an answer that is no report: %#', async (response, short, text, seconds) => {
    const { poller, answers, connections, settle, reports } = createPoller();
    answers.push(() => response);
    poller.start();
    await settle();
    const connection = connections.at(-1)!;
    expect(shortTextOf(connection)).toBe(short);
    expect(bannerTextOf(connection)).toContain(text);
    expect(connection).toMatchObject({ retryMs: seconds * 1_000 });
    expect(reports).toEqual([]);
  });

  it('logs an error of the page, and does not report it as an answer of a sign-in page', async () => {
    const report = jest.fn();
    const runtime = globalThis as { reportError?: unknown };
    runtime.reportError = report;
    const bug = new TypeError('the page has a bug');
    const { poller, connections, settle, advance, asked } = createPoller({
      onReport: () => {
        throw bug;
      },
    });
    poller.start();
    await settle();
    expect(report.mock.calls).toEqual([[bug]]);
    expect(bannerTextOf(connections.at(-1)!)).toBe(
      'The page cannot show the answer. The console of the browser has the error. The page retries in 2 s.',
    );
    await advance(2_000);
    expect(asked).toEqual([0, 2_000]);
    delete runtime.reportError;
  });

  it('ignores a message and a field that are not texts', async () => {
    const { poller, answers, connections, settle } = createPoller();
    answers.push(() => json({ message: 7, field: {} }, 400));
    poller.start();
    await settle();
    expect(connections.at(-1)).toMatchObject({ failure: { message: '', field: undefined } });
  });

  it('loads one report while it is paused, and stays paused', async () => {
    const { poller, answers, asked, settle, advance, connections, reports } = createPoller();
    poller.start();
    await settle();
    poller.pause();
    poller.loadNow();
    await settle();
    await advance(60_000);
    expect(asked).toEqual([0, 0]);
    expect(reports).toHaveLength(2);
    expect(connections.at(-1)).toEqual({ state: 'paused' });
    answers.push(() => json({}, 500));
    poller.loadNow();
    await settle();
    expect(bannerTextOf(connections.at(-1)!)).toMatch(/\(status 500\)\. The page is paused\.$/);
  });
});
