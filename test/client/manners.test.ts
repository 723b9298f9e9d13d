import { describe, expect, test } from '@jest/globals';
import type { ConnectOptions } from 'nest-notifications/client';
import { SourceTextModule, createContext } from 'node:vm';
import { fileURLToPath } from 'node:url';
import { bundleClient } from '../../scripts/bundle-client.mjs';
import type { DeviceEvent } from '../../src/client/environment.js';
import { FeedError } from '../../src/client/errors.js';
import { Feed } from '../../src/client/feed.js';
import { until } from '../support/http/until.js';
import { ManualDevice } from './manual-device.js';

interface Asked {
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

/** A client in a clock's time, whose streams open and say nothing more; of polls only those that do not wait are answered. */
function start(options: Partial<ConnectOptions>) {
  const device = new ManualDevice();
  const { clock } = device;
  const asked: Asked[] = [];
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
    asked.push({ at: clock.monotonic(), cursor: query.get('cursor'), token: headers.Authorization, signal });
    if (headers.Accept !== 'text/event-stream') {
      if (query.get('wait') !== '0') return never(signal);
      return Response.json({ notifications: [], cursor: `c${asked.length}`, more: false });
    }
    const opening = [`retry: 1\nevent: cursor\ndata: {}\nid: c${asked.length}\n\n`];
    const read = async () => {
      const text = opening.shift();
      // Heartbeats.
      if (text === undefined) {
        await heartbeat(signal);
      }
      return { done: false, value: new TextEncoder().encode(text ?? ':\n') };
    };
    return {
      status: 200,
      headers: new Headers({ 'Content-Type': 'text/event-stream' }),
      body: { getReader: () => ({ read }) },
    };
  };
  const feed = new Feed(
    { url: 'http://feed/', ...options },
    device.environment(fetch, () => 1),
  );
  const errors: unknown[] = [];
  const phases: string[] = [];
  feed.onState(({ phase, reason }) => phases.push(reason ? `${phase}: ${reason}` : phase));
  feed.subscribe({ error: (error) => errors.push(error) });
  return { clock, asked, feed, errors, phases, tell: (event: DeviceEvent) => device.tell(event) };
}

const MINUTE_MS = 60_000;

describe('a token', () => {
  const lasting = (ms: number) => {
    let count = 0;
    return () => ({ token: `t${++count}`, expiresAt: new Date(Date.now() + ms) });
  };

  test('is followed by another on a new stream, from the same place, before it expires', async () => {
    const { clock, asked, phases, feed } = start({ auth: lasting(10 * MINUTE_MS) });
    await clock.advance(9 * MINUTE_MS);
    expect(asked).toHaveLength(1);
    await clock.advance(MINUTE_MS - 1_000);
    expect(asked.map(({ token, cursor }) => [token, cursor])).toEqual([
      ['Bearer t1', null],
      ['Bearer t2', 'c1'],
    ]);
    expect(asked[0]?.signal.aborted).toBe(true);
    expect(phases).toEqual(['live']);
    feed.close();
  });

  test.each([
    ['that has expired already, by a clock that is wrong', lasting(-MINUTE_MS), 30_000],
    ['whose date is none', () => ({ token: 't', expiresAt: new Date(Number.NaN) }), 30_000],
    ['that lasts for years', lasting(1e12), 3_600_000],
  ])('%s makes no loop', async (_, auth, everyMs) => {
    const { clock, asked, feed } = start({ auth });
    await clock.advance(2 * everyMs + 1);
    expect(asked.map(({ at }) => at)).toEqual([0, everyMs, 2 * everyMs]);
    feed.close();
  });

  test('that cannot be had now is asked for again; a FeedError ends the feed', async () => {
    let calls = 0;
    const { clock, asked, errors, phases } = start({
      auth: async () => {
        calls++;
        if (calls < 3) throw new Error('offline');
        if (calls === 3) return 'good';
        throw new FeedError('signed out');
      },
    });
    await clock.advance(10_000);
    expect([calls, asked.length]).toEqual([3, 1]);
    expect(phases).toEqual(['waiting: auth', 'connecting: auth', 'waiting: auth', 'connecting: auth', 'live']);
    expect(errors).toEqual([]);
    // Nothing is heard any more, so it asks again.
    asked[0]?.signal.dispatchEvent(new Event('abort'));
    await clock.advance(10_000);
    expect(errors).toMatchObject([{ message: 'signed out' }]);
  });
});

test.each(['poll', 'sse'] as const)('a page that thaws asks anew at once by %s, from its place', async (transport) => {
  const { clock, asked, feed, tell } = start({ transport, cursor: 'c0' });
  await clock.advance(20_000);
  const [held, anew] = transport === 'sse' ? [0, 1] : [1, 2];
  expect(asked).toHaveLength(anew);
  tell('woken');
  await clock.settle();
  expect(asked[anew]).toMatchObject({ at: 20_000, cursor: 'c1' });
  expect(asked[held]?.signal.aborted).toBe(true);
  feed.close();
});

/** What React Native has of all that browsers have: no streams, no pages, no tabs, no whole URL. */
test('a runtime with nothing but fetch and timers gets everything by polls', async () => {
  const asked: string[] = [];
  const fetch = async (url: string, { signal }: { signal: AbortSignal }) => {
    asked.push(url);
    const n = asked.length;
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
  const module = new SourceTextModule(bundleClient(sources), { context });
  await module.link(() => {
    throw new Error('it imports something');
  });
  await module.evaluate();
  const { connect } = module.namespace as { connect: (options: ConnectOptions) => Feed<{ n: number }> };
  const feed = connect({ url: 'https://api/feed?a=b', topics: ['a b', 'c'], share: 'tabs', cursor: 'earliest' });
  const seen: number[] = [];
  feed.subscribe(({ n }) => seen.push(n));
  await until(() => asked.length === 4);
  feed.close();
  expect(seen).toEqual([1, 2, 3]);
  expect(asked[1]).toBe('https://api/feed?a=b&topic=a%20b&topic=c&cursor=c%201&wait=25');
});
