/** The way in which a client reads a feed: by long polls or by an event stream. */
export type Transport = 'poll' | 'sse';

/** The state of a feed, for an application to show. */
export interface FeedState {
  /**
   * - `connecting`: the client has sent a request that has no answer yet.
   * - `live`: new notifications arrive.
   * - `waiting`: the client pauses before its next request.
   * - `offline`: the device is offline.
   * - `closed`: the feed has ended permanently.
   */
  readonly phase: 'connecting' | 'live' | 'waiting' | 'offline' | 'closed';
  /**
   * The reason why the feed is not live. Undefined while the feed is live.
   *
   * - `network`: the request had no answer, or an incomplete one.
   * - `auth`: the `auth` function has failed.
   * - `malformed`: the answer does not follow the protocol.
   * - `busy`: the server is busy (429 or 503), or has ended the stream.
   * - `server`: the server has failed in another way.
   * - `hidden`: the page is hidden, so it polls less often.
   * - `refused`: the server has refused the request (401 or 403, for example). A retry would not
   *   help.
   * - `closed`: `close` was called, or the signal was aborted.
   */
  readonly reason: 'network' | 'auth' | 'malformed' | 'busy' | 'server' | 'hidden' | 'refused' | 'closed' | undefined;
  readonly transport: Transport;
}

/**
 * The state of a connection. It starts no timers and no requests: `nextState` receives the time and
 * each result as arguments.
 */
export interface ConnectionState extends FeedState {
  /** The time at which `waiting` ends, on the clock of `TransitionContext.now`. */
  readonly resumeAt: number;
  /** Failures in a row. */
  readonly failures: number;
  /** The number of consecutive streams that ended early. */
  readonly shortStreams: number;
  /** The time from which the client tries a stream again. */
  readonly streamAt: number;
  readonly isHidden: boolean;
}

export type ConnectionEvent =
  /**
   * A poll was answered with a page. `wasNotHeld`: the page is empty, and the server did not hold
   * the poll. `endsBackoff`: the page has notifications, or the poll had a wait above 0.
   */
  | {
      readonly type: 'answered';
      readonly hasMore: boolean;
      readonly wasNotHeld: boolean;
      readonly endsBackoff: boolean;
    }
  /** The first block of a stream arrived in time. */
  | { readonly type: 'opened' }
  /** A stream has ended. */
  | { readonly type: 'ended'; readonly openMs: number; readonly retryMs?: number | undefined }
  /** The first block of a stream did not arrive in time, so a proxy probably buffers streams. */
  | { readonly type: 'streamUnavailable' }
  | {
      readonly type: 'failed';
      readonly reason: FeedState['reason'];
      readonly retryAfterMs?: number | undefined;
    }
  | { readonly type: 'refused' }
  /** The pause of `waiting` has ended. */
  | { readonly type: 'pauseEnded' }
  /** `resumed`: the page was frozen, so its connection may be dead. */
  | { readonly type: 'online' | 'offline' | 'visible' | 'hidden' | 'resumed' | 'closed' };

export interface TransitionContext {
  /** Milliseconds of a monotonic clock. */
  readonly now: number;
  /** Returns a number from 0 to 1. */
  readonly random: () => number;
  /** Whether the client may use streams. */
  readonly mayStream: boolean;
  readonly mayPoll: boolean;
}

/** The longest pause after the first failure. It doubles with each failure (full jitter). */
export const BACKOFF_MS = 1_000;
export const BACKOFF_MS_MAX = 30_000;
/** The longest `Retry-After` or `retry:` that the client obeys. A longer one is a mistake. */
export const SERVER_PAUSE_MS_MAX = 3_600_000;
/** The pause between two polls of a hidden page. */
export const HIDDEN_PAUSE_MS = 10_000;
/** A stream that ends before this time is short. After two short streams the client polls. */
export const SHORT_STREAM_MS = 5_000;
const SHORT_STREAMS_MAX = 2;
/** The client polls for this long before it tries a stream again. */
export const STREAM_RETRY_MS = 10 * 60_000;

