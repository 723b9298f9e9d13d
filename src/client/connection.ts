import { type Authorization, authorize } from './authorization.js';
import {
  type ConnectionEvent,
  type ConnectionState,
  type FeedState,
  initialState,
  nextState,
  type Transport,
} from './connection-state.js';
import { type Delivery, deliveryFrom } from './delivery.js';
import type { Environment } from './environment.js';
import { FeedError } from './errors.js';
import type { FeedOptions } from './options.js';
import { poll, type ReadRequest } from './poll.js';
import { readStream } from './stream.js';
import { type Target, targetOf } from './url.js';

/**
 * A position in the feed; undefined before the first answer. Several objects may share one
 * position.
 */
export interface Position {
  cursor: string | undefined;
}

/** The callbacks of a connection. */
export interface ConnectionHandlers {
  /** Takes a delivery and moves the position. Resolves when the connection may read more. */
  deliver(delivery: Delivery, signal: AbortSignal): Promise<void> | void;
  stateChanged(): void;
}

/** One attempt to read: a poll or a stream. */
interface Attempt {
  readonly transport: Transport;
  /** How long the server may hold a poll. */
  readonly waitMs: number;
  /** Whether the server has refused the credentials of the previous attempt. */
  readonly isRefused: boolean;
}

/**
 * Reads a feed from a position, one request at a time. `nextState` decides about the next request.
 */
export class Connection {
  position: Position;
  readonly #options: FeedOptions;
  readonly #environment: Environment;
  readonly #handlers: ConnectionHandlers;
  readonly #unwatch: () => void;
  #state: ConnectionState;
  /** Aborts the current request. */
  #request: AbortController | undefined;
  #timer: unknown;
  #endPause: (() => void) | undefined;
  #turns: Promise<unknown> = Promise.resolve();

  constructor(options: FeedOptions, environment: Environment, position: Position, handlers: ConnectionHandlers) {
    this.#options = options;
    this.#environment = environment;
    this.position = position;
    this.#handlers = handlers;
    this.#state = initialState(options.transport === 'sse' || this.#mayStream ? 'sse' : 'poll');
    this.#unwatch = environment.watch((type) => {
      this.dispatch({ type });
    });
    if (environment.isHidden()) this.dispatch({ type: 'hidden' });
    if (!environment.isOnline()) this.dispatch({ type: 'offline' });
  }

  get state(): FeedState {
    const { phase, reason, transport } = this.#state;
    return { phase, reason, transport };
  }

  get isClosed(): boolean {
    return this.#state.phase === 'closed';
  }

  /**
   * Waits for the previous request or pause to end, then runs the next one. Resolves with the event
   * of the request, or with undefined after a pause or an aborted request.
   */
  turn(waitMs?: number): Promise<ConnectionEvent | undefined> {
    const turn = this.#turns.then(() => this.#turn(waitMs));
    this.#turns = turn.catch(() => undefined);
    return turn;
  }

  /** Ends the current turn. Notifications that have arrived are kept. */
  interrupt(): void {
    this.#abort();
    this.#endPause?.();
  }

  close(): void {
    this.dispatch({ type: 'closed' });
  }

  dispatch(event: ConnectionEvent): void {
    if (this.isClosed) return;
    const { now, random, clearTimeout } = this.#environment;
    const before = this.#state;
    const mayPoll = this.#options.transport !== 'sse';
    this.#state = nextState(before, event, { now: now(), random, mayStream: this.#mayStream, mayPoll });
    const { phase } = this.#state;
    if (phase === 'offline' || phase === 'closed' || event.type === 'resumed') this.#abort();
    if (phase === 'closed') this.#unwatch();
    if (phase !== 'waiting' || before.resumeAt !== this.#state.resumeAt) {
      clearTimeout(this.#timer);
      this.#endPause?.();
    }
    const isSame = (['phase', 'reason', 'transport'] as const).every((name) => before[name] === this.#state[name]);
    if (!isSame) this.#handlers.stateChanged();
  }

  get #mayStream(): boolean {
    return this.#options.transport !== 'poll' && this.#environment.canStream;
  }

  async #turn(waitMs: number | undefined): Promise<ConnectionEvent | undefined> {
    const { phase, transport, isHidden } = this.#state;
    if (phase === 'closed') return undefined;
    if (phase === 'waiting' || phase === 'offline') return this.#pause();
    // The first poll has a wait of 0. The answer shows that the connection works, and contains a
    // cursor. Without a cursor, the client would miss notifications after a lost connection.
    const isFirst = transport === 'poll' && phase === 'connecting' && !(isHidden && this.position.cursor);
    const holdMs = isFirst ? 0 : (this.#options.wait ?? 25) * 1000;
    const event = await this.#send({ transport, waitMs: waitMs ?? holdMs, isRefused: false });
    if (event) this.dispatch(event);
    return event;
  }

  /** Sends a request. If the server refuses the credentials, sends it again with new ones. */
  async #send(attempt: Attempt): Promise<ConnectionEvent | undefined> {
    const controller = (this.#request = new AbortController());
    const isCurrent = (): boolean => this.#request === controller;
    try {
      const authorization = await authorize(this.#options.auth, attempt.isRefused);
      if (!isCurrent()) return undefined;
      const event = await this.#read(attempt, authorization, controller);
      return isCurrent() ? event : undefined;
    } catch (error) {
      if (!isCurrent()) return undefined;
      // Requests throw only `FeedError`, so any other error comes from `auth`.
      if (!(error instanceof FeedError)) return { type: 'failed', reason: 'auth' };
      if (error.status !== 401 || !this.#options.auth || attempt.isRefused) throw error;
    }
    return this.#send({ ...attempt, isRefused: true });
  }

  async #read(
    { transport, waitMs }: Attempt,
    { headers, renewInMs }: Authorization,
    controller: AbortController,
  ): Promise<ConnectionEvent> {
    const request: ReadRequest = {
      ...this.#target(transport, waitMs),
      cursor: this.position.cursor,
      headers: { ...this.#options.headers, ...headers },
      credentials: this.#options.credentials,
      controller,
      deliveryFrom: this.#options.format?.deliveryFrom ?? deliveryFrom,
      deliver: (delivery) => this.#handlers.deliver(delivery, controller.signal),
    };
    if (transport === 'poll') return poll(this.#environment, request, waitMs);
    const { setTimeout, clearTimeout } = this.#environment;
    const renewal = renewInMs === undefined ? undefined : setTimeout(() => this.#abort(), renewInMs);
    try {
      return await readStream(this.#environment, request, () => {
        this.dispatch({ type: 'opened' });
      });
    } finally {
      clearTimeout(renewal);
    }
  }

  #target(transport: Transport, waitMs: number): Target {
    const { cursor } = this.position;
    return targetOf(this.#options, {
      ...(cursor !== undefined && { cursor }),
      ...(transport === 'poll' && { wait: String(waitMs / 1000) }),
    });
  }

  #abort(): void {
    this.#request?.abort();
    this.#request = undefined;
  }

  /** Resolves when the pause ends or the state changes. */
  async #pause(): Promise<undefined> {
    const { phase, resumeAt } = this.#state;
    const { setTimeout, now } = this.#environment;
    await new Promise<void>((resolve) => {
      this.#endPause = resolve;
      if (phase !== 'waiting') return;
      const done = (): void => {
        this.dispatch({ type: 'pauseEnded' });
      };
      this.#timer = setTimeout(done, Math.max(0, resumeAt - now()));
    });
    this.#environment.clearTimeout(this.#timer);
  }
}
