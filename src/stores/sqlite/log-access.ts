import type { Clock } from '../../core/clock.js';
import { NotificationsError } from '../../core/errors.js';
import type { LogEntry } from '../../core/notification.js';
import { pause } from '../../core/pause.js';
import { type Outage, unavailable } from '../shared/unavailable.js';
import { type Held, holdsEntry, isContinued, renewal, type Seen } from './continuity.js';
import { type Engine, isBusy, reasonOf } from './engine.js';
import { LogFile, type LogState } from './log-file.js';

export interface LogAccessOptions {
  readonly path: string;
  readonly busyMs: number;
  readonly clock: Clock;
  readonly engine: Engine;
  readonly outage: Outage;
}

/**
 * How soon a call tries again to take a lock. It is the shortest timer, because the lock is free
 * for moments only.
 */
const BUSY_RETRY_MS = 1;
/**
 * How long a process that has just committed leaves the lock to others that wait for it: some of
 * their attempts.
 */
const GIVE_WAY_MS = 5;

/** The file has changed; it must be opened again. */
class FileChanged extends Error {}

/**
 * Access to the file under failures. It waits for locks, and opens the file again after a failure
 * or after another file has replaced it. It begins a new epoch if positions are no longer reliable.
 * All other errors become `store_unavailable`, within `busyMs`.
 */
