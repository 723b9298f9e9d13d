import type { Timer } from '../../core/clock.js';
import type { StoreAbilities } from '../../core/abilities.js';
import { type Draft, type LogEntry, logEntry } from '../../core/notification.js';
import { isPattern } from '../../core/patterns.js';
import type { Removed, RemoveQuery } from '../../core/removal.js';
import type {
  AppendResult,
  Epoch,
  HistoryQuery,
  ReadQuery,
  ReadResult,
  Store,
  StoreRuntime,
  Tail,
  TailBatch,
} from '../../core/store.js';
import { APPEND_QUEUE_LIMITS } from '../shared/append-queue.js';
import { Claims } from '../shared/claims.js';
import { type DraftArrays, GroupCommit } from '../shared/group-commit.js';
import { retryMs } from '../shared/retry.js';
import { CHUNK_BYTES, CHUNK_COUNT, type LogChunk, TailHub } from '../shared/tail-hub.js';
import { Outage, unavailable } from '../shared/unavailable.js';
import { Chores } from './chores.js';
import { Claimant } from './claimant.js';
import { Database, listenConfig, loadPg, poolOf } from './database.js';
import { Listener } from './listener.js';
import { LogAccess } from './log-access.js';
import type { PostgresStoreSettings } from './options.js';
import { Peers } from './peers.js';
import { removeTopic } from './removal.js';
import { Retention } from './retention.js';
import { appendRow, logRow, movedRow, positionRows, readRows, resultsOf } from './rows.js';
import { channelOf } from './sql/names.js';
import { readAfter } from './sql/read-after.sql.js';
import { type ReadPages, readPages } from './sql/read-page.sql.js';
import { type Statements, statements } from './sql/statements.sql.js';
import { unindexPatterns } from './unindexing.js';
import { Waker } from './waker.js';

/**
 * The maximum number of publications, and the approximate maximum of bytes, that one transaction
 * moves from the outbox. Appends wait for that transaction.
 */
const MOVE_MAX = 100;
const MOVE_BYTES = 1024 * 1024;
/**
 * The part of a call's timeout that the database waits for a lock. So the database gives up before
 * the client.
 */
const LOCK_PART = 0.8;

/** A listener that has no connection for this time is reported. Calls report a lost engine. */
const LISTENER_GRACE_MS = 10_000;

interface PostgresStoreParts {
  readonly database: Database;
  readonly access: LogAccess;
  readonly waker: Waker;
  readonly newListener: (onWake: () => void, onLost: () => void) => Listener;
}

export class PostgresStore implements Store, StoreAbilities {
  readonly #settings: PostgresStoreSettings;
  readonly #runtime: StoreRuntime;
  readonly #access: LogAccess;
  readonly #queue: GroupCommit;
  readonly #claims: Claims;
  readonly #hub: TailHub;
  readonly #listener: Listener;
  readonly #waker: Waker;
  readonly #sql: Statements & ReadPages & Readonly<Record<'readAfter', string>>;
  readonly #chores: Chores;
  readonly #retention: Retention;
  /** The loss of the listener has been reported. */
  #isSilent = false;
  #pollTimer: Timer;
  #closed = false;

