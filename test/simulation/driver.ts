import type { Timer } from '../../src/core/clock.js';
import type { Draft } from '../../src/core/notification.js';
import type { Removed, RemoveQuery } from '../../src/core/removal.js';
import type {
  AppendResult,
  HistoryQuery,
  PatternIndex,
  ReadQuery,
  ReadResult,
  Store,
  Tail,
  TailBatch,
} from '../../src/core/store.js';
import { TailHub } from '../../src/stores/shared/tail-hub.js';
import type { Random } from '../support/random.js';
import type { Counters } from './counters.js';
import { type Engine, unavailable } from './engine.js';
import type { ProcessClock } from './process-clock.js';

/** A node's store, and the faults of its connection. */
export interface NodeStore extends Store, PatternIndex {
  readonly faults: { commitMs: number; slowMs: number; wakes: 'told' | 'lost' | 'repeated' };
  /** True while a call is in flight. */
  readonly isBusy: boolean;
  /** Drops all calls in flight, and rejects new ones until `restore`. */
  cut(): void;
  restore(): void;
  /** Delivers the last batch again, as a driver may after it has reconnected. */
  repeatBatch(): void;
  /** Called when the process has ended: no call or timer continues. */
  abandon(): void;
}

/** Interval of reads without a wake-up. */
const LOOK_EVERY_MS = 400;
const RETRY_MS_MAX = 200;
/** Delays of one direction. Most are 0, so that events coincide. */
const WAYS_MS = [0, 0, 0, 1, 2, 6];

export interface DriverOptions {
  readonly engine: Engine;
  readonly clock: ProcessClock;
  readonly random: Random;
  readonly counters: Counters;
  /** Violations that the driver has found. */
  readonly failures: string[];
}

/**
 * A node's connection to the engine, as in real drivers. Tails share reads; a tail also reads at
 * intervals, because wake-ups may be lost. The connection is slow, or is cut with answers in
 * flight, and reconnects.
 */
export class EngineDriver implements NodeStore {
  /** Faults that the world sets. */
  readonly faults = { isCut: false, slowMs: 0, wakes: 'told' as 'told' | 'lost' | 'repeated', commitMs: 0 };
  readonly #options: DriverOptions;
  readonly #hub: TailHub;
  #epochId = '';
  #connection = 0;
  #isClosed = false;
  readonly #underWay = new Set<Promise<unknown>>();
  /** Wake-ups in flight. */
  readonly #wakes = new Set<Timer>();
  #lastBatch: (() => void) | undefined;
  #looking: Timer;

