import type { Timer } from '../../core/clock.js';
import type { StoreAbilities } from '../../core/abilities.js';
import { type Draft, type LogEntry, logEntry } from '../../core/notification.js';
import type { AppendResult, ReadQuery, ReadResult, Store, StoreRuntime, Tail, TailBatch } from '../../core/store.js';
import { APPEND_QUEUE_LIMITS, AppendQueue, type DraftArrays } from '../shared/append-queue.js';
import { Claims } from '../shared/claims.js';
import { type LogChunk, TailHub } from '../shared/tail-hub.js';
import { Outage, unavailable } from '../shared/unavailable.js';
import { Claimant } from './claimant.js';
import { Database, listenConfig, loadPg, poolOf } from './database.js';
import { Listener, retryMs } from './listener.js';
import { LogAccess, type Seen } from './log-access.js';
import type { PostgresStoreSettings } from './options.js';
import { appendRow, positionRows, type ReadRows, readRows, resultsOf } from './rows.js';
import { calls } from './sql/calls.sql.js';
import { channelOf } from './sql/names.js';
import { positionsOf } from './sql/positions-of.sql.js';
import { readAfter } from './sql/read-after.sql.js';
import { readPage } from './sql/read-page.sql.js';

/** Entries that a tail takes at once, and about how many bytes of them. */
const CHUNK_COUNT = 1000;
const CHUNK_BYTES = 4 * 1024 * 1024;

/** Rows of the outbox moved in one transaction, and entries removed in one: appends wait for the first. */
const MOVE_MAX = 100;
const REMOVE_MAX = 2000;

/** Appended entries after which retention looks what is too many: a part of what is kept, within this bound. */
const TRIM_COUNT_MAX = 1000;
const TRIM_PART = 0.1;
/** How often the age of the oldest entry is looked at: a twentieth of what it may be, within these bounds. */
const AGE_CHECKS = 20;
const AGE_CHECK_MS_MIN = 50;
const AGE_CHECK_MS_MAX = 60_000;

/** Of the time that a call may take, how much of it the database waits for a lock: it should give up first. */
const LOCK_PART = 0.8;

/** A listener that is away for longer is worth a line; calls report the rest. */
const LISTENER_GRACE_MS = 10_000;

/** Work that runs beside calls, at most once at a time; what is asked for meanwhile is done after it. */
type Chore = 'move' | 'trim';

export class PostgresStore implements Store, StoreAbilities {
  readonly #settings: PostgresStoreSettings;
  readonly #runtime: StoreRuntime;
  readonly #access: LogAccess;
  readonly #queue: AppendQueue;
  readonly #claims: Claims;
  readonly #hub: TailHub;
  readonly #listener: Listener;
  readonly #sql: ReturnType<typeof calls> & Readonly<Record<'readPage' | 'readAfter' | 'positionsOf', string>>;
  readonly #chores = new Map<Chore, Promise<void>>();
  #lastEpochId = '';
  #appendedSinceTrim = 0;
  /** It has been reported that nothing listens. */
  #silent = false;
  #pollTimer: Timer;
  #ageTimer: Timer;
  #closed = false;

