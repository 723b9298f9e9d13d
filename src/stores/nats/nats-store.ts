import type { StoreAbilities } from '../../core/abilities.js';
import type { Clock } from '../../core/clock.js';
import type { Draft } from '../../core/notification.js';
import type { Removed, RemoveQuery } from '../../core/removal.js';
import { removalEnd } from '../../core/removal-end.js';
import {
  type AppendResult,
  END_OF_LOG,
  type HistoryQuery,
  type ReadQuery,
  type ReadResult,
  type Store,
  type StoreRuntime,
  type Tail,
  type TailBatch,
} from '../../core/store.js';
import { within } from '../../core/within.js';
import { Claims } from '../shared/claims.js';
import { retryMs } from '../shared/retry.js';
import { TailHub } from '../shared/tail-hub.js';
import { Outage, unavailable } from '../shared/unavailable.js';
import { Appends } from './appends.js';
import { ClaimStream } from './claim-stream.js';
import { noAnswer, REJECTED } from './client.js';
import { Engine } from './engine.js';
import { Follower } from './follower.js';
import { Lease } from './lease.js';
import type { NatsSettings } from './options.js';
import { LogStart } from './log-start.js';
import { Pages } from './pages.js';
import { Removal } from './removal.js';

/** Connects the parts of a node. `index.ts` explains how they keep the contract. */
export class NatsStore implements Store, StoreAbilities {
  readonly #settings: NatsSettings;
  readonly #clock: Clock;
  readonly #engine: Engine;
  readonly #follower: Follower;
  readonly #start: LogStart;
  readonly #pages: Pages;
  readonly #tails: TailHub;
  readonly #appends: Appends;
  readonly #claims: Claims;
  #closing: Promise<void> | undefined;

  private constructor(engine: Engine, settings: NatsSettings, { clock, logger }: StoreRuntime) {
    const outage = new Outage('nats', logger);
    this.#engine = engine;
    this.#settings = settings;
    this.#clock = clock;
    this.#follower = new Follower({
      engine,
      clock,
      settings,
      outage,
      onVisible: (batch) => this.#tails.deliverAppended(batch),
      onEpoch: () => this.#tails.wake(),
    });
    this.#start = new LogStart(engine);
    const { timeoutMs } = settings;
    this.#pages = new Pages({ engine, follower: this.#follower, start: this.#start, clock, timeoutMs });
    this.#tails = new TailHub({
      clock,
      readAfter: async (after) => {
        await this.#follower.readable(timeoutMs);
        return this.#pages.chunk(after);
      },
      retryMs,
    });
    const claims = new ClaimStream({ engine, follower: this.#follower, settings });
    this.#claims = new Claims({ engine: 'nats', clock, write: (call) => claims.write(call) });
    this.#appends = new Appends({ engine, follower: this.#follower, lease: new Lease(clock), settings, clock });
    void engine.watch({
      onChange: (connected) => {
        if (connected) this.#follower.hurry();
        else this.#follower.lost('the connection is lost');
      },
      onRejected: (message) => {
        logger.error(message);
      },
    });
  }

  static async open(settings: NatsSettings, runtime: StoreRuntime): Promise<NatsStore> {
    const store = new NatsStore(await Engine.connect(settings, runtime.clock), settings, runtime);
    try {
      await store.#follower.start();
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  async append(drafts: readonly Draft[]): Promise<AppendResult> {
    this.#assertUsable();
    return this.#bounded(this.#appends.append(drafts));
  }

  async read(query: ReadQuery | HistoryQuery): Promise<ReadResult> {
    this.#assertUsable();
    return this.#bounded(this.#whenReady(() => this.#pages.read(query)));
  }

  async tail(after: number, onAppended: (batch: TailBatch) => void): Promise<Tail> {
    this.#assertUsable();
    await this.#follower.readable(this.#settings.timeoutMs);
    return this.#tails.open(this.#follower.log.epoch.id, after, onAppended);
  }

  /** Each request is limited in time. The number of requests depends on the entries. */
  async remove({ topic, ...query }: RemoveQuery): Promise<Removed> {
    const { head, epoch } = await this.read(END_OF_LOG);
    const upTo = Math.min(removalEnd(epoch, query), head);
    const [engine, start, follower] = [this.#engine, this.#start, this.#follower];
    return new Removal({ engine, start, follower, epoch, head }).run(topic, upTo);
  }

  async claim(key: string, ttlMs: number): Promise<boolean> {
    this.#assertUsable();
    return this.#bounded(this.#claims.claim(key, ttlMs));
  }

  async positionsOf(ids: readonly string[]): Promise<readonly (number | undefined)[]> {
    this.#assertUsable();
    return this.#bounded(this.#whenReady(() => this.#pages.positionsOf(ids, this.#settings.timeoutMs)));
  }

  /** The server's index of subjects finds the topics of every pattern. */
  async indexPatterns(): Promise<void> {
    this.#assertUsable();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#tails.close();
    // Appends that were called before `close` are still written. They need the follower.
    await this.#appends.close();
    await this.#follower.close();
    await this.#engine.close();
  }

  async #whenReady<T>(read: () => Promise<T>): Promise<T> {
    await this.#follower.readable(this.#settings.timeoutMs);
    return read().catch(async (error: unknown) => {
      // The log may have changed its epoch. After the node has checked it, the read is repeated.
      if (this.#closing || !this.#engine.connected) throw error;
      await this.#follower.readable(this.#settings.timeoutMs);
      return read();
    });
  }

  /** Limits a call of several requests to the time of one request. */
  #bounded<T>(call: Promise<T>): Promise<T> {
    const { timeoutMs } = this.#settings;
    return within(call, { clock: this.#clock, timeoutMs, late: noAnswer });
  }

  #assertUsable(): void {
    if (this.#closing) throw unavailable('The NATS store is closed.');
    if (this.#engine.isRejected) throw unavailable(REJECTED);
  }
}