export function initialState(transport: Transport): ConnectionState {
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

/** The state that follows an event. */
export function nextState(state: ConnectionState, event: ConnectionEvent, context: TransitionContext): ConnectionState {
  if (state.phase === 'closed') return state;
  switch (event.type) {
    case 'answered':
      return onAnswered(state, event, context);
    case 'opened':
      return { ...state, phase: 'live', reason: undefined, failures: 0 };
    case 'ended':
      return onEnded(state, event, context);
    case 'streamUnavailable':
      return pollInstead(state, context);
    case 'failed':
      return onFailed(state, event, context);
    case 'refused':
    case 'closed':
      return { ...state, phase: 'closed', reason: event.type };
    case 'pauseEnded':
      return state.phase === 'waiting' ? connecting(state) : state;
    case 'offline':
      return { ...state, phase: 'offline', reason: 'network' };
    case 'online':
      return state.phase === 'offline' ? { ...connecting(state), failures: 0 } : state;
    case 'hidden':
      return { ...state, isHidden: true };
    case 'visible':
      return endPause({ ...state, isHidden: false });
    case 'resumed':
      return endPause(state);
  }
}

function connecting(state: ConnectionState): ConnectionState {
  return { ...state, phase: 'connecting', resumeAt: 0 };
}

/** Ends a pause that the client chose. A pause that the server requested continues. */
function endPause(state: ConnectionState): ConnectionState {
  return state.phase === 'waiting' && state.reason !== 'busy' ? connecting(state) : state;
}

function onAnswered(
  state: ConnectionState,
  event: Extract<ConnectionEvent, { type: 'answered' }>,
  context: TransitionContext,
): ConnectionState {
  const { hasMore, wasNotHeld, endsBackoff } = event;
  // Without a pause, the next poll would get the same answer at once.
  if (wasNotHeld) return onFailed(state, { reason: 'busy' }, context);
  const retriesStream = context.mayStream && context.now >= state.streamAt;
  const transport = retriesStream ? 'sse' : state.transport;
  // The poll after a failure has a wait of 0. If its answer ended the backoff, the client would
  // send several requests per second to a server that does not hold polls.
  const failures = endsBackoff ? 0 : state.failures;
  const answered: ConnectionState = { ...state, phase: 'live', reason: undefined, failures, transport };
  if (!state.isHidden || hasMore || transport === 'sse') return answered;
  return { ...answered, phase: 'waiting', reason: 'hidden', resumeAt: context.now + HIDDEN_PAUSE_MS };
}

function onEnded(
  state: ConnectionState,
  event: Extract<ConnectionEvent, { type: 'ended' }>,
  context: TransitionContext,
): ConnectionState {
  const shortStreams = event.openMs < SHORT_STREAM_MS ? state.shortStreams + 1 : 0;
  if (shortStreams >= SHORT_STREAMS_MAX && context.mayPoll) return pollInstead(state, context);
  const backoff = context.random() * backoffMs(Math.max(0, shortStreams - 1));
  // After a long stream, the pause is the value of `retry:`, or the backoff if there is none. After
  // short streams, the pause is at least the backoff.
  const pauseMs = Math.max(event.retryMs ?? backoff, shortStreams > 0 ? backoff : 0);
  const resumeAt = context.now + Math.min(pauseMs, SERVER_PAUSE_MS_MAX);
  return { ...state, shortStreams, phase: 'waiting', reason: 'busy', resumeAt };
}

function pollInstead(state: ConnectionState, context: TransitionContext): ConnectionState {
  if (!context.mayPoll) return onFailed(state, { reason: 'network' }, context);
  return { ...connecting(state), transport: 'poll', shortStreams: 0, streamAt: context.now + STREAM_RETRY_MS };
}

function onFailed(
  state: ConnectionState,
  { reason, retryAfterMs = 0 }: Pick<Extract<ConnectionEvent, { type: 'failed' }>, 'reason' | 'retryAfterMs'>,
  { now, random }: TransitionContext,
): ConnectionState {
  // Many clients may get the same `Retry-After`. The added jitter spreads their requests.
  const resumeAt = now + failurePauseMs(state.failures, retryAfterMs, random);
  return { ...state, phase: 'waiting', reason, failures: state.failures + 1, resumeAt };
}

/**
 * The pause after a failed request: the pause that the server requested, and a random part of the
 * backoff.
 */
export function failurePauseMs(failures: number, retryAfterMs: number, random: () => number): number {
  return Math.min(retryAfterMs, SERVER_PAUSE_MS_MAX) + random() * backoffMs(failures);
}

function backoffMs(failures: number): number {
  return Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** failures);
}
