import type { Environment } from './environment.js';
import { FeedError } from './errors.js';
import { type Event, initialState, PATIENCE_MS_MAX, type State, step, type Transport } from './machine.js';
import type { Auth, ConnectOptions, FeedState } from './options.js';
import type { Delivery } from './delivery.js';
import { type FeedRequest, follow, poll } from './requests.js';

/** Up to where somebody has read; undefined before the first answer. */
export interface Place {
  cursor: string | undefined;
}

/** Whom it asks for. */
export interface Asking {
  /** Takes what has come, and moves the place; resolves when there is room for more. */
  deliver(delivery: Delivery, signal: AbortSignal): Promise<void> | void;
  changed(): void;
}

/** A stream is opened with another token this long before its own expires. */
const RENEW_BEFORE_MS = 10_000;
/** And not before this: the device's clock may be wrong. */
const RENEW_AFTER_MS = 30_000;

/** Asks the server from a place on, one request after the other, as the machine says. */
export class Asker {
  place: Place;
  readonly #options: ConnectOptions;
  readonly #environment: Environment;
  readonly #asking: Asking;
  readonly #unwatch: () => void;
  #state: State;
  /** Of the request under way. */
  #request: AbortController | undefined;
  #timer: unknown;
  #wake: (() => void) | undefined;
  #turns: Promise<unknown> = Promise.resolve();

