import { NotificationsError } from '../../core/errors.js';
import type { StoreRuntime } from '../../core/store.js';
import { within } from '../../core/within.js';
import { clientFactory, dropSocketTimers, whenReady } from './clients.js';
import { EngineCheck } from './engine-check.js';
import { Outage } from '../shared/unavailable.js';
import { isBehind, isReply, isWrongPassword, reasonOf, unavailable, wrongPassword } from './errors.js';
import type { LogState } from './log-state.js';
import type { RedisStoreSettings } from './options.js';
import type { RedisClient } from './script.js';

const ACCEPTS_ALONE =
  'redisStore: Redis has replicas, but min-replicas-to-write is not set. A primary that loses its replicas continues ' +
  'to accept notifications. A failover then loses these notifications. Set min-replicas-to-write 1, or the option wait.';

export interface ConnectionOptions {
  readonly settings: RedisStoreSettings;
  readonly runtime: StoreRuntime;
  readonly state: LogState;
  /** Called on every wake-up, and whenever a wake-up may have been lost. */
  readonly onWake: () => void;
}

/**
 * The connections of one node: one for commands, one that is subscribed to the wake-ups, and with
 * `wait` one for appends, because WAIT blocks its connection. The number of connections does not
 * depend on the number of HTTP clients. A Cluster's client has connections of its own for all of
 * these.
 */
export class Connection {
  readonly #settings: RedisStoreSettings;
  readonly #runtime: StoreRuntime;
  readonly #channel: string;
  readonly #state: LogState;
  readonly #check: EngineCheck;
  readonly #onWake: () => void;
  /**
   * Commands that a reachable engine rejects: missing rights, full memory, or the engine is a
   * replica. Appends are counted separately, because reads may still work.
   */
  readonly #refused: Readonly<Record<'append' | 'other', Outage>>;
  readonly #pending = new Set<Promise<unknown>>();
  /** Clients that have lost their connection. */
  readonly #down = new Set<RedisClient>();
  #clients: RedisClient[] = [];
  #commands!: RedisClient;
  #appends!: RedisClient;
  #subscriber!: RedisClient;
  #phase: 'opening' | 'open' | 'closing' | 'closed' = 'opening';
  #lastError: unknown;
  #refusal: NotificationsError | undefined;
  #isLossReported = false;
  #isAloneReported = false;
  #isMemoryReported = false;

  private constructor({ settings, runtime, state, onWake }: ConnectionOptions, check: EngineCheck) {
    this.#settings = settings;
    this.#runtime = runtime;
    this.#channel = `{${settings.prefix}}:wake`;
    this.#state = state;
    this.#check = check;
    this.#onWake = onWake;
    const outage = (): Outage => new Outage('redis', runtime.logger);
    this.#refused = { append: outage(), other: outage() };
  }

