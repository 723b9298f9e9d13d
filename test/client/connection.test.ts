import { describe, expect, test } from '@jest/globals';
import type * as client from 'nest-notifications/client';
import type * as tabs from 'nest-notifications/client/tabs';
import { SourceTextModule, createContext } from 'node:vm';
import { fileURLToPath } from 'node:url';
import { bundleClient } from '../../scripts/bundle-client.mjs';
import type { DeviceEvent } from '../../src/client/environment.js';
import { FeedError } from '../../src/client/errors.js';
import { NotificationsFeed } from '../../src/client/notifications-feed.js';
import { until } from '../support/time/until.js';
import { ManualDevice } from './manual-device.js';

interface SentRequest {
  readonly at: number;
  readonly cursor: string | null;
  readonly token: string | undefined;
  readonly signal: AbortSignal;
}

function never(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')));
  });
}

/**
 * A client on a clock. Its streams open and then have heartbeats only. Its server answers polls
 * that have no wait, and holds the others.
 */
function start(options: Partial<client.ConnectOptions>) {
  const device = new ManualDevice();
  const { clock } = device;
  const sent: SentRequest[] = [];
  const heartbeat = (signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        clock.clearTimeout(timer);
        reject(new Error('aborted'));
      };
      const timer = clock.setTimeout(() => {
        signal.removeEventListener('abort', abort);
        resolve();
      }, 15_000);
      signal.addEventListener('abort', abort);
    });
  const fetch = async (url: string, { signal, headers }: { signal: AbortSignal; headers: Record<string, string> }) => {
    const query = new URL(url).searchParams;
    sent.push({ at: clock.monotonic(), cursor: query.get('cursor'), token: headers.Authorization, signal });
    if (headers.Accept !== 'text/event-stream') {
      if (query.get('wait') !== '0') return never(signal);
      return Response.json({ notifications: [], cursor: `c${sent.length}`, more: false });
    }
    const opening = [`retry: 1\nevent: cursor\ndata: {}\nid: c${sent.length}\n\n`];
    const read = async () => {
      const text = opening.shift();
      if (text === undefined) await heartbeat(signal);
      return { done: false, value: new TextEncoder().encode(text ?? ':\n') };
    };
    return {
      status: 200,
      headers: new Headers({ 'Content-Type': 'text/event-stream' }),
      body: { getReader: () => ({ read }) },
    };
  };
  const feed = new NotificationsFeed(
    { url: 'http://feed/', ...options },
    device.environment(fetch, () => 1),
  );
  const errors: unknown[] = [];
  const phases: string[] = [];
  feed.onState(({ phase, reason }) => phases.push(reason ? `${phase}: ${reason}` : phase));
  feed.subscribe({ error: (error) => errors.push(error) });
  return { clock, sent, feed, errors, phases, emit: (event: DeviceEvent) => device.emit(event) };
}

const MINUTE_MS = 60_000;

describe('a client whose token expires', () => {
  const lasting = (ms: number) => {
    let count = 0;
    return () => ({ token: `t${++count}`, expiresAt: new Date(Date.now() + ms) });
  };

  test('opens a stream with a new token before the old one expires, from the same position', async () => {
    const { clock, sent, phases, feed } = start({ auth: lasting(10 * MINUTE_MS) });
    await clock.advance(9 * MINUTE_MS);
    expect(sent).toHaveLength(1);
    await clock.advance(MINUTE_MS - 1_000);
    expect(sent.map(({ token, cursor }) => [token, cursor])).toEqual([
      ['Bearer t1', null],
      ['Bearer t2', 'c1'],
    ]);
    expect(sent[0]?.signal.aborted).toBe(true);
    expect(phases).toEqual(['live']);
    feed.close();
  });

  test.each([
    ['has expired already, because a clock is wrong', lasting(-MINUTE_MS), 30_000],
    ['has an invalid date', () => ({ token: 't', expiresAt: new Date(Number.NaN) }), 30_000],
    ['is valid for years', lasting(1e12), 3_600_000],
  ])('does not renew in a tight loop when the token %s', async (_, auth, everyMs) => {
    const { clock, sent, feed } = start({ auth });
    await clock.advance(2 * everyMs + 1);
    expect(sent.map(({ at }) => at)).toEqual([0, everyMs, 2 * everyMs]);
    feed.close();
  });

  test('retries after a failed `auth`, and ends after a FeedError', async () => {
    let calls = 0;
    const { clock, sent, errors, phases } = start({
      auth: async () => {
        calls++;
        if (calls < 3) throw new Error('offline');
        if (calls === 3) return 'good';
        throw new FeedError('signed out');
      },
    });
    await clock.advance(10_000);
    expect([calls, sent.length]).toEqual([3, 1]);
    expect(phases).toEqual(['waiting: auth', 'connecting: auth', 'waiting: auth', 'connecting: auth', 'live']);
    expect(errors).toEqual([]);
    // The stream breaks off, so the client calls `auth` for the next request.
    sent[0]?.signal.dispatchEvent(new Event('abort'));
    await clock.advance(10_000);
    expect(errors).toMatchObject([{ message: 'signed out' }]);
  });
});

test.each(['poll', 'sse'] as const)(
  'a resumed page sends another request at once by %s, from its position',
  async (transport) => {
    const { clock, sent, feed, emit } = start({ transport, cursor: 'c0' });
    await clock.advance(20_000);
    const [held, next] = transport === 'sse' ? [0, 1] : [1, 2];
    expect(sent).toHaveLength(next);
    emit('resumed');
    await clock.settle();
    expect(sent[next]).toMatchObject({ at: 20_000, cursor: 'c1' });
    expect(sent[held]?.signal.aborted).toBe(true);
    feed.close();
  },
);

/** React Native has no streams, no pages, no tabs and only a part of URL. */
test('a runtime with fetch and timers alone receives everything by polls', async () => {
  const urls: string[] = [];
  const fetch = async (url: string, { signal }: { signal: AbortSignal }) => {
    urls.push(url);
    const n = urls.length;
    const page = { notifications: [{ n }], cursor: `c ${n}`, more: false };
    return {
      status: 200,
      headers: { get: () => null },
      json: async () => (n < 4 ? page : never(signal)),
    };
  };
  const { setTimeout, clearTimeout, AbortController, performance, queueMicrotask } = globalThis;
  const has = { fetch, setTimeout, clearTimeout, AbortController, performance, queueMicrotask };
  const context = createContext(has);
  const sources = fileURLToPath(new URL('../../src', import.meta.url));
  const load = async (text: string): Promise<object> => {
    const module = new SourceTextModule(text, { context });
    await module.link(() => {
      throw new Error('the client has an import');
    });
    await module.evaluate();
    return module.namespace;
  };
  const scripts = bundleClient(sources);
  const { connect } = (await load(scripts.client)) as typeof client;
  const { betweenTabs } = (await load(scripts.tabs)) as typeof tabs;
  const share = betweenTabs('tabs');
  const feed = connect<{ n: number }>({ url: 'https://api/feed?a=b', topics: ['a b', 'c'], share, cursor: 'earliest' });
  const seen: number[] = [];
  feed.subscribe(({ n }) => seen.push(n));
  await until(() => urls.length === 4);
  feed.close();
  expect(seen).toEqual([1, 2, 3]);
  expect(urls[1]).toBe('https://api/feed?a=b&topic=a%20b&topic=c&cursor=c%201&wait=25');
});
