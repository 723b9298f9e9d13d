import { type Environment, runtime } from './environment.js';
import { FeedError } from './errors.js';
import { HandOver, type Observer } from './hand-over.js';
import { type Event, initialState, type Phase, type Reason, type State, step, type Transport } from './machine.js';
import { type Credentials, type Delivery, follow, poll } from './requests.js';

type MaybePromise<T> = T | Promise<T>;

/** A notification, as the server sends it. */
export interface Notification<Type extends string = string, Data = unknown> {
  readonly id: string;
  readonly topic: string;
  readonly type: Type;
  /** ISO 8601. */
  readonly time: string;
  readonly data: Data;
}

/** Notifications of an application: each type with its data. Without any, data is `unknown`. */
export type NotificationOf<Map> = { [Type in keyof Map & string]: Notification<Type, Map[Type]> }[keyof Map & string];

/** Where a cursor is kept: in memory by default; `cursorIn(sessionStorage, 'my-feed')` outlives the page. */
export interface CursorStore {
  load(): MaybePromise<string | null | undefined>;
  save(cursor: string): MaybePromise<void>;
}

/** Why there is a gap: `expired`: what was missed is not kept any more; `reset`: the log is another one. */
export interface Gap {
  readonly reason: string;
}

/** What a feed is doing. */
export interface FeedState {
  readonly phase: Phase;
  /** Why it is not live. */
  readonly reason: Reason | undefined;
  readonly transport: Transport;
}

/** Options of `connect`. */
export interface ConnectOptions {
  /** Of the feed, as in `/notifications`. Relative ones are the page's. */
  readonly url: string | URL;
  /** Default: the caller's own, as the server's `access.topics` says. */
  readonly topics?: readonly string[];
  /** Where to begin if the store holds nothing: a cursor, `earliest`, or `latest` (default). */
  readonly cursor?: string;
  /** Where the cursor is kept. Default: in memory. */
  readonly store?: CursorStore;
  /**
   * Asked before every request for its headers, or for a token that goes into `Authorization: Bearer`. After a 401 it is asked once more, with
   * `refused`; a second one is final.
   */
  readonly auth?: (context: {
    readonly refused: boolean;
  }) => MaybePromise<string | Readonly<Record<string, string>> | undefined>;
  /** Headers of every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** As of `fetch`: `include` sends cookies to another origin. */
  readonly credentials?: Credentials;
  /** `auto` (default): a stream where it proves itself, otherwise polls. */
  readonly transport?: 'auto' | Transport;
  /** How long a poll is held, in seconds. Default 25. */
  readonly wait?: number;
  /** Notifications in an answer. Default: the server's. */
  readonly limit?: number;
  /**
   * `auto` (default): the cursor moves on when a notification has been handed over. `manual`: when it has been acknowledged with `ack`, so that one
   * whose handling failed comes again after a restart.
   */
  readonly ack?: 'auto' | 'manual';
  /** Something was missed for good: the moment to fetch the state anew. What follows is handed over when this resolves. */
  readonly onGap?: (gap: Gap) => MaybePromise<void>;
  /** Aborts the feed, as `close` does. */
  readonly signal?: AbortSignal;
}

/** What an Observable of RxJS is made of with `from(feed)`. */
export interface Subscribable<N> {
  subscribe(observer: Observer<N> | ((notification: N) => void)): { unsubscribe(): void };
}

/**
 * The feed of one client: every notification of its topics once, in order, over whatever happens to the connection.
 *
 * It asks while somebody listens, from the first `subscribe` or `for await` on, and keeps its place while nobody does. Several listeners share it.
 */
export class Feed<N extends object = Notification> implements Subscribable<N>, AsyncIterable<N> {
  readonly #options: ConnectOptions;
  readonly #environment: Environment;
  readonly #handOver: HandOver<N>;
  readonly #listeners = new Set<(state: FeedState) => void>();
  readonly #unwatch: () => void;
  #state: State;
  #cursor: string | undefined;
  /** Of the request under way. */
  #request: AbortController | undefined;
  #timer: unknown;
  #wake: (() => void) | undefined;
  #isRunning = false;
  #hasEnded = false;
  #saving: Promise<void> = Promise.resolve();

