import { describe, expect, test } from '@jest/globals';
import {
  type Event,
  HIDDEN_PAUSE_MS,
  initialState,
  PATIENCE_MS_MAX,
  PAUSE_MS,
  PAUSE_MS_MAX,
  SHORT_STREAM_MS,
  type State,
  step,
  type StepContext,
  STREAM_AGAIN_MS,
} from '../../src/client/machine.js';

const NOW = 1_000_000;
const context: StepContext = { now: NOW, random: () => 0.5, mayStream: true, mayPoll: true };
const POLL_ONLY = { ...context, mayStream: false };
const STREAM_ONLY = { ...context, mayPoll: false };

const polling: State = { ...initialState('poll'), phase: 'live', streamAt: NOW + 1 };
const streaming: State = { ...initialState('sse'), phase: 'live' };
const waiting = (reason: State['reason'], failures = 1): State => ({
  ...polling,
  phase: 'waiting',
  reason,
  failures,
  resumeAt: NOW + 500,
});
const answered = { type: 'answered', more: false, isIdle: false, isProof: true } as const;
const ended = (livedMs: number, retryMs?: number): Event => ({ type: 'ended', livedMs, retryMs });
const failed = (retryAfterMs?: number): Event => ({ type: 'failed', reason: 'network', retryAfterMs });