  constructor(options: ConnectOptions, environment: Environment, place: Place, asking: Asking) {
    this.#options = options;
    this.#environment = environment;
    this.place = place;
    this.#asking = asking;
    this.#state = initialState(options.transport === 'sse' || this.#mayStream ? 'sse' : 'poll');
    this.#unwatch = environment.watch((type) => {
      this.on({ type });
    });
    if (environment.isHidden()) this.on({ type: 'hidden' });
    if (!environment.isOnline()) this.on({ type: 'offline' });
  }

  get state(): FeedState {
    const { phase, reason, transport } = this.#state;
    return { phase, reason, transport };
  }

  get isClosed(): boolean {
    return this.#state.phase === 'closed';
  }

  /**
   * One request, or the pause before it, when the turn before this one is over. Answers what came of it; nothing if it was a pause or was
   * aborted, as then something else has been decided.
   */
  turn(waitMs?: number): Promise<Event | undefined> {
    const turn = this.#turns.then(() => this.#turn(waitMs));
    this.#turns = turn.catch(() => undefined);
    return turn;
  }

  /** Ends the turn under way; what was received is received. */
  interrupt(): void {
    this.#abort();
    this.#wake?.();
  }

  close(): void {
    this.on({ type: 'closed' });
    this.#unwatch();
  }

  on(event: Event): void {
    const { now, random, clearTimeout } = this.#environment;
    const before = this.#state;
    const mayPoll = this.#options.transport !== 'sse';
    this.#state = step(before, event, { now: now(), random, mayStream: this.#mayStream, mayPoll });
    const { phase } = this.#state;
    if (phase === 'offline' || phase === 'closed' || event.type === 'woken') this.#abort();
    if (phase !== 'waiting' || before.resumeAt !== this.#state.resumeAt) {
      clearTimeout(this.#timer);
      this.#wake?.();
    }
    const isSame = (['phase', 'reason', 'transport'] as const).every((name) => before[name] === this.#state[name]);
    if (!isSame) this.#asking.changed();
  }

  get #mayStream(): boolean {
    return this.#options.transport !== 'poll' && this.#environment.canStream;
  }

  async #turn(waitMs: number | undefined): Promise<Event | undefined> {
    const { phase, transport, isHidden } = this.#state;
    if (phase === 'closed') return undefined;
    if (phase === 'waiting' || phase === 'offline') return this.#pause();
    // Where nobody has a place yet there is nothing to wait for: what comes while the connection breaks would be lost. And a poll that is
    // held tells nobody that the line is up again, for as long as there is no news.
    const isFirst = transport === 'poll' && phase === 'connecting' && !(isHidden && this.place.cursor);
    const event = await this.#send(transport, waitMs ?? (isFirst ? 0 : (this.#options.wait ?? 25) * 1000));
    if (event) this.on(event);
    return event;
  }

  /** A request, made once more with fresh credentials if these were refused. */
  async #send(transport: Transport, waitMs: number, refused = false): Promise<Event | undefined> {
    const controller = (this.#request = new AbortController());
    const isCurrent = (): boolean => this.#request === controller;
    let renewal: unknown;
    try {
      const auth = await this.#auth(refused);
      if (!isCurrent()) return undefined;
      const request = this.#requestFor(transport, waitMs, controller, auth.headers);
      if (transport === 'sse' && auth.renewInMs !== undefined) {
        renewal = this.#environment.setTimeout(() => {
          this.#abort();
        }, auth.renewInMs);
      }
      const event =
        transport === 'poll'
          ? await poll(this.#environment, request, waitMs)
          : await follow(this.#environment, request, () => {
              this.on({ type: 'opened' });
            });
      return isCurrent() ? event : undefined;
    } catch (error) {
      if (!isCurrent()) return undefined;
      // Nothing else throws anything else.
      if (!(error instanceof FeedError)) return { type: 'failed', reason: 'auth' };
      if (error.status !== 401 || !this.#options.auth || refused) throw error;
    } finally {
      this.#environment.clearTimeout(renewal);
    }
    return this.#send(transport, waitMs, true);
  }

  #abort(): void {
    this.#request?.abort();
    this.#request = undefined;
  }

  #requestFor(
    transport: Transport,
    waitMs: number,
    controller: AbortController,
    auth: Readonly<Record<string, string>>,
  ): FeedRequest {
    const { topics = [], limit, headers, credentials } = this.#options;
    const url = String(this.#options.url);
    const { cursor } = this.place;
    const query = topics.map((topic) => ['topic', topic]);
    if (cursor !== undefined) query.push(['cursor', cursor]);
    if (transport === 'poll') query.push(['wait', String(waitMs / 1000)]);
    if (limit !== undefined) query.push(['limit', String(limit)]);
    // By hand: React Native's URL knows no `searchParams.set`.
    const text = query.map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
    return {
      url: `${url}${url.includes('?') ? '&' : '?'}${text}`,
      cursor,
      headers: { ...headers, ...auth },
      credentials,
      controller,
      deliver: (delivery) => this.#asking.deliver(delivery, controller.signal),
    };
  }

  async #auth(refused: boolean): Promise<{ headers: Readonly<Record<string, string>>; renewInMs?: number }> {
    const given = await this.#options.auth?.({ refused });
    if (typeof given === 'string') return { headers: bearer(given) };
    if (!isToken(given)) return { headers: given ?? {} };
    // No date at all counts as one that is over.
    const leftMs = given.expiresAt.getTime() - Date.now() || 0;
    const renewInMs = Math.min(PATIENCE_MS_MAX, Math.max(RENEW_AFTER_MS, leftMs - RENEW_BEFORE_MS));
    return { headers: bearer(given.token), renewInMs };
  }

  /** Until the wait is over, or something else happens. */
  async #pause(): Promise<undefined> {
    const { phase, resumeAt } = this.#state;
    const { setTimeout, now } = this.#environment;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (phase !== 'waiting') return;
      const done = (): void => {
        this.on({ type: 'resumed' });
      };
      this.#timer = setTimeout(done, Math.max(0, resumeAt - now()));
    });
    this.#environment.clearTimeout(this.#timer);
  }
}

function bearer(token: string): Readonly<Record<string, string>> {
  return { Authorization: `Bearer ${token}` };
}

function isToken(auth: Auth | undefined): auth is Extract<Auth, { readonly expiresAt: Date }> {
  return (auth as { expiresAt?: unknown } | undefined)?.expiresAt instanceof Date;
}

/** It may have changed over any `await`. */
export function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
