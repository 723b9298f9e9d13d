import { describe, expect, test } from '@jest/globals';
import {
  type ConnectionEvent,
  HIDDEN_PAUSE_MS,
  initialState,
  SERVER_PAUSE_MS_MAX,
  BACKOFF_MS,
  BACKOFF_MS_MAX,
  SHORT_STREAM_MS,
  type ConnectionState,
  nextState,
  type TransitionContext,
  STREAM_RETRY_MS,
} from '../../src/client/connection-state.js';

const NOW = 1_000_000;
const context: TransitionContext = { now: NOW, random: () => 0.5, mayStream: true, mayPoll: true };
const POLL_ONLY = { ...context, mayStream: false };
const STREAM_ONLY = { ...context, mayPoll: false };

const polling: ConnectionState = { ...initialState('poll'), phase: 'live', streamAt: NOW + 1 };
const streaming: ConnectionState = { ...initialState('sse'), phase: 'live' };
const waiting = (reason: ConnectionState['reason'], failures = 1): ConnectionState => ({
  ...polling,
  phase: 'waiting',
  reason,
  failures,
  resumeAt: NOW + 500,
});
const answered = { type: 'answered', hasMore: false, wasNotHeld: false, endsBackoff: true } as const;
const ended = (openMs: number, retryMs?: number): ConnectionEvent => ({ type: 'ended', openMs, retryMs });
const failed = (retryAfterMs?: number): ConnectionEvent => ({ type: 'failed', reason: 'network', retryAfterMs });