  private constructor(settings: PostgresStoreSettings, runtime: StoreRuntime, parts: PostgresStoreParts) {
    const { clock } = runtime;
    const { schema } = settings;
    this.#settings = settings;
    this.#runtime = runtime;
    this.#access = parts.access;
    this.#waker = parts.waker;
    this.#retention = new Retention({
      ...{ settings, clock, access: parts.access },
      onDue: () => {
        this.#chores.start('trim');
      },
      onVacuumDue: () => {
        this.#chores.start('vacuum');
      },
    });
    this.#sql = {
      ...statements(schema),
      ...readPages(schema),
      readAfter: readAfter(schema),
    };
    this.#chores = new Chores(runtime.logger, {
      move: () => this.#moveOutbox(),
      trim: () => this.#retention.trim(),
      unindex: () => unindexPatterns({ access: parts.access, schema, isClosed: () => this.#closed }),
      // The server completes a vacuum even if the call times out.
      vacuum: () => parts.database.query(this.#sql.vacuum, [], () => undefined),
    });
    this.#queue = new GroupCommit({
      engine: 'postgres',
      write: (arrays) => this.#write(arrays),
      clock,
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
    const access = new LogAccess({ database, schema, lockMs, logger, outage: new Outage('postgres', logger) });
    const newClient = () => new pg.Client(listenConfig(settings));
    const peers = new Peers(clock);
    const store = new PostgresStore(settings, runtime, {
      database,
      access,
      waker: new Waker({ database, channel: channelOf(schema), peers, clock, logger, pollMs: settings.pollMs }),
      newListener: (onWake, onLost) => new Listener({ clock, schema, peers, timeoutMs, newClient, onWake, onLost }),
    });
    try {
      await store.#state();
    } catch (error) {
      await access.close();
      throw error;
    }
    store.#listener.start();
    store.#pollLater();
    store.#retention.start();
    return store;
  }

  async append(drafts: readonly Draft[]): Promise<AppendResult> {
    this.#assertOpen();
    return this.#queue.append(drafts);
  }

  async read({ topics, after, before, limit, bytesMax }: ReadQuery | HistoryQuery): Promise<ReadResult> {
    this.#assertOpen();
    if (limit === 0 || topics.length === 0) return this.#state();
    const pages = before === undefined ? this.#sql.after : this.#sql.before;
    return this.#read(topics.some(isPattern) ? pages.names : pages.topics, [
      [...new Set(topics)],
      after ?? before,
      limit,
      bytesMax,
    ]);
  }

  async tail(after: number, onAppended: (batch: TailBatch) => void): Promise<Tail> {
    this.#assertOpen();
    return this.#hub.open(this.#access.epoch?.id ?? '', after, onAppended);
  }

  async remove(query: RemoveQuery): Promise<Removed> {
    this.#assertOpen();
    const { schema } = this.#settings;
    const onVacuumDue = (): void => {
      this.#chores.start('vacuum');
    };
    return removeTopic({ access: this.#access, schema, lockMs: this.#lockMs, onVacuumDue }, query);
  }

  async claim(key: string, ttlMs: number): Promise<boolean> {
    this.#assertOpen();
    return this.#claims.claim(key, ttlMs);
  }

  async positionsOf(ids: readonly string[]): Promise<readonly (number | undefined)[]> {
    this.#assertOpen();
    return this.#access.call(this.#sql.positionsOf, [ids], (rows, known) => {
      for (const row of rows.slice(0, 1)) this.#access.check(logRow(row), known);
      return positionRows(rows);
    });
  }

  async indexPatterns(patterns: readonly string[]): Promise<void> {
    this.#assertOpen();
    await this.#access.call(this.#sql.indexPatterns, [patterns, this.#lockMs], () => undefined);
    this.#chores.start('unindex');
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#runtime.clock.clearTimeout(this.#pollTimer);
    this.#retention.close();
    await Promise.all([this.#listener.close(), this.#hub.close(), this.#queue.idle()]);
    await this.#chores.close();
    await this.#waker.close();
    await this.#access.close();
  }

  #assertOpen(): void {
    if (this.#closed) throw unavailable('The postgres store is closed.');
  }

  async #write(arrays: DraftArrays): Promise<readonly AppendResult[]> {
    const drafts = arrays.flat();
    const { seen } = this.#access;
    const values = [
      drafts.map(({ id }) => id),
      drafts.map(({ topic }) => topic),
      drafts.map(({ json }) => json),
      ...[this.#lockMs, seen?.epochId ?? null, seen?.position ?? null],
    ];
    const row = await this.#access.call(this.#sql.append, values, (rows) => {
      const appended = appendRow(rows);
      this.#access.checkAppended(appended.epochId, appended.head);
      return appended;
    });
    const epoch = await this.#access.epochOf(row.epochId, row.head);
    const entries = drafts.flatMap((draft, index) =>
      row.duplicates[index] ? [] : [logEntry(row.positions[index] ?? 0, draft)],
    );
    this.#saw(epoch, entries);
    if (entries.length > 0) {
      this.#waker.wake();
      this.#hub.deliverAppended({ epoch, after: row.before, entries, head: row.head });
      this.#retention.countAppended(
        entries.length,
        entries.reduce((sum, { bytes }) => sum + bytes, 0),
      );
    }
    return resultsOf(arrays, epoch, row);
  }

  #state(): Promise<ReadResult> {
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

  #read(text: string, values: readonly unknown[]): Promise<ReadResult> {
    return this.#access.call(text, values, (rows, known) => {
      const { entries, more, head, trimmed, outbox, ...log } = readRows(rows);
      this.#access.check(log, known);
      this.#access.checkHead(head, known);
      if (head > 0) this.#access.saw({ epochId: known.epoch.id, position: head });
      this.#saw(known.epoch, entries);
      if (outbox) this.#chores.start('move');
      return { epoch: known.epoch, entries, more, head, trimmed };
    });
  }

  #saw({ id: epochId }: Epoch, entries: readonly LogEntry[]): void {
    const last = entries.at(-1);
    if (last) this.#access.saw({ epochId, position: last.position, id: last.id });
  }

  get #lockMs(): number {
    return Math.ceil(this.#settings.timeoutMs * LOCK_PART);
  }

  async #moveOutbox(): Promise<void> {
    const values = [MOVE_MAX, MOVE_BYTES, this.#lockMs];
    for (let done = false; !done && !this.#closed;) {
      const { moved, rejected, entries, bytes } = await this.#access.work(this.#sql.moveOutbox, values, movedRow);
      if (moved > 0) {
        this.#retention.countAppended(entries, bytes);
        this.#waker.wake();
        this.#hub.wake();
      }
      if (rejected > 0) {
        const table = `${this.#settings.schema}.outbox_rejected`;
        this.#runtime.logger.error(`${rejected} publications cannot be appended; the table ${table} keeps them.`);
      }
      done = moved + rejected === 0;
    }
  }

  /** Polls the log, because a wake-up may be lost. */
  #pollLater(): void {
    this.#pollTimer = this.#runtime.clock.setTimeout(() => {
      this.#reportListener();
      if (this.#hub.count > 0) this.#hub.wake();
      else this.#chores.start('move');
      this.#pollLater();
    }, this.#settings.pollMs);
  }

  /** Reports a listener that cannot connect while calls succeed. */
  #reportListener(): void {
    const { silentMs } = this.#listener;
    const { logger } = this.#runtime;
    if (silentMs === 0 && this.#isSilent) {
      logger.warn('The postgres store listens for wake-ups again.');
      this.#isSilent = false;
    } else if (silentMs > LISTENER_GRACE_MS && !this.#isSilent) {
      logger.warn(
        `The postgres store has no connection that listens; it polls every ${this.#settings.pollMs} ms instead.`,
      );
      this.#isSilent = true;
    }
  }
}