  private constructor(
    settings: PostgresStoreSettings,
    runtime: StoreRuntime,
    parts: { access: LogAccess; newListener: (onWake: () => void, onLost: () => void) => Listener },
  ) {
    const { clock } = runtime;
    const { schema } = settings;
    this.#settings = settings;
    this.#runtime = runtime;
    this.#access = parts.access;
    this.#sql = {
      ...calls(schema),
      readPage: readPage(schema),
      readAfter: readAfter(schema),
      positionsOf: positionsOf(schema),
    };
    this.#queue = new AppendQueue({
      engine: 'postgres',
      write: (arrays) => this.#write(arrays),
      defer: (task) => {
        clock.setImmediate(task);
      },
      limits: APPEND_QUEUE_LIMITS,
    });
    const claimant = new Claimant({ ...settings, access: parts.access, lockMs: this.#lockMs });
    this.#claims = new Claims({ engine: 'postgres', clock, write: (call) => claimant.write(call) });
    this.#hub = new TailHub({ clock, readAfter: (after) => this.#chunkAfter(after), retryMs });
    this.#listener = parts.newListener(
      () => {
        this.#hub.wakeNow();
      },
      () => {
        this.#access.lost();
      },
    );
  }

  static async open(settings: PostgresStoreSettings, runtime: StoreRuntime): Promise<PostgresStore> {
    const pg = await loadPg();
    const { clock, logger } = runtime;
    const { schema, timeoutMs } = settings;
    const { pool, owned } = poolOf(pg, settings);
    const onLost = (): void => {
      access.lost();
    };
    const database = new Database({ pool, owned, clock, timeoutMs, onLost });
    const lockMs = Math.ceil(timeoutMs * LOCK_PART);
    const access = new LogAccess({ database, schema, lockMs, clock, outage: new Outage('postgres', logger) });
    const newClient = () => new pg.Client(listenConfig(settings));
    const store = new PostgresStore(settings, runtime, {
      access,
      newListener: (onWake, onLost) =>
        new Listener({ clock, channel: channelOf(schema), timeoutMs, newClient, onWake, onLost }),
    });
    try {
      await store.#state();
    } catch (error) {
      await access.close();
      throw error;
    }
    store.#listener.start();
    store.#pollLater();
    store.#checkAgeLater();
    return store;
  }

  async append(drafts: readonly Draft[]): Promise<AppendResult> {
    this.#assertOpen();
    return this.#queue.append(drafts);
  }

  async read({ topics, after, limit, bytesMax }: ReadQuery): Promise<ReadResult> {
    this.#assertOpen();
    if (limit === 0 || topics.length === 0) return { ...(await this.#state()), entries: [], more: false };
    const values = [[...new Set(topics)], after, limit, bytesMax];
    const { outbox: _, ...page } = await this.#read(this.#sql.readPage, values);
    return page;
  }

  async tail(after: number, onAppended: (batch: TailBatch) => void): Promise<Tail> {
    this.#assertOpen();
    if (this.#lastEpochId === '') await this.#state();
    this.#assertOpen();
    return this.#hub.open(this.#lastEpochId, after, onAppended);
  }

  async claim(key: string, ttlMs: number): Promise<boolean> {
    this.#assertOpen();
    return this.#claims.claim(key, ttlMs);
  }

  async positionsOf(ids: readonly string[]): Promise<readonly (number | undefined)[]> {
    this.#assertOpen();
    return this.#access.ask(this.#sql.positionsOf, [ids], positionRows);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#runtime.clock.clearTimeout(this.#pollTimer);
    this.#runtime.clock.clearTimeout(this.#ageTimer);
    await Promise.all([this.#listener.close(), this.#hub.close(), this.#queue.idle()]);
    await Promise.all(this.#chores.values());
    await this.#access.close();
  }

  #assertOpen(): void {
    if (this.#closed) throw unavailable('The postgres store is closed.');
  }

  async #write(arrays: DraftArrays): Promise<readonly AppendResult[]> {
    const drafts = arrays.flat();
    const values = [
      drafts.map(({ id }) => id),
      drafts.map(({ topic }) => topic),
      drafts.map(({ json }) => json),
      this.#lockMs,
    ];
    const row = await this.#access.ask(this.#sql.append, values, appendRow);
    const entries = drafts.flatMap((draft, index) =>
      row.duplicates[index] ? [] : [logEntry(row.positions[index] ?? 0, draft)],
    );
    this.#saw(row.epoch.id, entries);
    if (entries.length > 0) {
      this.#hub.handOver({ epoch: row.epoch, after: row.before, entries, head: row.head });
      this.#countAppended(entries.length);
    }
    return resultsOf(arrays, row);
  }

  #state(): Promise<ReadRows> {
    return this.#read(this.#sql.readAfter, [Number.MAX_SAFE_INTEGER, 0, 0]);
  }

  async #chunkAfter(after: number): Promise<LogChunk> {
    const { epoch, entries, more, head, trimmed } = await this.#read(this.#sql.readAfter, [
      after,
      CHUNK_COUNT,
      CHUNK_BYTES,
    ]);
    return { epoch, entries, upTo: more ? (entries.at(-1)?.position ?? after) : head, head, trimmed };
  }

  #read(text: string, values: readonly unknown[]): Promise<ReadRows> {
    return this.#access.ask(text, values, (rows, seen) => {
      const read = readRows(rows);
      this.#access.check(read.epoch.id, read.head, seen);
      this.#saw(read.epoch.id, read.entries);
      if (read.outbox) this.#start('move', () => this.#moveOutbox());
      return read;
    });
  }

  #saw(epochId: string, entries: readonly LogEntry[]): void {
    this.#lastEpochId = epochId;
    const last = entries.at(-1);
    const seen: Seen | undefined = last && { epochId, position: last.position, id: last.id };
    if (seen) this.#access.saw(seen);
  }

  get #lockMs(): number {
    return Math.ceil(this.#settings.timeoutMs * LOCK_PART);
  }

  /** What was moved wakes all nodes like any append. */
  async #moveOutbox(): Promise<void> {
    let moved = MOVE_MAX;
    while (moved === MOVE_MAX && !this.#closed) {
      moved = await this.#access.ask(this.#sql.moveOutbox, [MOVE_MAX, this.#lockMs], ([row]) => Number(row?.moved));
    }
  }

  #countAppended(count: number): void {
    this.#appendedSinceTrim += count;
    if (this.#appendedSinceTrim < Math.min(TRIM_COUNT_MAX, this.#settings.retainCount * TRIM_PART)) return;
    this.#appendedSinceTrim = 0;
    this.#start('trim', () => this.#trim());
  }

  async #trim(): Promise<void> {
    const { retainCount, retainBytes, retainMs } = this.#settings;
    const values = [retainCount, retainBytes, retainMs, REMOVE_MAX];
    let removed = REMOVE_MAX;
    while (removed === REMOVE_MAX && !this.#closed) {
      removed = await this.#access.ask(this.#sql.trim, values, ([row]) => Number(row?.removed));
    }
  }

  /** What fails here has been reported, and is asked for again: by the next look at the log, or the next timer. */
  #start(chore: Chore, work: () => Promise<void>): void {
    if (this.#chores.has(chore) || this.#closed) return;
    const done = work()
      .catch(() => undefined)
      .finally(() => {
        this.#chores.delete(chore);
      });
    this.#chores.set(chore, done);
  }

  /** In case a wake-up was lost, or nothing listens. */
  #pollLater(): void {
    this.#pollTimer = this.#runtime.clock.setTimeout(() => {
      this.#reportListener();
      if (this.#hub.count > 0) this.#hub.wake();
      else this.#start('move', () => this.#moveOutbox());
      this.#pollLater();
    }, this.#settings.pollMs);
  }

  /** Calls report that the engine is gone; this is for a listener that is alone in being cut off. */
  #reportListener(): void {
    const { silentMs } = this.#listener;
    const { logger } = this.#runtime;
    if (silentMs === 0 && this.#silent) {
      logger.warn('The postgres store has a connection that listens again.');
      this.#silent = false;
    } else if (silentMs > LISTENER_GRACE_MS && !this.#silent) {
      logger.warn(
        `The postgres store has no connection that listens; it looks every ${this.#settings.pollMs} ms instead.`,
      );
      this.#silent = true;
    }
  }

  /** Removes what is too old also when nothing is appended. */
  #checkAgeLater(): void {
    const dueMs = Math.min(AGE_CHECK_MS_MAX, Math.max(AGE_CHECK_MS_MIN, this.#settings.retainMs / AGE_CHECKS));
    this.#ageTimer = this.#runtime.clock.setTimeout(() => {
      this.#start('trim', () => this.#trim());
      this.#checkAgeLater();
    }, dueMs);
  }
}
