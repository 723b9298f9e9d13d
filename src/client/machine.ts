/** Which of the two a client uses. */
export type Transport = 'poll' | 'sse';

const PHASES = [
  /** Reading, and not answered yet. */
  'connecting',
  /** New notifications arrive. */
  'live',
  /** Until `resumeAt`. */
  'waiting',
  /** Until the device is online again. */
  'offline',
  /** For good. */
  'closed',
] as const;

const REASONS = [
  /** No answer, or half of one. */
  'network',
  /** `auth` has failed. */
  'auth',
  /** The answer does not follow the protocol. */
  'malformed',
  /** The server asks for patience: 429 or 503, or the end of its stream. */
  'busy',
  /** Another fault of the server. */
  'server',
  /** The page is hidden, so it polls less often. */
  'hidden',
  /** 401, 403 or another answer that would be the same the next time. */
  'refused',
  /** `close` was called, or the signal aborted. */
  'closed',
] as const;

/**
 * `connecting`: reading, and not answered yet; `live`: new notifications arrive; `waiting`: the client pauses;
 * `offline`: until the device is online again; `closed`: for good.
 */
export type Phase = (typeof PHASES)[number];

/** Why a client is not live. */
export type Reason = (typeof REASONS)[number];

export function isPhase(value: unknown): value is Phase {
  return (PHASES as readonly unknown[]).includes(value);
}

/** A live client has no reason. */
export function isReason(value: unknown): value is Reason | undefined {
  return value === undefined || (REASONS as readonly unknown[]).includes(value);
}

/** What decides what a client does next. It knows no time and no network: both come with events. */
export interface State {
  readonly phase: Phase;
  readonly reason: Reason | undefined;
  readonly transport: Transport;
  /** When `waiting` ends, in milliseconds of the clock that events carry. */
  readonly resumeAt: number;
  /** In a row. */
  readonly failures: number;
  /** Streams that ended before they had proved themselves, in a row. */
  readonly shortStreams: number;
  /** From when on a stream is worth another try. */
  readonly streamAt: number;
  readonly isHidden: boolean;
}

export type Event =
  /**
   * A poll was answered with a page. `isIdle`: the page is empty, and the server did not hold the poll. `isProof`: the
   * page has notifications, or the server was asked to hold the poll.
   */
  | { readonly type: 'answered'; readonly more: boolean; readonly isIdle: boolean; readonly isProof: boolean }
  /** A stream's first block came in time. */
  | { readonly type: 'opened' }
  /** A stream ended that had begun. */
  | { readonly type: 'ended'; readonly livedMs: number; readonly retryMs?: number | undefined }
  /** A stream whose first block did not come: something on the way holds it back. */
  | { readonly type: 'unproven' }
  | { readonly type: 'failed'; readonly reason: Reason; readonly retryAfterMs?: number | undefined }
  | { readonly type: 'refused' }
  /** The wait is over. */
  | { readonly type: 'resumed' }
  /** `woken`: the page was frozen, and its connection may be long dead. */
  | { readonly type: 'online' | 'offline' | 'visible' | 'hidden' | 'woken' | 'closed' };

export interface StepContext {
  /** Milliseconds, never going back. */
  readonly now: number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Whether the transport may be chosen. */
  readonly mayStream: boolean;
  readonly mayPoll: boolean;
}

/** The first pause after a failure is up to this long, the second up to twice that, and so on (full jitter). */
export const PAUSE_MS = 1_000;
export const PAUSE_MS_MAX = 30_000;
/** What a server asks for is obeyed up to here; beyond it is a mistake, and timers overflow. */
export const PATIENCE_MS_MAX = 3_600_000;
/** Between two polls of a page that nobody sees. */
export const HIDDEN_PAUSE_MS = 10_000;
/** A stream that is cut before this has not proved itself; two of them, and the client polls. */
export const SHORT_STREAM_MS = 5_000;
const SHORT_STREAMS_MAX = 2;
/** How long a client polls before it tries a stream again. */
export const STREAM_AGAIN_MS = 10 * 60_000;