const TABLE: readonly [what: string, from: State, event: Event, to: Partial<State>, context?: StepContext][] = [
  ['a poll is answered', polling, answered, { phase: 'live', failures: 0 }],
  ['after failures', waiting('network', 3), answered, { phase: 'live', failures: 0, reason: undefined }],
  ['a quick poll is answered with nothing', waiting('busy', 3), { ...answered, isProof: false }, { failures: 3 }],
  [
    'nobody sees the page',
    { ...polling, isHidden: true },
    answered,
    { phase: 'waiting', reason: 'hidden', resumeAt: NOW + HIDDEN_PAUSE_MS },
  ],
  [
    'nobody sees the page, but there is more',
    { ...polling, isHidden: true },
    { ...answered, more: true },
    { phase: 'live' },
  ],
  ['a stream is due again', { ...polling, streamAt: NOW }, answered, { transport: 'sse' }],
  ['a stream may not be', { ...polling, streamAt: NOW }, answered, { transport: 'poll' }, POLL_ONLY],
  ['a stream proves itself', initialState('sse'), { type: 'opened' }, { phase: 'live', transport: 'sse' }],
  [
    'a stream does not',
    initialState('sse'),
    { type: 'unproven' },
    { phase: 'connecting', transport: 'poll', streamAt: NOW + STREAM_AGAIN_MS },
  ],
  [
    'a stream must do',
    initialState('sse'),
    { type: 'unproven' },
    { phase: 'waiting', transport: 'sse', failures: 1 },
    STREAM_ONLY,
  ],
  [
    'a stream ends as told',
    streaming,
    ended(SHORT_STREAM_MS, 2_000),
    { phase: 'waiting', reason: 'busy', resumeAt: NOW + 2_000, shortStreams: 0 },
  ],
  ['a stream ends untold', streaming, ended(SHORT_STREAM_MS), { phase: 'waiting', resumeAt: NOW + PAUSE_MS / 2 }],
  [
    'a stream is cut early',
    streaming,
    ended(SHORT_STREAM_MS - 1),
    { phase: 'waiting', transport: 'sse', shortStreams: 1 },
  ],
  [
    'a second one is',
    { ...streaming, shortStreams: 1 },
    ended(1),
    { phase: 'connecting', transport: 'poll', streamAt: NOW + STREAM_AGAIN_MS },
  ],
  [
    'a second one is, and must do',
    { ...streaming, shortStreams: 1 },
    ended(1),
    { phase: 'waiting', transport: 'sse' },
    STREAM_ONLY,
  ],
  [
    'a long one forgives',
    { ...streaming, shortStreams: 1 },
    ended(SHORT_STREAM_MS),
    { shortStreams: 0, transport: 'sse' },
  ],
  [
    'the first failure',
    polling,
    failed(),
    { phase: 'waiting', reason: 'network', failures: 1, resumeAt: NOW + PAUSE_MS / 2 },
  ],
  ['the third failure', { ...polling, failures: 2 }, failed(), { failures: 3, resumeAt: NOW + 2 * PAUSE_MS }],
  ['the hundredth failure', { ...polling, failures: 99 }, failed(), { resumeAt: NOW + PAUSE_MS_MAX / 2 }],
  ['the server asks for more patience', polling, failed(7_000), { resumeAt: NOW + 7_000 + PAUSE_MS / 2 }],
  ['the server asks for too much', polling, failed(1e12), { resumeAt: NOW + PATIENCE_MS_MAX + PAUSE_MS / 2 }],
  [
    'a poll that was to be held is answered at once',
    polling,
    { ...answered, isIdle: true },
    { phase: 'waiting', reason: 'busy', failures: 1, resumeAt: NOW + PAUSE_MS / 2 },
  ],
  ['a short stream says to come back at once', streaming, ended(1, 0), { resumeAt: NOW + PAUSE_MS / 2 }, STREAM_ONLY],
  [
    'a third one does',
    { ...streaming, shortStreams: 2 },
    ended(1, 0),
    { shortStreams: 3, resumeAt: NOW + 2 * PAUSE_MS },
    STREAM_ONLY,
  ],
  ['a stream asks for too much', streaming, ended(SHORT_STREAM_MS, 1e12), { resumeAt: NOW + PATIENCE_MS_MAX }],
  ['a frozen page thaws', waiting('hidden'), { type: 'woken' }, { phase: 'connecting' }],
  ['it thaws while the server asks for patience', waiting('busy'), { type: 'woken' }, { phase: 'waiting' }],
  ['it thaws while all is well', polling, { type: 'woken' }, { phase: 'live' }],
  ['a refusal', polling, { type: 'refused' }, { phase: 'closed', reason: 'refused' }],
  ['the wait is over', waiting('network'), { type: 'resumed' }, { phase: 'connecting', failures: 1 }],
  ['a wait that was over already', polling, { type: 'resumed' }, { phase: 'live' }],
  ['the device goes offline', polling, { type: 'offline' }, { phase: 'offline', reason: 'network' }],
  ['it goes offline while waiting', waiting('busy'), { type: 'offline' }, { phase: 'offline' }],
  [
    'it is back',
    { ...polling, phase: 'offline', failures: 5 },
    { type: 'online' },
    { phase: 'connecting', failures: 0 },
  ],
  ['it never was away', waiting('busy'), { type: 'online' }, { phase: 'waiting' }],
  ['the page is hidden', polling, { type: 'hidden' }, { phase: 'live', isHidden: true }],
  [
    'the page is seen again',
    { ...waiting('hidden'), isHidden: true },
    { type: 'visible' },
    { phase: 'connecting', isHidden: false },
  ],
  ['it is seen after a failure', waiting('network'), { type: 'visible' }, { phase: 'connecting' }],
  ['it is seen while the server asks for patience', waiting('busy'), { type: 'visible' }, { phase: 'waiting' }],
  [
    'it is seen while all is well',
    { ...polling, isHidden: true },
    { type: 'visible' },
    { phase: 'live', isHidden: false },
  ],
  ['it is closed', waiting('network'), { type: 'closed' }, { phase: 'closed', reason: 'closed' }],
];

describe('what a client does next', () => {
  test.each(TABLE)('when %s', (_, from, event, to, of = context) => {
    expect(step(from, event, of)).toMatchObject(to);
  });

  test('is nothing once it is closed', () => {
    const closed = step(polling, { type: 'refused' }, context);
    for (const [, , event] of TABLE) expect(step(closed, event, context)).toBe(closed);
  });

  test('after a failure is at any time up to twice the last', () => {
    const pauses = [0, 0.25, 0.999].map(
      (random) => step(polling, failed(), { ...context, random: () => random }).resumeAt - NOW,
    );
    expect(pauses).toEqual([0, PAUSE_MS / 4, 0.999 * PAUSE_MS]);
  });
});