export class LogAccess {
  readonly #options: LogAccessOptions;
  #file: LogFile | undefined;
  /** The file must be opened again before its next use, by the task that has the turn. */
  #suspect = false;
  #seen: Seen | undefined;
  /** When this process has committed last, and the version of the file then. */
  #committed = { version: 0, atMs: -Infinity };
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: LogAccessOptions) {
    this.#options = options;
  }

  assertOpen(): void {
    if (this.#closed) throw unavailable('The sqlite store is closed.');
  }

  /** Reads; `task` does not wait for anything. */
  async read<T>(task: (file: LogFile) => T): Promise<T> {
    return this.#attempt(async () => {
      const usable = this.#usable();
      return task(usable ?? (await this.#exclusive(() => this.#opened())));
    });
  }

  /** Writes in one transaction. Tasks of this process run in turn, under the file's write lock. */
  write<T>(task: (file: LogFile, log: LogState) => T): Promise<T> {
    return this.#exclusive(async () => {
      await this.#giveWay();
      return this.#attempt(async () => {
        const file = await this.#opened();
        this.#begin(file);
        if (file.checkpointDue) {
          await this.#checkpoint(file);
          this.#begin(file);
        }
        try {
          const log = file.state();
          this.#assertHolds(file, log);
          const result = task(file, log);
          await file.commit();
          this.#committed = { version: file.version, atMs: this.#options.clock.monotonic() };
          return result;
        } catch (error) {
          await file.rollback();
          throw error;
        }
      });
    });
  }

  /** Remembers the end of the log, and its newest entry where that is known. */
  saw({ epoch: { id: epochId }, head }: Pick<LogState, 'epoch' | 'head'>, newest?: LogEntry): void {
    const seen = this.#seen;
    const isNewer = newest && newest.position > (seen?.entry?.position ?? 0);
    if (seen?.epochId === epochId && seen.head >= head && !isNewer) return;
    this.#seen = {
      epochId,
      head: seen?.epochId === epochId ? Math.max(seen.head, head) : head,
      entry: isNewer ? { position: newest.position, id: newest.id } : seen?.entry,
    };
  }

  /**
   * Checks that a log that was just read continues what this process has seen, and remembers its
   * end.
   */
  check(log: Pick<LogState, 'epoch' | 'head'>): void {
    this.#assertContinues(log);
    this.saw(log);
  }

  /** The same, and the newest entry that this process has seen must still be in the log. */
  checkEntries(file: LogFile, log: Held & { readonly entries: readonly LogEntry[] }): void {
    this.#assertHolds(file, log);
    this.saw(log, log.entries.at(-1));
  }

  /** Changes when another process may have changed the log. It never throws: the next read does. */
  version(): number | undefined {
    try {
      return this.#usable()?.version;
    } catch {
      return undefined;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#exclusive(async () => {
      await this.#file?.close();
      this.#file = undefined;
    });
  }

  /** A failure shows at the commit too, unless it is over by then. */
  async #checkpoint(file: LogFile): Promise<void> {
    await file.checkpoint().catch(() => undefined);
    // The write-ahead log starts again with the first transaction that begins when all of it is in
    // the file.
    await file.rollback();
  }

  #begin(file: LogFile): void {
    try {
      file.begin();
    } catch (error) {
      file.showWaiting();
      throw error;
    }
  }

  /**
   * Leaves the lock to another process that waits for it, until that one has committed. The process
   * that has committed last would win again and again: it tries at once, others when their timers
   * fire.
   */
  async #giveWay(): Promise<void> {
    const { clock } = this.#options;
    const { version, atMs } = this.#committed;
    const file = this.#usable();
    if (!file?.othersWait) return;
    while (clock.monotonic() - atMs < GIVE_WAY_MS && file.version === version) await pause(clock, BUSY_RETRY_MS);
  }

  #usable(): LogFile | undefined {
    return this.#suspect || this.#file?.moved ? undefined : this.#file;
  }

  #assertContinues(log: Pick<LogState, 'epoch' | 'head'>): void {
    if (this.#seen && !isContinued(log, this.#seen)) throw new FileChanged();
  }

  #assertHolds(file: LogFile, log: Held): void {
    this.#assertContinues(log);
    if (this.#seen && !holdsEntry(log, this.#seen, (position) => file.idAt(position))) throw new FileChanged();
  }

  /** The file, opened again if need be. Only in the turn of this process. */
  async #opened(): Promise<LogFile> {
    this.assertOpen();
    const usable = this.#usable();
    if (usable) return usable;
    this.#file?.discard();
    this.#file = undefined;
    const { path, engine } = this.#options;
    const file = await LogFile.open(path, engine);
    try {
      await this.#adopt(file);
    } catch (error) {
      file.discard();
      throw error;
    }
    this.#suspect = false;
    return (this.#file = file);
  }

  /** Renews the epoch, unless this process has seen all of the log that the file holds. */
  async #adopt(file: LogFile): Promise<void> {
    file.begin();
    try {
      const log = file.state();
      const idAt = (position: number): string | undefined => file.idAt(position);
      const before = renewal(log, { seen: this.#seen, origin: file.claim(), idAt });
      const epoch = before ? file.renewEpoch(before) : log.epoch;
      await file.commit();
      this.#seen = { epochId: epoch.id, head: log.head, entry: before ? undefined : this.#seen?.entry };
    } catch (error) {
      await file.rollback();
      throw error;
    }
  }

  async #attempt<T>(task: () => Promise<T>): Promise<T> {
    const { clock, busyMs, outage } = this.#options;
    const giveUpAtMs = clock.monotonic() + busyMs;
    for (;;) {
      this.assertOpen();
      const mark = outage.mark();
      try {
        const result = await task();
        outage.recovered(mark);
        return result;
      } catch (error) {
        if (isProgramError(error)) throw error;
        if (!isBusy(error)) this.#suspect = true;
        if (!(isBusy(error) || error instanceof FileChanged) || clock.monotonic() >= giveUpAtMs) {
          outage.lost(reasonOf(error), mark);
          throw unavailable('The sqlite store is unavailable.', error);
        }
      }
      await pause(clock, BUSY_RETRY_MS);
    }
  }

  /** Runs tasks one after another, also after a failure. */
  #exclusive<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(task);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

/** An error of this code, which must not look like an outage of the engine. */
function isProgramError(error: unknown): boolean {
  return error instanceof NotificationsError || error instanceof TypeError || error instanceof RangeError;
}
