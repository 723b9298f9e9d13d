import type { Clock } from '../../core/clock.js';
import { NotificationsError } from '../../core/errors.js';
import { newEpoch } from '../shared/epoch.js';
import { type Outage, unavailable } from '../shared/unavailable.js';
import type { Database, Row, Values } from './database.js';
import { isDataError, isLogChanged, LogChanged, reasonOf } from './errors.js';
import { migrate } from './migrations.js';
import { calls } from './sql/calls.sql.js';

export interface LogAccessOptions {
  readonly database: Database;
  readonly schema: string;
  /** How long functions of the schema wait for their lock; less than a call may take. */
  readonly lockMs: number;
  readonly outage: Outage;
  readonly clock: Clock;
}

/** The last entry that this node knows: it must still be there, or it is another log. */
export interface Seen {
  readonly epochId: string;
  readonly position: number;
  readonly id: string;
}

/** A drained pool of errors would hide a schema that somebody keeps dropping. */
const ATTEMPTS_MAX = 2;

/**
 * Access to the log through whatever happens to it. After every failure, before anything else is asked, it makes sure
 * that the schema is there and that the log still holds what was seen in it, or gets a new epoch.
 */
export class LogAccess {
  readonly #options: LogAccessOptions;
  #ready: Promise<void> | undefined;
  #seen: Seen | undefined;
  #closed = false;

  constructor(options: LogAccessOptions) {
    this.#options = options;
  }

  /** Runs one statement and makes something of its rows. Rejects with `store_unavailable`, or with what blames values. */
  async ask<T>(text: string, values: Values, use: (rows: Row[], seen: Seen | undefined) => T): Promise<T> {
    const { database, outage } = this.#options;
    for (let attempt = 1; ; attempt++) {
      this.#assertOpen();
      const mark = outage.mark();
      try {
        await (this.#ready ??= this.#makeReady());
        // What is known before the question is asked: the answer may not be older than that.
        const seen = this.#seen;
        const result = use(await database.query(text, values), seen);
        outage.recovered(mark);
        return result;
      } catch (error) {
        if (error instanceof NotificationsError || isDataError(error)) throw error;
        this.lost();
        if (isLogChanged(error) && attempt < ATTEMPTS_MAX) continue;
        if (!this.#closed) outage.lost(reasonOf(error), mark);
        throw unavailable('The postgres store is unavailable.', error);
      }
    }
  }

  /** Remembers an entry, if it is the last one. */
  saw({ epochId, position, id }: Seen): void {
    if (this.#seen?.epochId === epochId && this.#seen.position >= position) return;
    this.#seen = { epochId, position, id };
  }

  /** @throws LogChanged if a log of the same epoch ends before what had been seen in it */
  check(epochId: string, head: number, seen: Seen | undefined): void {
    if (seen?.epochId === epochId && head < seen.position) throw new LogChanged('the log was rewound');
  }

  /** A connection was lost; who knows what is at the other end of the next one. */
  lost(): void {
    this.#ready = undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#ready?.catch(() => undefined);
    await this.#options.database.close();
  }

  async #makeReady(): Promise<void> {
    const { database, schema, lockMs } = this.#options;
    await migrate(database, schema);
    const { epochId, position, id } = this.#seen ?? { epochId: null, position: 0, id: null };
    const epoch = newEpoch();
    await database.query(calls(schema).verify, [epochId, position, id, epoch.id, epoch.secret, lockMs]);
  }

  #assertOpen(): void {
    if (this.#closed) throw unavailable('The postgres store is closed.');
  }
}