  constructor(options: DriverOptions) {
    const { clock, engine } = options;
    this.#options = options;
    this.#hub = new TailHub({
      clock,
      readAfter: (after) => this.#ask(() => engine.readAfter(after)),
      retryMs: (attempt) => Math.min(25 * 2 ** attempt, RETRY_MS_MAX),
    });
    engine.listeners.add(this.#onWake);
  }

  get isBusy(): boolean {
    return this.#underWay.size > 0;
  }

  async append(drafts: readonly Draft[]): Promise<AppendResult> {
    const { engine, random } = this.#options;
    const commitMs = this.faults.commitMs > 0 ? random.from(1, this.faults.commitMs) : random.pick(WAYS_MS);
    const { result, batch } = await this.#ask(() => engine.append(drafts, commitMs));
    if (batch) this.#hub.deliverAppended(batch);
    return result;
  }

  async remove(query: RemoveQuery): Promise<Removed> {
    return this.#ask(() => this.#options.engine.remove(query));
  }

  async read(query: ReadQuery | HistoryQuery): Promise<ReadResult> {
    const { engine, counters, random } = this.#options;
    if (query.limit > 0) counters.storeReads++;
    const { epoch, head } = engine;
    // The call reads the log when it arrives, or later.
    const result = await this.#ask(() => engine.read(query), random.chance(0.5));
    if (engine.head !== head || engine.epoch !== epoch) counters.readsOvertaken++;
    if (query.limit === 0) this.#epochId = result.epoch.id;
    return result;
  }

  /** The engine finds the topics of every pattern, as NATS does. */
  async indexPatterns(): Promise<void> {
    await this.#ask(() => undefined);
  }

  async tail(after: number, onAppended: (batch: TailBatch) => void): Promise<Tail> {
    const { counters, engine, failures } = this.#options;
    await this.#ask(() => undefined);
    let last = { epochId: this.#epochId, head: after };
    const tail = this.#hub.open(this.#epochId, after, (batch) => {
      if (batch.after > last.head && batch.epoch.id === last.epochId) {
        counters.holesInTails++;
        const isOfRetention = engine.epoch.id !== last.epochId || batch.after <= engine.trimmed;
        if (!isOfRetention) failures.push(`a tail leaves out what stands between ${last.head} and ${batch.after}`);
      }
      last = { epochId: batch.epoch.id, head: batch.head };
      this.#lastBatch = () => {
        onAppended(batch);
      };
      onAppended(batch);
    });
    this.#look();
    return tail;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#connection++;
    this.#options.engine.listeners.delete(this.#onWake);
    for (const timer of [this.#looking, ...this.#wakes]) this.#options.clock.clearTimeout(timer);
    await this.#hub.close();
    await Promise.allSettled(this.#underWay);
  }

  abandon(): void {
    this.#options.engine.listeners.delete(this.#onWake);
  }

  cut(): void {
    this.faults.isCut = true;
    this.#connection++;
  }

  restore(): void {
    if (!this.faults.isCut) return;
    this.faults.isCut = false;
    this.#options.counters.tailsResumed++;
    this.#hub.wakeNow();
  }

  repeatBatch(): void {
    if (this.#isClosed || !this.#lastBatch) return;
    this.#options.counters.batchesRepeated++;
    this.#lastBatch();
  }

  #look(): void {
    this.#looking = this.#options.clock.setTimeout(() => {
      this.#hub.wake();
      this.#look();
    }, LOOK_EVERY_MS);
  }

  readonly #onWake = (): void => {
    const { random, counters, clock } = this.#options;
    if (this.faults.isCut) return;
    if (this.faults.wakes === 'lost') {
      counters.wakesLost++;
      return;
    }
    const times = this.faults.wakes === 'repeated' ? 2 : 1;
    if (times > 1) counters.wakesRepeated++;
    for (let count = 0; count < times; count++) {
      const wake = clock.setTimeout(() => {
        this.#wakes.delete(wake);
        this.#hub.wake();
      }, random.pick(WAYS_MS));
      this.#wakes.add(wake);
    }
  };

  #ask<T>(question: () => T | Promise<T>, isSlowThere = false): Promise<T> {
    const call = this.#thereAndBack(question, isSlowThere).finally(() => this.#underWay.delete(call));
    this.#underWay.add(call);
    return call;
  }

  /** Either the call or its answer is slow. */
  async #thereAndBack<T>(question: () => T | Promise<T>, isSlowThere: boolean): Promise<T> {
    const { clock, random, engine, counters } = this.#options;
    const connection = this.#connection;
    const slowMs = this.faults.slowMs > 0 ? random.from(1, this.faults.slowMs) : 0;
    const assertThere = (): void => {
      if (!this.#isClosed && !this.faults.isCut && connection === this.#connection) return;
      counters.readsCut++;
      throw unavailable('the connection is cut');
    };
    assertThere();
    await clock.pass(random.pick(WAYS_MS) + (isSlowThere ? slowMs : 0));
    assertThere();
    engine.assertUp();
    const answer = await question();
    assertThere();
    await clock.pass(random.pick(WAYS_MS) + (isSlowThere ? 0 : slowMs));
    assertThere();
    return answer;
  }
}
