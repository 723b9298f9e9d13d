import { type Environment, runtime } from './environment.js';
import { FeedError } from './errors.js';
import { Following } from './following.js';
import { HandOver, type Observer } from './hand-over.js';
import { type Event, initialState, type State, step, type Transport } from './machine.js';
import { Recent } from './recent.js';
import { type Delivery, type FeedRequest, follow, poll } from './requests.js';
import type { Notification } from '../core/notification.js';
import type { ConnectOptions, FeedState } from './options.js';
import { Tabs } from './tabs.js';

/** Polls that a tab waits for what its leader has and the node that answers does not: 0, 1 and 2 seconds. */
const CATCH_UP_TRIES = 3;

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
  #tabs: Tabs | undefined;
  readonly #recent = new Recent();
  /** While another tab asks: what is told of it is held back until this one has caught up; undefined when it asks itself. */
  #following: Following | undefined;

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
    const told = phase === 'closed' ? undefined : this.#following?.state;
    return told ?? { phase, reason, transport };
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
      this.#joinTabs();
      while (this.#state.phase !== 'closed') {
        if (!this.#handOver.isWanted) await this.#whenWanted();
        else if (this.#following) await this.#follow(this.#following);
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
  async #ask(): Promise<void> {
    const { signal } = (this.#request = new AbortController());
    const { transport, phase, isHidden } = this.#state;
    // Where nobody has a place yet there is nothing to wait for: what comes while the connection breaks would be lost. And a poll that is
    // held tells nobody that the line is up again, for as long as there is no news.
    const isFirst = this.#cursor === undefined || (phase === 'connecting' && !isHidden);
    const waitMs = transport === 'poll' && isFirst ? 0 : (this.#options.wait ?? 25) * 1000;
    const event = await this.#send(transport, waitMs, signal);
    if (event) this.#on(event);
  }

  /** A request, made once more with fresh credentials if these were refused; nothing if it was aborted. */
  async #send(transport: Transport, waitMs: number, signal: AbortSignal, refused = false): Promise<Event | undefined> {
    try {
      const request: FeedRequest = {
        url: this.#url(transport, waitMs),
        headers: { ...this.#options.headers, ...(await this.#credentials(refused)) },
        credentials: this.#options.credentials,
        signal,
        deliver: (delivery: Delivery) => this.#deliver(delivery, signal),
      };
      if (isAborted(signal)) return undefined;
      const event =
        transport === 'poll'
          ? await poll(this.#environment, request, waitMs)
          : await follow(this.#environment, request, () => {
              this.#on({ type: 'opened' });
            });
      return isAborted(signal) ? undefined : event;
    } catch (error) {
      if (isAborted(signal)) return undefined;
      const mayRefresh = error instanceof FeedError && error.status === 401 && this.#options.auth && !refused;
      if (!mayRefresh) throw error;
      return this.#send(transport, waitMs, signal, true);
    }
  }

  async #deliver(delivery: Delivery, signal: AbortSignal): Promise<void> {
    const { gap, cursor } = delivery;
    if (gap && !isAborted(signal)) await this.#options.onGap?.(gap);
    if (!this.#handOver.isWanted && !isAborted(signal)) await this.#whenWanted();
    if (isAborted(signal)) return;
    const after = this.#cursor;
    if (cursor !== '') this.#cursor = cursor;
    if (this.#tabs?.isLeader) this.#tabs.tell(after, delivery);
    await this.#handOver.deliver(this.#options.share === undefined ? delivery : this.#recent.without(delivery));
  }

  /** A tab that nobody listens in does not ask for others. */
  async #whenWanted(): Promise<void> {
    this.#leaveTabs();
    while (!this.#handOver.isWanted && this.#state.phase !== 'closed') await this.#handOver.whenChanged();
    this.#joinTabs();
  }

  #leaveTabs(): void {
    this.#tabs?.leave();
    this.#tabs = undefined;
    this.#following = undefined;
  }

  #joinTabs(): void {
    const { share } = this.#options;
    if (share === undefined || this.#state.phase === 'closed') return;
    this.#tabs = Tabs.join(share, this.#environment, {
      leads: () => {
        this.#following?.changed();
        this.#following = undefined;
      },
      delivery: (after, delivery) => {
        this.#following?.push({ after, delivery });
      },
      state: (state) => {
        if (!this.#following) return;
        this.#following.state = state;
        this.#tellState();
      },
      asked: () => ({ cursor: this.#cursor, lastId: this.#recent.lastId, state: this.state }),
    });
    if (this.#tabs) this.#following = new Following();
  }

  /** Takes what the leading tab tells, after having caught up with it. */
  async #follow(following: Following): Promise<void> {
    const signal = (this.#request = new AbortController()).signal;
    if (!following.isCaughtUp) await this.#catchUp(following, signal);
    if (this.#following !== following) return;
    const next = following.next();
    if (!next) {
      const heard = await following.whenTold(this.#environment);
      // A leader that says nothing for so long may be gone without its lock.
      if (!heard && this.#following === following) following.isCaughtUp = false;
    } else if (next.after === this.#cursor || following.isJoining) {
      following.isJoining = false;
      await this.#deliver(next.delivery, signal);
    } else following.isCaughtUp = false;
  }

  /**
   * Gets by itself what lies between its own place and the leader's. What the leader tells meanwhile is held back, and what comes twice is left
   * out; the last one that the leader has got must be among it, as the node that answers here may be behind.
   */
  async #catchUp(following: Following, signal: AbortSignal): Promise<void> {
    const here = await this.#tabs?.whereIsLeader();
    if (this.#following !== following || this.#state.phase === 'closed') return;
    following.clear();
    if (!here) {
      // On its own from here on, until it leads.
      this.#following = undefined;
      return;
    }
    following.state = here.state;
    this.#tellState();
    following.isCaughtUp = true;
    this.#cursor ??= here.cursor;
    following.isJoining = this.#cursor !== here.cursor;
    if (!following.isJoining || this.#cursor === undefined) return;
    for (let empty = 0; empty < CATCH_UP_TRIES;) {
      const more = await this.#catchUpOnce(signal, empty);
      if (isAborted(signal) || this.#following !== following) return;
      if (more === undefined) {
        following.isCaughtUp = false;
        await this.#pause();
        return;
      }
      if (!more && (here.lastId === undefined || this.#recent.has(here.lastId))) return;
      if (!more) empty++;
    }
  }

  /** Whether there is more; undefined if there was no answer. */
  async #catchUpOnce(signal: AbortSignal, waitS: number): Promise<boolean | undefined> {
    const event = await this.#send('poll', waitS * 1000, signal);
    if (event?.type === 'answered') return event.more;
    if (event) this.#on(event);
    return undefined;
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
    if (!same) this.#tellState();
  }

  #tellState(): void {
    for (const listener of this.#listeners) listener(this.state);
    if (this.#tabs?.isLeader) this.#tabs.tellState(this.state);
  }

  #end(end: { readonly error: unknown } | 'complete'): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#unwatch();
    this.#following?.changed();
    this.#leaveTabs();
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
