import { isAborted } from './abort.js';
import { Connection, type Position } from './connection.js';
import type { FeedState } from './connection-state.js';
import type { Delivery } from './delivery.js';
import type { Environment } from './environment.js';
import type { FeedOptions } from './options.js';
import type { SharedConnection } from './sharing.js';

/** Receives the deliveries of a reader. */
export interface FeedSink {
  /**
   * Undefined if the sink takes a delivery now. Otherwise a promise: the reader calls this function
   * again after it has resolved.
   * @default the sink always takes deliveries
   */
  whenNeeded?(): Promise<void> | undefined;
  /** Resolves when the reader may read more. */
  deliver(delivery: Delivery): Promise<void> | void;
  stateChanged(): void;
  /** The reader has closed because of an error. */
  failed(error: unknown): void;
}

/**
 * Reads a feed over its own connection, or over the connection that `share` provides, and delivers
 * to one sink.
 */
export class FeedReader {
  /** The position after the last delivery. */
  readonly position: Position = { cursor: undefined };
  readonly #options: FeedOptions;
  readonly #environment: Environment;
  readonly #sink: FeedSink;
  readonly #connection: Connection;
  /** Undefined if the feed has its own connection. */
  #shared: SharedConnection | undefined;

  constructor(options: FeedOptions, environment: Environment, sink: FeedSink) {
    this.#options = options;
    this.#environment = environment;
    this.#sink = sink;
    this.#connection = new Connection(options, environment, this.position, {
      deliver: (delivery, signal) =>
        this.#shared ? this.#shared.deliver(delivery, signal) : this.#deliver(delivery, signal),
      stateChanged: () => this.#changed(),
    });
  }

  get state(): FeedState {
    return (this.isClosed ? undefined : this.#shared?.state) ?? this.#connection.state;
  }

  get isClosed(): boolean {
    return this.#connection.isClosed;
  }

  /** Reads until the reader is closed. The cursor applies if the reader has no position yet. */
  async start(cursor: Promise<string | undefined> | string | undefined): Promise<void> {
    try {
      this.position.cursor ??= await cursor;
      this.#share();
      while (!this.isClosed) {
        if (this.#sink.whenNeeded?.()) await this.#pause();
        else if (this.#shared) await this.#shared.turn();
        else await this.#connection.turn();
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Aborts the request and clears the timers. */
  close(): void {
    this.#connection.close();
    void this.#stopSharing();
  }

  async #deliver(
    delivery: Delivery,
    signal: AbortSignal,
    filter = (unfiltered: Delivery): Delivery => unfiltered,
  ): Promise<void> {
    const { gap, cursor } = delivery;
    if (isAborted(signal)) return;
    if (gap) await this.#options.onGap?.(gap);
    if (this.#sink.whenNeeded?.() && !isAborted(signal)) await this.#pause();
    if (isAborted(signal)) return;
    this.position.cursor = cursor;
    await this.#sink.deliver(filter(delivery));
  }

  /**
   * Waits until the sink takes deliveries. Until then this feed does not read for the other feeds
   * of the shared connection.
   */
  async #pause(): Promise<void> {
    await this.#stopSharing();
    for (let needed; (needed = this.#sink.whenNeeded?.());) await needed;
    this.#share();
  }

  #share(): void {
    if (this.isClosed) return;
    this.#shared = this.#options.share?.join({
      options: this.#options,
      environment: this.#environment,
      own: this.position,
      connection: this.#connection,
      pollOwn: (handlers) =>
        new Connection({ ...this.#options, transport: 'poll' }, this.#environment, this.position, handlers),
      deliver: (delivery, signal, filter) => this.#deliver(delivery, signal, filter),
      changed: () => this.#changed(),
      failed: (error) => this.#fail(error),
      unavailable: () => void this.#stopSharing(),
    });
  }

  async #stopSharing(): Promise<void> {
    const shared = this.#shared;
    this.#shared = undefined;
    await shared?.leave();
  }

  #changed(): void {
    this.#sink.stateChanged();
    this.#shared?.stateChanged();
  }

  #fail(error: unknown): void {
    if (this.isClosed) return;
    this.#connection.dispatch({ type: 'refused' });
    this.close();
    this.#sink.failed(error);
  }
}
