import type { StoreAbilities } from '../../core/abilities.js';
import type { Timer } from '../../core/clock.js';
import { type Draft, logEntry, type LogEntry } from '../../core/notification.js';
import { resized } from '../../core/records.js';
import type { Removed, RemoveQuery } from '../../core/removal.js';
import type {
  Appended,
  AppendResult,
  HistoryQuery,
  ReadQuery,
  ReadResult,
  Store,
  StoreRuntime,
  Tail,
  TailBatch,
} from '../../core/store.js';
import { AGE_CHECK_MS_MIN, ageCheckMs } from '../shared/age-checks.js';
import { APPEND_QUEUE_LIMITS } from '../shared/append-queue.js';
import { type ClaimCall, type ClaimResult, Claims, tooManyClaims } from '../shared/claims.js';
import { type DraftArrays, GroupCommit } from '../shared/group-commit.js';
import { TailHub } from '../shared/tail-hub.js';
import { Outage, unavailable } from '../shared/unavailable.js';
import { CommitSignal } from './commit-signal.js';
import { isLogOf } from './continuity.js';
import { loadEngine } from './engine.js';
import { IdWindow, type Moment } from './id-window.js';
import { LogAccess } from './log-access.js';
import type { LogFile, LogState } from './log-file.js';
import type { SqliteStoreSettings } from './options.js';
import { removeTopic } from './removal.js';
import { isOver, REMOVE_MAX, removalOf, sizeOf, withSize } from './retention.js';

/** Delay before a failed read is retried; the file is local, so it needs no backoff. */
const RETRY_MS = 250;

/** The result of one transaction, returned after the transaction is on the disk. */
interface Written {
  readonly results: readonly AppendResult[];
  readonly batch: TailBatch;
  readonly moment: Moment;
}

export class SqliteStore implements Store, StoreAbilities {
  readonly #settings: SqliteStoreSettings;
  readonly #runtime: StoreRuntime;
  readonly #access: LogAccess;
  readonly #queue: GroupCommit;
  readonly #claims: Claims;
  readonly #hub: TailHub;
  readonly #ids: IdWindow;
  readonly #signal: CommitSignal;
  #version: number | undefined;
  #pollTimer: Timer;
  #ageTimer: Timer;
  #ageDue = true;
  #closed = false;

