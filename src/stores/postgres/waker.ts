import type { Clock } from '../../core/clock.js';
import { Pause } from '../../core/pause.js';
import type { StoreLogger } from '../../core/store.js';
import type { Database } from './database.js';
import { endsConnection, reasonOf } from './errors.js';
import type { Peers } from './peers.js';
import { CLEAN_UP_NOTIFICATIONS, NOTIFY } from './sql/statements.sql.js';

export interface WakerOptions {
  readonly database: Database;
  readonly channel: string;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly logger: StoreLogger;
  /** Milliseconds after which other nodes read without a wake-up; for the report. */
  readonly pollMs: number;
}

/**
 * A node sends at most one wake-up in this time, for all its appends in that time. A longer time
 * delays other nodes. With a shorter time, a publisher with one append in flight loses up to a
 * third of its throughput.
 */
const TICK_MS = 5;

/**
 * Wakes the other nodes after an append, in a separate transaction. PostgreSQL commits the
 * notifying transactions of the whole cluster one after another. PostgreSQL rejects these
 * transactions while its notification queue is full. This does not affect appends: without a
 * wake-up, the other nodes find them by polling.
 */
export class Waker {
  readonly #options: WakerOptions;
  readonly #tick: Pause;
  #sending: Promise<void> | undefined;
  #isDue = false;
  #hasFailed = false;

  constructor(options: WakerOptions) {
    this.#options = options;
    this.#tick = new Pause(options.clock);
  }

  wake(): void {
    if (!this.#options.peers.mayListen) return;
    this.#isDue = true;
    this.#sending ??= this.#send();
  }

  /** Sends the last wake-up without waiting for its tick. */
  async close(): Promise<void> {
    this.#tick.end();
    await this.#sending;
  }

  async #send(): Promise<void> {
    while (this.#isDue) {
      this.#isDue = false;
      await this.#notify();
      await this.#tick.run(TICK_MS);
    }
    this.#sending = undefined;
  }

  async #notify(): Promise<void> {
    const { database, channel, peers, logger, pollMs } = this.#options;
    try {
      if (this.#hasFailed) await database.query(CLEAN_UP_NOTIFICATIONS, [], () => undefined);
      await database.query(NOTIFY, [channel, peers.greeting], () => undefined);
      if (this.#hasFailed) logger.warn('The postgres store wakes other nodes again.');
      this.#hasFailed = false;
    } catch (error) {
      // A lost engine is not reported here, because calls report it.
      if (this.#hasFailed || endsConnection(error)) return;
      this.#hasFailed = true;
      logger.warn(
        `The postgres store cannot wake other nodes: ${reasonOf(error)}. They poll every ${pollMs} ms instead.`,
      );
    }
  }
}