  constructor(options: ConnectOptions, environment: Environment = runtime) {
    this.#options = options;
    this.#environment = environment;
    this.#state = initialState(options.transport === 'poll' ? 'poll' : 'sse');
    this.#handOver = new HandOver(options.ack === 'manual', (cursor) => {
      this.#save(cursor);
    });
    this.#unwatch = environment.watch((event) => {
      this.#on({ type: event });
    });
    if (environment.isHidden()) this.#on({ type: 'hidden' });
    if (!environment.isOnline()) this.#on({ type: 'offline' });
    if (options.signal?.aborted) this.close();
    options.signal?.addEventListener('abort', this.#onAbort);
  }

  /** What it is doing now. */
  get state(): FeedState {
    const { phase, reason, transport } = this.#state;
    return { phase, reason, transport };
  }

  /** Up to where everything has been received; undefined before the first answer. */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  /** Calls back whenever the state changes; the answer ends that. */
  onState(listener: (state: FeedState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Hands over what comes from now on. */
  subscribe(observer: Observer<N> | ((notification: N) => void)): { unsubscribe(): void } {
    const unsubscribe = this.#handOver.observe(typeof observer === 'function' ? { next: observer } : observer);
    this.#start();
    return { unsubscribe };
  }

  /** `for await (const notification of feed)`: the feed waits for a loop that is slow. */
  [Symbol.asyncIterator](): AsyncIterableIterator<N> {
    const iterator = this.#handOver.iterate();
    this.#start();
    return iterator;
  }

  /** With `ack: 'manual'`: the notification has been handled. */
  ack(notification: N): void {
    this.#handOver.acknowledge(notification);
  }

  /** Ends it: requests, timers and listeners are gone, loops and observers complete. */
  close(): void {
    this.#on({ type: 'closed' });
    this.#end('complete');
  }

  readonly #onAbort = (): void => this.close();

  #start(): void {
    if (this.#isRunning || this.#state.phase === 'closed') return;
    this.#isRunning = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    try {
      this.#cursor ??= (await this.#options.store?.load()) ?? this.#startingCursor();
      while (this.#state.phase !== 'closed') {
        if (!this.#handOver.isWanted) await this.#handOver.whenChanged();
        else if (this.#state.phase === 'waiting' || this.#state.phase === 'offline') await this.#pause();
        else await this.#ask();
      }
    } catch (error) {
      this.#on({ type: 'refused' });
      this.#end({ error });
    }
  }

  #startingCursor(): string | undefined {
    const { cursor } = this.#options;
    return cursor === 'latest' ? undefined : cursor;
  }

  /** One request, and what becomes of it; nothing if it was aborted, as then something else has been decided. */
  async #ask(refused = false): Promise<void> {
    const controller = (this.#request = new AbortController());
    const { signal } = controller;
    const { transport } = this.#state;
    // Where nobody has a place yet there is nothing to wait for: what comes while the connection breaks would be lost.
    const waitMs = transport === 'poll' && this.#cursor === undefined ? 0 : (this.#options.wait ?? 25) * 1000;
    try {
      const request = {
        url: this.#url(transport, waitMs),
        headers: { ...this.#options.headers, ...(await this.#credentials(refused)) },
        credentials: this.#options.credentials,
        signal,
        deliver: (delivery: Delivery) => this.#deliver(delivery, signal),
      };
      if (isAborted(signal)) return;
      const event =
        transport === 'poll'
          ? await poll(this.#environment, request, waitMs)
          : await follow(this.#environment, request, () => {
              this.#on({ type: 'opened' });
            });
      if (!isAborted(signal)) this.#on(event);
    } catch (error) {
      if (isAborted(signal)) return;
      const mayRefresh = error instanceof FeedError && error.status === 401 && this.#options.auth && !refused;
      if (!mayRefresh) throw error;
      await this.#ask(true);
    }
  }

  async #deliver(delivery: Delivery, signal: AbortSignal): Promise<void> {
    const { gap, cursor } = delivery;
    if (gap && !isAborted(signal)) await this.#options.onGap?.(gap);
    while (!this.#handOver.isWanted && !isAborted(signal)) await this.#handOver.whenChanged();
    if (isAborted(signal)) return;
    if (cursor !== '') this.#cursor = cursor;
    await this.#handOver.deliver(delivery);
  }

  #url(transport: Transport, waitMs: number): URL {
    const { url: given, topics, limit } = this.#options;
    const { href } = (globalThis as { location?: { href: string } }).location ?? {};
    const url = new URL(given, href);
    for (const topic of topics ?? []) url.searchParams.append('topic', topic);
    if (this.#cursor !== undefined) url.searchParams.set('cursor', this.#cursor);
    if (transport === 'poll') url.searchParams.set('wait', String(waitMs / 1000));
    if (limit !== undefined) url.searchParams.set('limit', String(limit));
    return url;
  }

  async #credentials(refused: boolean): Promise<Readonly<Record<string, string>>> {
    const given = await this.#options.auth?.({ refused });
    return typeof given === 'string' ? { Authorization: `Bearer ${given}` } : (given ?? {});
  }

  /** Until the wait is over, or something else happens. */
  async #pause(): Promise<void> {
    const { phase, resumeAt } = this.#state;
    const { setTimeout, now } = this.#environment;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (phase !== 'waiting') return;
      this.#timer = setTimeout(
        () => {
          this.#on({ type: 'resumed' });
        },
        Math.max(0, resumeAt - now()),
      );
    });
  }

  #on(event: Event): void {
    const { now, random, clearTimeout } = this.#environment;
    const { transport = 'auto' } = this.#options;
    const before = this.#state;
    const context = { now: now(), random, mayStream: transport !== 'poll', mayPoll: transport !== 'sse' };
    this.#state = step(before, event, context);
    const { phase } = this.#state;
    if (phase === 'offline' || phase === 'closed') this.#request?.abort();
    if (phase !== 'waiting' || before.resumeAt !== this.#state.resumeAt) {
      clearTimeout(this.#timer);
      this.#wake?.();
      this.#wake = undefined;
    }
    const same = (['phase', 'reason', 'transport'] as const).every((name) => before[name] === this.#state[name]);
    if (!same) for (const listener of this.#listeners) listener(this.state);
  }

  #end(end: { readonly error: unknown } | 'complete'): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#unwatch();
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#handOver.end(end);
  }

  /** One after the other; a store that fails keeps the older place, from which nothing is lost. */
  #save(cursor: string): void {
    const { store } = this.#options;
    if (store) this.#saving = this.#saving.then(() => store.save(cursor)).catch(() => undefined);
  }
}

/** It may have changed over any `await`. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