  private constructor(settings: SqliteStoreSettings, runtime: StoreRuntime, access: LogAccess) {
    const { clock } = runtime;
    this.#settings = settings;
    this.#runtime = runtime;
    this.#access = access;
    this.#ids = new IdWindow(settings);
    this.#queue = new GroupCommit({
      engine: 'sqlite',
      write: (arrays) => this.#write(arrays),
      clock,
      limits: APPEND_QUEUE_LIMITS,
    });
    this.#claims = new Claims({ engine: 'sqlite', clock, write: (call) => this.#claim(call) });
    this.#hub = new TailHub({ clock, readAfter: (after) => this.#chunkAfter(after), retryMs: () => RETRY_MS });
    const { path, pollMs } = settings;
    this.#signal = new CommitSignal({ path, pollMs, ...runtime, onSignal: () => this.#wakeTails() });
  }

  static async open(settings: SqliteStoreSettings, runtime: StoreRuntime): Promise<SqliteStore> {
    const { path, busyMs } = settings;
    const outage = new Outage('sqlite', runtime.logger);
    const access = new LogAccess({ path, busyMs, clock: runtime.clock, engine: await loadEngine(), outage });
    const store = new SqliteStore(settings, runtime, access);
    // An empty write reads the ids of the window, so that the first publish does not wait for them.
    try {
      await store.#write([]);
    } catch (error) {
      await access.close();
      throw error;
    }
    store.#checkAgeLater();
    return store;
  }

  async append(drafts: readonly Draft[]): Promise<AppendResult> {
    this.#assertOpen();
    for (const draft of drafts) assertStorable(draft);
    return this.#queue.append(drafts);
  }

  async read(query: ReadQuery | HistoryQuery): Promise<ReadResult> {
    this.#assertOpen();
    return this.#access.read((file) => {
      const page = file.page(query);
      this.#access.check(page);
      return page;
    });
  }

  async tail(after: number, onAppended: (batch: TailBatch) => void): Promise<Tail> {
    this.#assertOpen();
    const { epoch } = await this.#access.read((file) => file.state());
    this.#assertOpen();
    this.#signal.watch();
    const tail = this.#hub.open(epoch.id, after, onAppended);
    this.#pollLater();
    return tail;
  }

  async remove(query: RemoveQuery): Promise<Removed> {
    this.#assertOpen();
    return removeTopic(this.#access, query);
  }

  async claim(key: string, ttlMs: number): Promise<boolean> {
    this.#assertOpen();
    return this.#claims.claim(key, ttlMs);
  }

  async positionsOf(ids: readonly string[]): Promise<readonly (number | undefined)[]> {
    this.#assertOpen();
    return this.#access.read((file) =>
      file.snapshot(() => {
        const log = file.state();
        this.#access.check(log);
        this.#ids.catchUp(log, this.#now(), (position, count) => file.idsAfter(position, count));
        return ids.map((id) => this.#ids.positionOf(id));
      }),
    );
  }

  async indexPatterns(patterns: readonly string[]): Promise<void> {
    this.#assertOpen();
    await this.#access.write((file, { head }) => {
      file.patterns.declare(patterns, head);
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#runtime.clock.clearTimeout(this.#pollTimer);
    this.#runtime.clock.clearTimeout(this.#ageTimer);
    this.#signal.stop();
    await this.#hub.close();
    await this.#queue.idle();
    await this.#access.close();
  }

  #assertOpen(): void {
    if (this.#closed) throw unavailable('The sqlite store is closed.');
  }

  async #chunkAfter(after: number): ReturnType<TailHubReader> {
    return this.#access.read((file) => {
      const chunk = file.chunkAfter(after);
      this.#access.checkEntries(file, chunk);
      return chunk;
    });
  }

  async #write(arrays: DraftArrays): Promise<readonly AppendResult[]> {
    const { results, batch, moment } = await this.#access.write((file, log) => this.#writeUnderLock(arrays, file, log));
    const { entries, head } = batch;
    if (entries.length > 0) this.#signal.send();
    this.#ids.add(
      entries.map(({ id, position }) => ({ id, position, timeMs: moment.timeMs })),
      moment,
      head,
    );
    this.#access.saw(batch, entries.at(-1));
    if (entries.length > 0) this.#hub.deliverAppended(batch);
    return results;
  }

  #writeUnderLock(arrays: DraftArrays, file: LogFile, log: LogState): Written {
    const { epoch, head: after } = log;
    const moment = this.#now();
    this.#ids.catchUp(log, moment, (position, count) => file.idsAfter(position, count));
    const entries: LogEntry[] = [];
    const written = new Map<string, number>();
    const patterns = file.patterns.all();
    let size = sizeOf(log);
    const appendOne = (draft: Draft): Appended => {
      const first = this.#ids.positionOf(draft.id) ?? written.get(draft.id);
      if (first !== undefined) return { id: draft.id, position: first, duplicate: true };
      const entry = logEntry(after + entries.length + 1, draft);
      file.insert(entry, moment.timeMs);
      file.patterns.index(entry, patterns);
      entries.push(entry);
      written.set(entry.id, entry.position);
      size = resized(size, entry, 1);
      return { id: entry.id, position: entry.position, duplicate: false };
    };
    const results = arrays.map((drafts) => ({ epoch, appended: drafts.map(appendOne) }));
    const head = after + entries.length;
    if (head > Number.MAX_SAFE_INTEGER) throw unavailable('The sqlite store has no positions left; use a new file.');
    this.#trim(file, log, withSize({ ...log, head }, size));
    return { results, batch: { epoch, after, entries, head }, moment };
  }

  async #claim(call: ClaimCall): Promise<ClaimResult> {
    const { claimCount } = this.#settings;
    const result = await this.#access.write((file, log) => {
      // The file was replaced, and the new file lacks claims. A new epoch invalidates all tickets.
      const isRewound = isLogOf(log.epoch, call.epochId) && log.claims < call.known;
      return file.claims.claim(call, isRewound ? { ...log, epoch: file.renewEpoch() } : log, claimCount);
    });
    if (result.number === -1) throw tooManyClaims('sqlite', claimCount);
    return result;
  }

  #now(): Moment {
    const { clock } = this.#runtime;
    return { timeMs: clock.now(), monotonicMs: clock.monotonic() };
  }

  /** Writes the state of the log after this transaction, and removes entries beyond the bounds. */
  #trim(file: LogFile, before: LogState, after: LogState): void {
    let [trimmed, size] = [after.trimmed, sizeOf(after)];
    if (this.#ageDue || isOver(after, this.#settings)) {
      const oldest = file.sizesAfter(trimmed, REMOVE_MAX);
      const removal = removalOf(after, this.#settings, { oldest, nowMs: this.#runtime.clock.now() });
      if (removal.upTo > trimmed) {
        file.remove(trimmed, removal);
        trimmed = removal.upTo;
        size = removal.size;
      }
      // The batch was full, so more entries may be too old.
      this.#ageDue = oldest.length === REMOVE_MAX && oldest.at(-1)?.position === removal.upTo;
    }
    if (after.head > before.head || trimmed > before.trimmed) file.setState(withSize({ ...after, trimmed }, size));
  }

  /** Checks the age of the oldest entry, also without appends. */
  #checkAgeLater(): void {
    this.#ageTimer = this.#runtime.clock.setTimeout(
      () => {
        this.#ageDue = true;
        // `LogAccess` reports the error, and the next interval tries again.
        void this.#write([])
          .catch(() => undefined)
          .finally(() => {
            if (!this.#closed) this.#checkAgeLater();
          });
      },
      this.#ageDue ? AGE_CHECK_MS_MIN : ageCheckMs(this.#settings.retainMs),
    );
  }

  /**
   * Reads the appends of other processes. The tails have already received the appends of this
   * process.
   */
  #wakeTails(): void {
    const end = this.#access.end();
    if (end) this.#hub.wakeBehind(end);
    else this.#hub.wake();
  }

  /** Finds the appends of other processes also without a signal, while a tail is open. */
  #pollLater(): void {
    if (this.#pollTimer !== undefined || this.#closed) return;
    this.#pollTimer = this.#runtime.clock.setTimeout(() => {
      this.#pollTimer = undefined;
      if (this.#hub.count === 0) {
        this.#signal.stop();
        return;
      }
      this.#signal.watch();
      const version = this.#access.version();
      if (version === undefined || version !== this.#version) this.#hub.wake();
      this.#version = version;
      this.#pollLater();
    }, this.#settings.pollMs);
  }
}

type TailHubReader = ConstructorParameters<typeof TailHub>[0]['readAfter'];

/**
 * The engine would drop the rest of a text after a NUL. Checked JSON, ids and topics have no NUL.
 */
function assertStorable({ id, topic, json }: Draft): void {
  if (id.includes('\0') || topic.includes('\0') || json.includes('\0')) {
    throw new TypeError(`sqliteStore: the notification ${JSON.stringify(id)} holds a NUL character`);
  }
}
