import type { Client } from 'pg';
import type { Clock, Timer } from '../../core/clock.js';
import { CHECK_CONNECTION, listen } from './sql/statements.sql.js';

export interface ListenerOptions {
  readonly clock: Clock;
  readonly schema: string;
  readonly timeoutMs: number;
  readonly newClient: () => Client;
  /**
   * There may be new notifications: a wake-up arrived, or one was missed while nothing listened.
   */
  readonly onWake: () => void;
  /** The connection is lost, and the next one may reach another engine. */
  readonly onLost: () => void;
}

/** The interval in which an idle connection is checked. */
const CHECK_MS = 15_000;
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 1_000;

/**
 * The pause before a retry. It grows with each attempt, and differs between nodes to spread their
 * retries.
 */
export function retryMs(attempt: number): number {
  const ms = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(attempt, 10));
  return Math.ceil(ms * (0.5 + Math.random() / 2));
}

/**
 * The one connection that listens. A wake-up carries no data and only starts a read, so a lost one
 * costs time and no notification. A lost connection is replaced until the listener is closed.
 */
export class Listener {
  readonly #options: ListenerOptions;
  #client: Client | undefined;
  #timer: Timer;
  #attempt = 0;
  #silentSinceMs: number;
  #closed = false;
  #settled: Promise<void> = Promise.resolve();

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
    if (client) await this.#end(client);
  }

  async #connect(): Promise<void> {
    const { schema, onWake } = this.#options;
    let client: Client | undefined;
    try {
      client = this.#options.newClient();
      client.on('error', () => undefined);
      await client.connect();
      await this.#query(client, listen(schema));
      if (this.#closed) {
        await this.#end(client);
        return;
      }
      this.#listen(client);
      onWake();
    } catch {
      if (client) await this.#end(client);
      this.#retryLater();
    }
  }

  #listen(client: Client): void {
    this.#client = client;
    this.#attempt = 0;
    client.on('notification', this.#options.onWake);
    const lost = (): void => {
      if (this.#client !== client) return;
      this.#client = undefined;
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
      this.#query(client, CHECK_CONNECTION).then(() => {
        if (this.#client === client && !this.#closed) this.#checkLater(client, lost);
      }, lost);
    }, CHECK_MS);
  }

  #retryLater(): void {
    if (this.#closed) return;
    this.#timer = this.#options.clock.setTimeout(() => {
      this.start();
    }, retryMs(this.#attempt++));
  }

  async #query(client: Client, text: string): Promise<void> {
    const query = { text, query_timeout: this.#options.timeoutMs };
    await client.query(query);
  }

  /** Ends the connection, and does not wait long for an engine that does not answer. */
  async #end(client: Client): Promise<void> {
    client.removeListener('notification', this.#options.onWake);
    const { clock, timeoutMs } = this.#options;
    await new Promise<void>((resolve) => {
      const timer = clock.setTimeout(resolve, Math.min(timeoutMs, 1_000));
      client
        .end()
        .catch(() => undefined)
        .finally(() => {
          clock.clearTimeout(timer);
          resolve();
        });
    });
  }
}
