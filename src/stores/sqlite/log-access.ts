import type { Clock } from '../../core/clock.js';
import { NotificationsError } from '../../core/errors.js';
import type { LogEntry } from '../../core/notification.js';
import { pause } from '../../core/pause.js';
import type { LogEnd } from '../shared/tail-hub.js';
import { type Outage, unavailable } from '../shared/unavailable.js';
import { type Held, holdsEntry, isContinued, renewal, type Seen } from './continuity.js';
import { type Engine, isBusy, reasonOf } from './engine.js';
import { LogFile, type LogState, type Overwriting } from './log-file.js';

export interface LogAccessOptions {
  readonly path: string;
  readonly busyMs: number;
  readonly clock: Clock;
  readonly engine: Engine;
  readonly outage: Outage;
}

/**
 * Milliseconds until a call tries again to take a lock. The value is the shortest timer, because
 * the lock is free for short moments only.
 */
const BUSY_RETRY_MS = 1;
/**
 * A process asks for the lock after it has waited for this time. Before that time, the last process
 * may take the lock again, because each change of process costs time.
 *
 * `bench/shared-file.ts` on two idle cores, 16 appends in flight in each of three processes:
 * 8,320 appends/s, p99 31 ms, longest 45 ms. Without asking: 8,540/s, 41 ms, 82 ms. If a process
 * asks at once: 6,640/s, 22 ms, 50 ms.
 */
export const ASK_AFTER_MS = 20;
/**
 * Milliseconds after a commit for which a process leaves the lock to a process that asks. The time
 * allows that process several attempts.
 */
export const GIVE_WAY_MS = 5;

/** The file has changed; it must be opened again. */
class FileChanged extends Error {}

/**
 * Access to the file that continues after failures. It waits for locks. It opens the file again
 * after a failure, or after another file has replaced it. It begins a new epoch if positions are no
 * longer reliable. All other errors become `store_unavailable`, within `busyMs`.
 */
export class LogAccess {
  readonly #options: LogAccessOptions;
  #file: LogFile | undefined;
  /** True if the file must be opened again before its next use. The next task does this. */
  #suspect = false;
  #seen: Seen | undefined;
  /** The time of this process's last commit, and the version of the file at that time. */
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

  /**
   * Writes in one transaction. Tasks of this process run one after another, under the write lock.
   *
   * @param overwriting when removed entries are overwritten with zeros
   */
  write<T>(task: (file: LogFile, log: LogState) => T, overwriting: Overwriting = 'cheap'): Promise<T> {
    return this.#exclusive(async () => {
      await this.#giveWay();
      const sinceMs = this.#options.clock.monotonic();
      return this.#attempt(async () => {
        const file = await this.#opened();
        await file.overwrite(overwriting);
        this.#begin(file, sinceMs);
        if (file.checkpointDue) {
          await this.#checkpoint(file);
          this.#begin(file, sinceMs);
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

  /** Leaves the lock to other processes for a moment, between two parts of a long task. */
  async leaveLock(): Promise<void> {
    await pause(this.#options.clock, GIVE_WAY_MS);
  }

  /** Empties the write-ahead log. Other tasks run between two attempts. */
  async emptyLog(): Promise<void> {
    await this.#attempt(() =>
      this.#exclusive(async () => {
        const file = await this.#opened();
        await file.emptyLog();
        this.#committed = { ...this.#committed, version: file.version };
      }),
    );
  }

  /** Remembers the end of the log, and its newest entry if that is known. */
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

  /**
   * Like `check`. It also checks that the log still has the newest entry that this process has
   * seen.
   */
  checkEntries(file: LogFile, log: Held & { readonly entries: readonly LogEntry[] }): void {
    this.#assertHolds(file, log);
    this.saw(log, log.entries.at(-1));
  }

  /**
   * A value that changes if another process may have changed the log. This method never throws.
   * After a failure, the next read throws.
   */
  version(): number | undefined {
    try {
      return this.#usable()?.version;
    } catch {
      return undefined;
    }
  }

  /** The end of the log now; undefined after a failure. This method never throws. */
  end(): LogEnd | undefined {
    try {
      return this.#usable()?.state();
    } catch {
      return undefined;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#exclusive(async () => {
      await this.#file?.close(this.#file.version === this.#committed.version);
      this.#file = undefined;
    });
  }

  /** A failed checkpoint is ignored, because a lasting failure also fails the commit. */
  async #checkpoint(file: LogFile): Promise<void> {
    await file.checkpoint().catch(() => undefined);
    // Ends this transaction. If the file then holds all of the write-ahead log, the next
    // transaction overwrites the write-ahead log from its start.
    await file.rollback();
  }

  /** @param sinceMs when the call began to wait for the lock */
  #begin(file: LogFile, sinceMs: number): void {
    try {
      file.begin();
    } catch (error) {
      if (this.#options.clock.monotonic() - sinceMs >= ASK_AFTER_MS) file.askForLock();
      throw error;
    }
  }

  /**
   * Leaves the lock to another process that asks for it, until that process has committed. Without
   * this, the process that has just committed would always take the lock next. It tries at once,
   * while the other processes wait for a timer.
   */
  async #giveWay(): Promise<void> {
    const { clock } = this.#options;
    const { version, atMs } = this.#committed;
    const file = this.#usable();
    if (!file?.othersAsk) return;
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

  /**
   * The file, opened again if necessary. Only the running task of this process may call this
   * method.
   */
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
    this.#committed = { ...this.#committed, version: file.version };
    return (this.#file = file);
  }

  /** Renews the epoch, unless this process has seen the whole log in the file. */
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

/**
 * True for an error of the library's code. Such an error must not look like an outage of the
 * engine.
 */
function isProgramError(error: unknown): boolean {
  return error instanceof NotificationsError || error instanceof TypeError || error instanceof RangeError;
}
