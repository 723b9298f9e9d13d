import { NotificationsError } from '../../core/errors.js';
import { positionIn } from '../../core/page.js';
import type { Epoch, PastEpoch, StoreLogger } from '../../core/store.js';
import { type Outage, unavailable } from '../shared/unavailable.js';
import type { Database, Row, Statement, Values } from './database.js';
import { isDataError, isLogChanged, LogChanged, OutdatedServer, reasonOf } from './errors.js';
import { migrate } from './migrations.js';
import { type EpochRow, epochRow, type LogRow } from './rows.js';
import { statements } from './sql/statements.sql.js';

export interface LogAccessOptions {
  readonly database: Database;
  readonly schema: string;
  /**
   * Milliseconds that an SQL function waits for its lock. It is less than the timeout of a call.
   */
  readonly lockMs: number;
  readonly outage: Outage;
  readonly logger: StoreLogger;
}

/** The last entry that this node knows. A log that lacks it is another log. */
export interface Seen {
  readonly epochId: string;
  readonly position: number;
  /** Undefined if only the position is known. */
  readonly id?: string | undefined;
}

/** The state that this node knows at the start of a call. The answer must not be older. */
export interface Known {
  readonly epoch: Epoch;
  readonly seen: Seen | undefined;
}

/**
 * Attempts of one call. The epoch may change more than once in a failover, as each node reports the
 * losses that it finds.
 */
const ATTEMPTS_MAX = 4;

/**
 * Access to the log that continues after failures of the engine. Every answer names its epoch and
 * engine. If an answer names another epoch or engine, or a call fails, the log is verified before
 * the next call. If entries are missing, the verification begins a new epoch.
 */
export class LogAccess {
  readonly #options: LogAccessOptions;
  #ready: Promise<Epoch> | undefined;
  #epoch: Epoch | undefined;
  #seen: Seen | undefined;
  #closed = false;

  constructor(options: LogAccessOptions) {
    this.#options = options;
  }

  /** The epoch of the last answers. */
  get epoch(): Epoch | undefined {
    return this.#epoch;
  }

  get seen(): Seen | undefined {
    return this.#seen;
  }

  /**
   * Runs one statement and uses its rows. Rejects with `store_unavailable`, or with the engine's
   * error about invalid values.
   */
  call<T>(statement: Statement, values: Values, use: (rows: Row[], known: Known) => T): Promise<T> {
    return this.#attempt((known) => this.#options.database.query(statement, values, (rows) => use(rows, known)));
  }

  /** Like `call`, for background work. It reports no outage, because calls may still succeed. */
  async work<T>(text: string, values: Values, use: (rows: Row[]) => T): Promise<T> {
    return this.#attempt(() => this.#options.database.query(text, values, use), false);
  }

  /**
   * The newest epoch, for an append that got positions up to `head` in the epoch `epochId`.
   * @throws NotificationsError `store_unavailable` if the log has lost that append
   */
  async epochOf(epochId: string, head: number): Promise<Epoch> {
    if (this.#epoch?.id === epochId) return this.#epoch;
    this.lost();
    const epoch = await this.#attempt(async (known) => known.epoch);
    if (positionIn(epoch, { epochId, position: head }) !== undefined) return epoch;
    throw unavailable('The postgres store lost the notifications during the append.');
  }

  /** Remembers an entry if it is the last one. */
  saw({ epochId, position, id }: Seen): void {
    const seen = this.#seen;
    const isNewer = seen?.epochId !== epochId || position > seen.position;
    if (!isNewer && !(position === seen.position && seen.id === undefined)) return;
    if (this.#epoch?.id === epochId) this.#seen = { epochId, position, id };
  }

  /**
   * @throws LogChanged if the answer is from another engine or epoch
   */
  check({ epochId, isCurrent }: LogRow, { epoch }: Known): void {
    if (epochId !== epoch.id && isPast(this.#epoch, epochId)) throw new OutdatedServer();
    if (!isCurrent || epochId !== epoch.id || epochId !== this.#epoch?.id) throw new LogChanged();
  }

  /**
   * @throws OutdatedServer if an outdated server assigned the positions up to `head` to an append
   */
  checkAppended(epochId: string, head: number): void {
    if (!this.#epoch || !isPast(this.#epoch, epochId)) return;
    if (positionIn(this.#epoch, { epochId, position: head }) === undefined) throw new OutdatedServer();
  }

  /**
   * @throws LogChanged if the log of the same epoch ends before the last known entry
   */
  checkHead(head: number, { seen }: Known): void {
    if (seen && head < seen.position) throw new LogChanged('the log was rewound');
  }

  /** Called when a connection is lost: the next one may reach another engine. */
  lost(): void {
    this.#ready = undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#ready?.catch(() => undefined);
    await this.#options.database.close();
  }

  async #attempt<T>(task: (known: Known) => Promise<T>, isCall = true): Promise<T> {
    const { outage } = this.#options;
    for (let attempt = 1; ; attempt++) {
      this.#assertOpen();
      const mark = outage.mark();
      const ready = (this.#ready ??= this.#makeReady());
      try {
        const epoch = await ready;
        const result = await task({ epoch, seen: this.#seen?.epochId === epoch.id ? this.#seen : undefined });
        if (isCall) outage.recovered(mark);
        return result;
      } catch (error) {
        if (error instanceof NotificationsError || isDataError(error)) throw error;
        this.#discard(ready);
        if (isLogChanged(error) && attempt < ATTEMPTS_MAX) continue;
        if (!this.#closed && isCall) outage.lost(reasonOf(error), mark);
        throw unavailable('The postgres store is unavailable.', error);
      }
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw unavailable('The postgres store is closed.');
  }

  /** Forgets this verification, unless another call has already started a newer one. */
  #discard(ready: Promise<Epoch>): void {
    if (this.#ready === ready) this.lost();
  }

  async #makeReady(): Promise<Epoch> {
    await migrate(this.#options.database, this.#options.schema);
    for (;;) {
      const { epoch, isLossFound } = await this.#verify();
      const seen = this.#seen;
      const past = epoch.before?.find(({ id }) => id === seen?.epochId);
      if (isLossFound) this.#reportLoss(seen, past);
      // The old engine acknowledged an append during `verify`, and the log lacks it. The next
      // `verify` finds this loss.
      if (seen && past && seen.position > past.upTo && past.lost !== true) continue;
      if (this.#epoch?.id !== epoch.id) {
        this.#epoch = epoch;
        this.#seen = seen && positionIn(epoch, seen) && { ...seen, epochId: epoch.id };
      }
      return epoch;
    }
  }

  #verify(): Promise<EpochRow> {
    const { database, schema, lockMs } = this.#options;
    const { epochId = null, position = 0, id = null } = this.#seen ?? {};
    return database.query(statements(schema).verify, [epochId, position, id, lockMs], (rows) => {
      const row = epochRow(rows);
      if (isPast(this.#epoch, row.epoch.id)) throw new OutdatedServer();
      return row;
    });
  }

  /** @param past the epoch of the last known entry, if the log continues it */
  #reportLoss(seen: Seen | undefined, past: PastEpoch | undefined): void {
    this.#options.logger.error(
      seen && !(past && seen.position <= past.upTo)
        ? `The database has lost acknowledged notifications up to position ${seen.position}: it was restored, or a ` +
            'standby that lacked them was promoted. Clients get a gap.'
        : 'The database was promoted or recovered, and notifications that this node has not read may be lost. Clients ' +
            'get a gap.',
    );
  }
}

function isPast(epoch: Epoch | undefined, id: string): boolean {
  return epoch?.before?.some((past) => past.id === id) === true;
}