export function initialState(transport: Transport): State {
  return {
    phase: 'connecting',
    reason: undefined,
    transport,
    resumeAt: 0,
    failures: 0,
    shortStreams: 0,
    streamAt: 0,
    isHidden: false,
  };
}

/** What becomes of a client when something happens. */
export function step(state: State, event: Event, context: StepContext): State {
  if (state.phase === 'closed') return state;
  switch (event.type) {
    case 'answered':
      return onAnswered(state, event, context);
    case 'opened':
      return { ...state, phase: 'live', reason: undefined, failures: 0 };
    case 'ended':
      return onEnded(state, event, context);
    case 'unproven':
      return pollInstead(state, context);
    case 'failed':
      return onFailed(state, event, context);
    case 'refused':
    case 'closed':
      return { ...state, phase: 'closed', reason: event.type };
    case 'resumed':
      return state.phase === 'waiting' ? connecting(state) : state;
    case 'offline':
      return { ...state, phase: 'offline', reason: 'network' };
    case 'online':
      return state.phase === 'offline' ? { ...connecting(state), failures: 0 } : state;
    case 'hidden':
      return { ...state, isHidden: true };
    case 'visible':
      return awake({ ...state, isHidden: false });
    case 'woken':
      return awake(state);
  }
}

function connecting(state: State): State {
  return { ...state, phase: 'connecting', resumeAt: 0 };
}

/** Whoever was asked for patience keeps it; whoever only took its time does not. */
function awake(state: State): State {
  return state.phase === 'waiting' && state.reason !== 'busy' ? connecting(state) : state;
}

function onAnswered(state: State, event: Extract<Event, { type: 'answered' }>, context: StepContext): State {
  const { more, isIdle, isProof } = event;
  // Another request at once would get the same answer.
  if (isIdle) return onFailed(state, { reason: 'busy' }, context);
  const streamAgain = context.mayStream && context.now >= state.streamAt;
  const transport = streamAgain ? 'sse' : state.transport;
  // The quick poll after a failure proves little. If it reset the backoff, a server that holds no polls would be asked
  // several times a second.
  const failures = isProof ? 0 : state.failures;
  const answered: State = { ...state, phase: 'live', reason: undefined, failures, transport };
  if (!state.isHidden || more || transport === 'sse') return answered;
  return { ...answered, phase: 'waiting', reason: 'hidden', resumeAt: context.now + HIDDEN_PAUSE_MS };
}

function onEnded(state: State, event: Extract<Event, { type: 'ended' }>, context: StepContext): State {
  const shortStreams = event.livedMs < SHORT_STREAM_MS ? state.shortStreams + 1 : 0;
  if (shortStreams >= SHORT_STREAMS_MAX && context.mayPoll) return pollInstead(state, context);
  const pauseMs = context.random() * backoffMs(Math.max(0, shortStreams - 1));
  // One that lived is opened again when the server says; one that did not, later and later.
  const told = Math.max(event.retryMs ?? pauseMs, shortStreams > 0 ? pauseMs : 0);
  const waitMs = Math.min(told, PATIENCE_MS_MAX);
  return { ...state, shortStreams, phase: 'waiting', reason: 'busy', resumeAt: context.now + waitMs };
}

function pollInstead(state: State, context: StepContext): State {
  if (!context.mayPoll) return onFailed(state, { reason: 'network' }, context);
  return { ...connecting(state), transport: 'poll', shortStreams: 0, streamAt: context.now + STREAM_AGAIN_MS };
}

function onFailed(
  state: State,
  { reason, retryAfterMs = 0 }: { readonly reason: Reason; readonly retryAfterMs?: number | undefined },
  { now, random }: StepContext,
): State {
  // On top of what the server asks for, so that those who were told the same do not come back together.
  const resumeAt = now + Math.min(retryAfterMs, PATIENCE_MS_MAX) + random() * backoffMs(state.failures);
  return { ...state, phase: 'waiting', reason, failures: state.failures + 1, resumeAt };
}

function backoffMs(failures: number): number {
  return Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** failures);
}
