import { positionIn } from '../../core/page.js';
import { RecentIds, type RecentIdsLimits } from '../shared/recent-ids.js';
import type { LogState } from './log-file.js';

/** One moment, on the wall clock and on the monotonic clock. */
export interface Moment {
  /** The time that is stored in the file. The wall clock may jump. */
  readonly timeMs: number;
  readonly monotonicMs: number;
}

/** An id that is in the log. */
export interface IdRow {
  readonly id: string;
  readonly position: number;
  readonly timeMs: number;
}

/** Rows that one query reads while `catchUp` runs. */
const ROWS = 1000;

/**
 * The ids of the newest entries, kept in memory. Under the write lock, `catchUp` reads the ids that
 * other processes have appended. So the window knows as much as an index in the file, without
 * writes to the disk.
 *
 * A jump of the wall clock does not make the window forget an id. The window never treats a new
 * entry as older than the last read.
 */
export class IdWindow {
  readonly #countMax: number;
  readonly #ids: RecentIds;
  #epochId = '';
  #head = 0;
  #lookedAtMs = -Infinity;

  constructor(limits: RecentIdsLimits) {
    this.#countMax = limits.idempotencyCount;
    this.#ids = new RecentIds(limits);
  }

  /**
   * Reads the ids that are new in the log, and forgets the ids beyond the limits. If the log is
   * another log, it reads the whole window.
   */
  catchUp(log: LogState, moment: Moment, read: (after: number, count: number) => readonly IdRow[]): void {
    if (!positionIn(log.epoch, { epochId: this.#epochId, position: this.#head })) {
      this.#ids.clear();
      this.#head = 0;
      this.#lookedAtMs = -Infinity;
    }
    this.#epochId = log.epoch.id;
    this.#head = Math.max(this.#head, log.trimmed, log.head - this.#countMax);
    while (this.#head < log.head) {
      const rows = read(this.#head, ROWS);
      for (const row of rows) this.#remember(row, moment);
      this.#head = rows.length < ROWS ? log.head : (rows.at(-1)?.position ?? log.head);
    }
    this.#lookedAtMs = moment.monotonicMs;
    this.#ids.forget(moment.monotonicMs);
  }

  /** Adds the ids that this process has just committed. */
  add(rows: readonly IdRow[], moment: Moment, head: number): void {
    for (const row of rows) this.#remember(row, moment);
    this.#head = head;
  }

  positionOf(id: string): number | undefined {
    return this.#ids.get(id)?.position;
  }

  #remember({ id, position, timeMs }: IdRow, moment: Moment): void {
    const ageMs = Math.min(Math.max(0, moment.timeMs - timeMs), moment.monotonicMs - this.#lookedAtMs);
    this.#ids.add({ id, position, sinceMs: moment.monotonicMs - ageMs });
  }
}
