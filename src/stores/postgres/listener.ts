import type { Client, Notification } from 'pg';
import type { Clock, Timer } from '../../core/clock.js';
import { within } from '../../core/within.js';
import { retryMs } from '../shared/retry.js';
import { NoAnswer } from './errors.js';
import type { Peers } from './peers.js';
import { channelOf } from './sql/names.js';
import { GREET, listen } from './sql/statements.sql.js';

export interface ListenerOptions {
  readonly clock: Clock;
  readonly schema: string;
  readonly peers: Peers;
  readonly timeoutMs: number;
  readonly newClient: () => Client;
  /**
   * There may be new notifications: a wake-up arrived, or the connection was lost for some time.
   */
  readonly onWake: () => void;
  /** The connection is lost, and the next one may reach another engine. */
  readonly onLost: () => void;
}

/**
 * The interval of greetings to other nodes (see `peers.ts`). A greeting also checks the connection.
 */
const CHECK_MS = 15_000;
/** The types of `pg` lack the process id that the engine has sent. */
type ListenClient = Client & { readonly processID?: number };

/** Milliseconds that the listener waits for a connection to close. */
const END_MS_MAX = 1_000;

/**
 * The one connection that listens. A wake-up carries no data and only starts a read. So a lost
 * wake-up delays notifications and loses none. A lost connection is replaced until the listener is
 * closed.
 */
export class Listener {
  readonly #options: ListenerOptions;
  #client: Client | undefined;
  #timer: Timer;
  #attempt = 0;
  #silentSinceMs: number;
  #closed = false;
  #settled: Promise<void> = Promise.resolve();
  #isGreeting = false;
  #isGreetingDue = false;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#silentSinceMs = options.clock.monotonic();
  }

  /** Milliseconds since the connection was lost; 0 while it listens. */
  get silentMs(): number {
    return this.#client ? 0 : this.#options.clock.monotonic() - this.#silentSinceMs;
  }

  start(): void {
    this.#settled = this.#connect();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#options.clock.clearTimeout(this.#timer);
    await this.#settled;
    const client = this.#client;
    this.#client = undefined;
    if (client) await this.#end(client, true);
  }

  async #connect(): Promise<void> {
    const { schema, peers, onWake } = this.#options;
    let opened: Client | undefined;
    try {
      const client = (opened = this.#options.newClient());
      client.on('error', () => undefined);
      await client.connect();
      client.on('notification', (notification) => this.#hear(client, notification));
      peers.reset();
      await this.#query(client, listen(schema));
      await this.#send(client, peers.greeting);
      if (this.#closed) {
        await this.#end(client);
        return;
      }
      this.#listen(client);
      onWake();
    } catch {
      if (opened) await this.#end(opened);
      this.#retryLater();
    }
  }

  #listen(client: Client): void {
    this.#client = client;
    this.#attempt = 0;
    const lost = (): void => {
      if (this.#client !== client) return;
      this.#client = undefined;
      this.#options.peers.reset();
      this.#silentSinceMs = this.#options.clock.monotonic();
      this.#options.clock.clearTimeout(this.#timer);
      if (this.#closed) return;
      this.#options.onLost();
      this.#settled = this.#end(client);
      this.#retryLater();
    };
    client.on('error', lost);
    client.on('end', lost);
    this.#checkLater(client, lost);
  }

  #checkLater(client: Client, lost: () => void): void {
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#send(client, this.#options.peers.greeting).then(() => {
        if (this.#client === client && !this.#closed) this.#checkLater(client, lost);
      }, lost);
    }, CHECK_MS);
  }

  /** A node ignores its own wake-ups, because it delivers its own appends without a read. */
  #hear(client: ListenClient, { payload, processId }: Notification): void {
    if (this.#closed) return;
    const sender = this.#options.peers.hear(payload, processId === client.processID);
    if (sender === 'self') return;
    if (sender === 'newcomer') this.#greet();
    this.#options.onWake();
  }

  /**
   * Answers a new node. The answer also wakes that node, so it reads appends for which no wake-up
   * was sent.
   */
  #greet(): void {
    this.#isGreetingDue = true;
    if (!this.#isGreeting) void this.#sendGreetings();
  }

  async #sendGreetings(): Promise<void> {
    this.#isGreeting = true;
    while (this.#isGreetingDue && this.#client) {
      this.#isGreetingDue = false;
      // This error is ignored: the loss is reported elsewhere, and the next connection sends a
      // greeting.
      await this.#send(this.#client, this.#options.peers.greeting).catch(() => undefined);
    }
    this.#isGreeting = false;
  }

  #retryLater(): void {
    if (this.#closed) return;
    this.#timer = this.#options.clock.setTimeout(() => {
      this.start();
    }, retryMs(this.#attempt++));
  }

  #send(client: Client, message: string): Promise<void> {
    return this.#query(client, GREET, [channelOf(this.#options.schema), message]);
  }

  async #query(client: Client, text: string, values: string[] = []): Promise<void> {
    const query = { text, values, query_timeout: this.#options.timeoutMs };
    await client.query(query);
  }

  /** Ends the connection, and does not wait long for an engine that does not answer. */
  async #end(client: Client, isFarewell = false): Promise<void> {
    client.removeAllListeners('notification');
    const { clock, peers, timeoutMs } = this.#options;
    const farewell = isFarewell ? this.#send(client, peers.farewell) : Promise.resolve();
    const ended = farewell.catch(() => undefined).then(() => client.end());
    const late = (): Error => new NoAnswer('the connection has not ended in time');
    await within(ended, { clock, timeoutMs: Math.min(timeoutMs, END_MS_MAX), late }).catch(() => undefined);
  }
}
