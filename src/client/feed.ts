import { Asker, isAborted, type Place } from './asker.js';
import type { Delivery } from './delivery.js';
import { type Environment, runtime } from './environment.js';
import { HandOver, type Observer } from './hand-over.js';
import type { Notification } from '../core/notification.js';
import type { ConnectOptions, FeedState } from './options.js';
import type { SeenIds } from './tabs/seen-ids.js';
import { TabGroup } from './tabs/tab-group.js';

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
  readonly #asker: Asker;
  readonly #own: Place = { cursor: undefined };
  readonly #listeners = new Set<(state: FeedState) => void>();
  #group: TabGroup | undefined;
  #isRunning = false;
  #hasEnded = false;
  #saving: Promise<void> = Promise.resolve();

  constructor(options: ConnectOptions, environment: Environment = runtime) {
    this.#options = options;
    this.#environment = environment;
    this.#handOver = new HandOver(options.ack === 'manual', (cursor) => {
      this.#save(cursor);
    });
    this.#asker = new Asker(options, environment, this.#own, {
      deliver: (delivery, signal) =>
        this.#group ? this.#group.deliver(delivery, signal) : this.#deliver(delivery, signal),
      changed: () => {
        this.#changed();
      },
    });
    if (options.signal?.aborted) this.close();
    options.signal?.addEventListener('abort', this.#onAbort);
  }

  /** What it is doing now. */
  get state(): FeedState {
    return (this.#asker.isClosed ? undefined : this.#group?.state) ?? this.#asker.state;
  }

  /** Up to where everything has been received; undefined before the first answer. */
  get cursor(): string | undefined {
    return this.#own.cursor;
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
    this.#end('complete');
  }

  readonly #onAbort = (): void => this.close();

  #start(): void {
    if (this.#isRunning || this.#hasEnded) return;
    this.#isRunning = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    const { store, cursor } = this.#options;
    try {
      this.#own.cursor ??= (await store?.load()) ?? (cursor === 'latest' ? undefined : cursor);
      this.#joinGroup();
      while (!this.#asker.isClosed) {
        if (!this.#handOver.isWanted) await this.#whenWanted();
        else if (this.#group) await this.#group.turn();
        else await this.#asker.turn();
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  async #deliver(delivery: Delivery, signal: AbortSignal, seen?: SeenIds): Promise<void> {
    const { gap, cursor } = delivery;
    if (isAborted(signal)) return;
    if (gap) await this.#options.onGap?.(gap);
    if (!this.#handOver.isWanted && !isAborted(signal)) await this.#whenWanted();
    if (isAborted(signal)) return;
    this.#own.cursor = cursor;
    await this.#handOver.deliver(seen ? seen.without(delivery) : delivery);
  }

  /** A tab that nobody listens in does not ask for others. */
  async #whenWanted(): Promise<void> {
    await this.#leaveGroup();
    while (!this.#handOver.isWanted && !this.#hasEnded) await this.#handOver.whenChanged();
    this.#joinGroup();
  }

  #joinGroup(): void {
    if (this.#hasEnded) return;
    this.#group = TabGroup.join({
      options: this.#options,
      environment: this.#environment,
      own: this.#own,
      asker: this.#asker,
      deliver: (delivery, signal, seen) => this.#deliver(delivery, signal, seen),
      changed: () => {
        this.#changed();
      },
      failed: (error) => {
        this.#fail(error);
      },
      unavailable: () => {
        void this.#leaveGroup();
      },
    });
  }

  async #leaveGroup(): Promise<void> {
    const group = this.#group;
    this.#group = undefined;
    await group?.leave();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener(this.state);
    this.#group?.stateChanged();
  }

  #fail(error: unknown): void {
    this.#asker.on({ type: 'refused' });
    this.#end({ error });
  }

  #end(end: { readonly error: unknown } | 'complete'): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#asker.close();
    void this.#leaveGroup();
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#handOver.end(end);
  }

  /** One after the other; a store that fails keeps the older place, from which nothing is lost. */
  #save(cursor: string): void {
    const { store } = this.#options;
    if (store) this.#saving = this.#saving.then(() => store.save(cursor)).catch(() => undefined);
  }
}