  /** Rejects with `store_unavailable` when the engine cannot be reached in time. */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const { settings } = options;
    const connection = new Connection(options, await EngineCheck.of(`{${settings.prefix}}:meta`));
    const make = await clientFactory(settings);
    try {
      connection.#make(make);
      await connection.#within(Promise.all(connection.#clients.map((client) => connection.#ready(client, true))));
      connection.#phase = 'open';
      return connection;
    } catch (error) {
      await connection.close();
      if (error instanceof RangeError) throw error;
      throw connection.#failed(error);
    }
  }

  /**
   * The client for all commands except appends. This getter and `appends` throw
   * `store_unavailable` while their client cannot be used.
   */
  get commands(): RedisClient {
    this.assertOpen();
    return this.#usable(this.#commands);
  }

  /** The client for appends. It also sends appends that were accepted before `stopCalls`. */
  get appends(): RedisClient {
    return this.#usable(this.#appends);
  }

  /**
   * The result of a sent command; `store_unavailable` if it fails or takes longer than `timeoutMs`.
   */
  async settled<T>(command: Promise<T>, kind: 'append' | 'other' = 'other'): Promise<T> {
    const refused = this.#refused[kind];
    const mark = refused.mark();
    this.#pending.add(command);
    try {
      const result = await this.#within(command);
      refused.recovered(mark);
      return result;
    } catch (error) {
      this.#state.failed(error);
      if (isReply(error)) refused.lost(reasonOf(error), mark);
      throw this.#failed(error);
    } finally {
      this.#pending.delete(command);
    }
  }

  /**
   * Sends a ping on the subscribed connection to detect a lost connection: the engine sends no
   * other answers there. Also checks the settings of the engine again.
   */
  probe(): void {
    if (!this.#subscriber.isCluster && this.#subscriber.status === 'ready') {
      this.#subscriber.ping().catch(() => undefined);
    }
    if (this.#commands.status === 'ready') this.#inspect().catch(() => undefined);
  }

  assertOpen(): void {
    if (this.#phase === 'closing' || this.#phase === 'closed') throw unavailable('The Redis store is closed.');
  }

  /** New calls are rejected from now on. */
  stopCalls(): void {
    if (this.#phase !== 'closed') this.#phase = 'closing';
  }

  /** Waits for the calls in flight; each is bounded. */
  async close(): Promise<void> {
    this.#phase = 'closed';
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
      // The next engine at this address may have other settings.
      this.#state.synced = false;
      if (this.#phase !== 'open') return;
      // While the engine is behind, every new connection is closed. The calls report that state.
      if (this.#down.size === 0 && !this.#state.isBehind) {
        const reason = this.#lastError === undefined ? '' : ` (${reasonOf(this.#lastError)})`;
        this.#runtime.logger.warn(`redisStore: connection lost${reason}; trying to reconnect`);
        this.#isLossReported = true;
      }
      this.#down.add(client);
    });
    client.on('ready', () => {
      if (this.#phase === 'open') void this.#onReconnected(client);
    });
  }

  async #onReconnected(client: RedisClient): Promise<void> {
    try {
      await this.#ready(client, false);
    } catch (error) {
      // After a closed client has reconnected, this method runs again. The error of a connected
      // client is logged.
      if (client.status === 'ready') this.#runtime.logger.error(`redisStore: ${reasonOf(error)}`);
      return;
    }
    if (client.status !== 'ready') return;
    const wasDown = this.#down.delete(client);
    if (wasDown && this.#down.size === 0) {
      this.#lastError = undefined;
      if (this.#isLossReported) this.#runtime.logger.warn('redisStore: connected again');
      this.#isLossReported = false;
    }
    this.#onWake();
  }

  /** The steps before a connected client can be used. */
  async #ready(client: RedisClient, first: boolean): Promise<void> {
    if (first) await whenReady(client);
    if (client === this.#subscriber) await client.subscribe(this.#channel);
    if (client === this.#commands) await this.#inspect();
  }

  async #inspect(): Promise<void> {
    const { logger } = this.#runtime;
    const { refusal, synced, acceptsAlone, memoryBytesMax } = await this.#check.report(this.#commands);
    this.#state.synced = synced;
    this.#reportMemory(memoryBytesMax);
    if (acceptsAlone && !this.#settings.wait && !this.#isAloneReported) {
      this.#isAloneReported = true;
      logger.warn(ACCEPTS_ALONE);
    }
    if (refusal !== undefined && this.#phase === 'opening') throw unavailable(refusal);
    if (refusal !== undefined && !this.#refusal) logger.error(`redisStore: ${refusal}`);
    this.#refusal = refusal === undefined ? undefined : unavailable(refusal);
  }

  /** Warns once if the engine rejects appends before the log reaches `retainBytes`. */
  #reportMemory(memoryBytesMax: number): void {
    const { retainBytes } = this.#settings;
    if (memoryBytesMax === 0 || memoryBytesMax > retainBytes || this.#isMemoryReported) return;
    this.#isMemoryReported = true;
    this.#runtime.logger.warn(
      `redisStore: retainBytes is ${retainBytes}, but Redis has maxmemory ${memoryBytesMax}. If its memory is full before ` +
        'retention removes old notifications, it rejects every publish. Lower retainBytes, or raise maxmemory.',
    );
  }

  #usable(client: RedisClient): RedisClient {
    if (this.#phase === 'closed') throw unavailable('The Redis store is closed.');
    if (this.#refusal) throw unavailable('Redis does not meet the requirements of the store.', this.#refusal);
    if (client.status !== 'ready') throw this.#unreachable('Redis cannot be reached.');
    return client;
  }

  #within<T>(promise: Promise<T>): Promise<T> {
    const { clock } = this.#runtime;
    const { timeoutMs } = this.#settings;
    const late = (): Error => this.#unreachable(`Redis has not answered within ${timeoutMs} ms (timeoutMs).`);
    return within(promise, { clock, timeoutMs, late });
  }

  #unreachable(message: string): NotificationsError {
    return isWrongPassword(this.#lastError) ? wrongPassword(this.#lastError) : unavailable(message, this.#lastError);
  }

  #failed(error: unknown): NotificationsError {
    if (error instanceof NotificationsError) return error;
    if (isWrongPassword(error)) return wrongPassword(error);
    if (isBehind(error))
      return unavailable('Redis has an older log than this node knows; a failover may be in progress.', error);
    return unavailable(`Redis has failed: ${reasonOf(error)}`, error);
  }
}