const TABLE: readonly [
  what: string,
  from: ConnectionState,
  event: ConnectionEvent,
  to: Partial<ConnectionState>,
  context?: TransitionContext,
][] = [
  ['a live client stays live when a poll is answered', polling, answered, { phase: 'live', failures: 0 }],
  [
    'an answered poll ends the backoff',
    waiting('network', 3),
    answered,
    { phase: 'live', failures: 0, reason: undefined },
  ],
  [
    'an empty answer to a poll without a wait does not end the backoff',
    waiting('busy', 3),
    { ...answered, endsBackoff: false },
    { failures: 3 },
  ],
  [
    'a hidden page pauses between two polls',
    { ...polling, isHidden: true },
    answered,
    { phase: 'waiting', reason: 'hidden', resumeAt: NOW + HIDDEN_PAUSE_MS },
  ],
  [
    'a hidden page does not pause when the server has more',
    { ...polling, isHidden: true },
    { ...answered, hasMore: true },
    { phase: 'live' },
  ],
  ['a client that polls tries a stream again', { ...polling, streamAt: NOW }, answered, { transport: 'sse' }],
  [
    'a client without streams continues to poll',
    { ...polling, streamAt: NOW },
    answered,
    { transport: 'poll' },
    POLL_ONLY,
  ],
  [
    'a stream is live after its first block',
    initialState('sse'),
    { type: 'opened' },
    { phase: 'live', transport: 'sse' },
  ],
  [
    'the client polls when a stream does not open',
    initialState('sse'),
    { type: 'streamUnavailable' },
    { phase: 'connecting', transport: 'poll', streamAt: NOW + STREAM_RETRY_MS },
  ],
  [
    'a client that may not poll retries the stream',
    initialState('sse'),
    { type: 'streamUnavailable' },
    { phase: 'waiting', transport: 'sse', failures: 1 },
    STREAM_ONLY,
  ],
  [
    'the client reconnects after the time in `retry:`',
    streaming,
    ended(SHORT_STREAM_MS, 2_000),
    { phase: 'waiting', reason: 'busy', resumeAt: NOW + 2_000, shortStreams: 0 },
  ],
  [
    'the client reconnects with jitter without `retry:`',
    streaming,
    ended(SHORT_STREAM_MS),
    { phase: 'waiting', resumeAt: NOW + BACKOFF_MS / 2 },
  ],
  [
    'the client retries a stream after one short stream',
    streaming,
    ended(SHORT_STREAM_MS - 1),
    { phase: 'waiting', transport: 'sse', shortStreams: 1 },
  ],
  [
    'the client polls after two short streams',
    { ...streaming, shortStreams: 1 },
    ended(1),
    { phase: 'connecting', transport: 'poll', streamAt: NOW + STREAM_RETRY_MS },
  ],
  [
    'a client that may not poll retries after two short streams',
    { ...streaming, shortStreams: 1 },
    ended(1),
    { phase: 'waiting', transport: 'sse' },
    STREAM_ONLY,
  ],
  [
    'a long stream resets the count of short ones',
    { ...streaming, shortStreams: 1 },
    ended(SHORT_STREAM_MS),
    { shortStreams: 0, transport: 'sse' },
  ],
  [
    'the pause after the first failure is at most the shortest backoff',
    polling,
    failed(),
    { phase: 'waiting', reason: 'network', failures: 1, resumeAt: NOW + BACKOFF_MS / 2 },
  ],
  [
    'the pause doubles with each failure',
    { ...polling, failures: 2 },
    failed(),
    { failures: 3, resumeAt: NOW + 2 * BACKOFF_MS },
  ],
  ['the pause has a maximum', { ...polling, failures: 99 }, failed(), { resumeAt: NOW + BACKOFF_MS_MAX / 2 }],
  ['the backoff is added to `Retry-After`', polling, failed(7_000), { resumeAt: NOW + 7_000 + BACKOFF_MS / 2 }],
  ['a long `Retry-After` is limited', polling, failed(1e12), { resumeAt: NOW + SERVER_PAUSE_MS_MAX + BACKOFF_MS / 2 }],
  [
    'the client pauses when the server does not hold a poll',
    polling,
    { ...answered, wasNotHeld: true },
    { phase: 'waiting', reason: 'busy', failures: 1, resumeAt: NOW + BACKOFF_MS / 2 },
  ],
  [
    'the backoff applies when a short stream sends `retry: 0`',
    streaming,
    ended(1, 0),
    { resumeAt: NOW + BACKOFF_MS / 2 },
    STREAM_ONLY,
  ],
  [
    'the backoff doubles with each short stream',
    { ...streaming, shortStreams: 2 },
    ended(1, 0),
    { shortStreams: 3, resumeAt: NOW + 2 * BACKOFF_MS },
    STREAM_ONLY,
  ],
  ['a long `retry:` is limited', streaming, ended(SHORT_STREAM_MS, 1e12), { resumeAt: NOW + SERVER_PAUSE_MS_MAX }],
  ['a resumed page ends its pause', waiting('hidden'), { type: 'resumed' }, { phase: 'connecting' }],
  ['a resumed page continues the pause of a busy server', waiting('busy'), { type: 'resumed' }, { phase: 'waiting' }],
  ['a resumed page that is live stays live', polling, { type: 'resumed' }, { phase: 'live' }],
  ['a refused request closes the client', polling, { type: 'refused' }, { phase: 'closed', reason: 'refused' }],
  [
    'the client connects after its pause',
    waiting('network'),
    { type: 'pauseEnded' },
    { phase: 'connecting', failures: 1 },
  ],
  ['the end of a pause is ignored when the client does not wait', polling, { type: 'pauseEnded' }, { phase: 'live' }],
  ['the client is offline when the device is', polling, { type: 'offline' }, { phase: 'offline', reason: 'network' }],
  ['a pause ends when the device goes offline', waiting('busy'), { type: 'offline' }, { phase: 'offline' }],
  [
    'the client connects without backoff when the device is online',
    { ...polling, phase: 'offline', failures: 5 },
    { type: 'online' },
    { phase: 'connecting', failures: 0 },
  ],
  ['an `online` event does not end a pause', waiting('busy'), { type: 'online' }, { phase: 'waiting' }],
  ['a live client stays live when its page is hidden', polling, { type: 'hidden' }, { phase: 'live', isHidden: true }],
  [
    'a visible page ends the pause of a hidden one',
    { ...waiting('hidden'), isHidden: true },
    { type: 'visible' },
    { phase: 'connecting', isHidden: false },
  ],
  ['a visible page ends a backoff', waiting('network'), { type: 'visible' }, { phase: 'connecting' }],
  ['a visible page continues the pause of a busy server', waiting('busy'), { type: 'visible' }, { phase: 'waiting' }],
  [
    'a live client stays live when its page is visible',
    { ...polling, isHidden: true },
    { type: 'visible' },
    { phase: 'live', isHidden: false },
  ],
  ['`closed` closes the client', waiting('network'), { type: 'closed' }, { phase: 'closed', reason: 'closed' }],
];

describe('the state of a connection', () => {
  test.each(TABLE)('%s', (_, from, event, to, of = context) => {
    expect(nextState(from, event, of)).toMatchObject(to);
  });

  test('a closed client ignores all events', () => {
    const closed = nextState(polling, { type: 'refused' }, context);
    for (const [, , event] of TABLE) expect(nextState(closed, event, context)).toBe(closed);
  });

  test('the backoff has full jitter', () => {
    const pauses = [0, 0.25, 0.999].map(
      (random) => nextState(polling, failed(), { ...context, random: () => random }).resumeAt - NOW,
    );
    expect(pauses).toEqual([0, BACKOFF_MS / 4, 0.999 * BACKOFF_MS]);
  });
});
