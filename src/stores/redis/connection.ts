import { NotificationsError } from '../../core/errors.js';
import type { StoreRuntime } from '../../core/store.js';
import { checkEviction, clientFactory, dropSocketTimers, whenReady } from './clients.js';
import { Outage } from '../shared/unavailable.js';
import { isReply, reasonOf, unavailable } from './errors.js';
import type { RedisStoreSettings } from './options.js';
import type { RedisClient } from './script.js';

/**
 * The connections of one node, whatever the number of its clients: one for commands, one that is subscribed to the
 * wake-ups, and with `wait` one for appends, because WAIT blocks the connection that it is sent on. (A Cluster's client
 * has connections of its own for all of these.)
 */
export class Connection {
  readonly #settings: RedisStoreSettings;
  readonly #runtime: StoreRuntime;
  readonly #channel: string;
  /** Called on every wake-up, and whenever one may have been missed. */
  readonly #onWake: () => void;
  /**
   * Commands that a reachable engine answers with an error: no rights, no memory, a replica. Appends apart, since reads may
   * go on working meanwhile.
   */
  readonly #refused: Readonly<Record<'append' | 'other', Outage>>;
  readonly #pending = new Set<Promise<unknown>>();
  /** Clients that have lost their connection. */
  readonly #down = new Set<RedisClient>();
  #clients: RedisClient[] = [];
  #commands!: RedisClient;
  #appends!: RedisClient;
  #subscriber!: RedisClient;
  #state: 'opening' | 'open' | 'closed' = 'opening';
  #lastError: unknown;
  #refusal: unknown;

  private constructor(settings: RedisStoreSettings, runtime: StoreRuntime, onWake: () => void) {
    this.#settings = settings;
    this.#runtime = runtime;
    this.#channel = `{${settings.prefix}}:wake`;
    this.#onWake = onWake;
    const outage = (): Outage => new Outage('redis', runtime.logger);
    this.#refused = { append: outage(), other: outage() };
  }

  /** Rejects with `store_unavailable` when the engine cannot be reached in time. */
  static async open(settings: RedisStoreSettings, runtime: StoreRuntime, onWake: () => void): Promise<Connection> {
    const connection = new Connection(settings, runtime, onWake);
    const make = await clientFactory(settings);
    try {
      connection.#make(make);
      await connection.#within(Promise.all(connection.#clients.map((client) => connection.#ready(client, true))));
      connection.#state = 'open';
      return connection;
    } catch (error) {
      await connection.close();
      if (error instanceof RangeError) throw error;
      throw connection.#failed(error);
    }
  }

  /** For everything but appends. Like `appends`, it throws `store_unavailable` while it is of no use. */
  get commands(): RedisClient {
    return this.#usable(this.#commands);
  }

  get appends(): RedisClient {
    return this.#usable(this.#appends);
  }

  /** The result of a command under way, or `store_unavailable` when it fails or takes longer than `timeoutMs`. */
  async settled<T>(command: Promise<T>, kind: 'append' | 'other' = 'other'): Promise<T> {
    const refused = this.#refused[kind];
    const mark = refused.mark();
    this.#pending.add(command);
    try {
      const result = await this.#within(command);
      refused.recovered(mark);
      return result;
    } catch (error) {
      if (isReply(error)) refused.lost(reasonOf(error), mark);
      throw this.#failed(error);
    } finally {
      this.#pending.delete(command);
    }
  }

  /**
   * Makes the engine answer on the connection that it otherwise never owes anything, so that a dead one is noticed, and
   * looks whether it is still one that the log can be in.
   */
  probe(): void {
    if (!this.#subscriber.isCluster && this.#subscriber.status === 'ready') {
      this.#subscriber.ping().catch(() => undefined);
    }
    if (this.#commands.status === 'ready') this.#checkEviction().catch(() => undefined);
  }

  assertOpen(): void {
    if (this.#state === 'closed') throw unavailable('The Redis store is closed.');
  }

  /** Lets calls under way end first; each is bounded. */
  async close(): Promise<void> {
    this.#state = 'closed';
    await Promise.allSettled([...this.#pending].map((command) => this.#within(command)));
    for (const client of this.#clients) client.disconnect();
  }

  #make(make: () => RedisClient): void {
    const add = (): RedisClient => {
      const client = make();
      this.#clients.push(client);
      this.#watch(client);
      return client;
    };
    this.#commands = add();
    const single = !this.#commands.isCluster;
    this.#subscriber = single ? add() : this.#commands;
    this.#appends = single && this.#settings.wait ? add() : this.#commands;
    this.#subscriber.on('message', this.#onWake);
  }

  #watch(client: RedisClient): void {
    dropSocketTimers(client);
    client.on('error', (error: unknown) => {
      this.#lastError = error;
    });
    client.on('close', () => {
      if (this.#state !== 'open') return;
      if (this.#down.size === 0) {
        const reason = this.#lastError === undefined ? '' : ` (${reasonOf(this.#lastError)})`;
        this.#runtime.logger.warn(`redisStore: connection lost${reason}; trying to reconnect`);
      }
      this.#down.add(client);
    });
    client.on('ready', () => {
      if (this.#state === 'open') void this.#onReconnected(client);
    });
  }

  async #onReconnected(client: RedisClient): Promise<void> {
    try {
      await this.#ready(client, false);
    } catch (error) {
      // Closed again: the next attempt comes here. Otherwise it is something that an operator has to know.
      if (client.status === 'ready') this.#runtime.logger.error(`redisStore: ${reasonOf(error)}`);
      return;
    }
    if (client.status !== 'ready') return;
    const wasDown = this.#down.delete(client);
    if (wasDown && this.#down.size === 0) {
      this.#lastError = undefined;
      this.#runtime.logger.warn('redisStore: connected again');
    }
    this.#onWake();
  }

  /** What has to be done whenever a client has connected, before it is of use. */
  async #ready(client: RedisClient, first: boolean): Promise<void> {
    if (first) await whenReady(client);
    if (client === this.#subscriber) await client.subscribe(this.#channel);
    if (client === this.#commands) await this.#checkEviction();
  }

  async #checkEviction(): Promise<void> {
    try {
      await checkEviction(this.#commands);
      this.#refusal = undefined;
    } catch (error) {
      if (!(error instanceof NotificationsError)) throw error;
      if (this.#refusal === undefined && this.#state === 'open')
        this.#runtime.logger.error(`redisStore: ${error.message}`);
      this.#refusal = error;
      if (this.#state === 'opening') throw error;
    }
  }

  #usable(client: RedisClient): RedisClient {
    this.assertOpen();
    if (this.#refusal !== undefined) throw unavailable('Redis is refused.', this.#refusal);
    if (client.status !== 'ready') throw unavailable('Redis cannot be reached.', this.#lastError);
    return client;
  }

  async #within<T>(promise: Promise<T>): Promise<T> {
    const { clock } = this.#runtime;
    const { timeoutMs } = this.#settings;
    let timer: unknown;
    const late = new Promise<never>((_, reject) => {
      timer = clock.setTimeout(() => {
        reject(unavailable(`Redis has not answered within ${timeoutMs} ms (timeoutMs).`, this.#lastError));
      }, timeoutMs);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clock.clearTimeout(timer);
    }
  }

  #failed(error: unknown): NotificationsError {
    if (error instanceof NotificationsError) return error;
    return unavailable(`Redis has failed: ${reasonOf(error)}`, error);
  }
}
