import type { LogState } from './log-file.js';

interface Remembered {
  readonly position: number;
  readonly timeMs: number;
}

export interface IdWindowLimits {
  readonly idempotencyMs: number;
  readonly idempotencyCount: number;
}

/** An id that stands in the log. */
export interface IdRow extends Remembered {
  readonly id: string;
}

/** Rows read at once while the window catches up. */
const ROWS = 1000;

/**
 * The ids of the newest entries, kept in memory in step with the log: under the write lock, `catchUp` reads what others
 * have appended since, so it knows as much as an index in the file would, and costs the disk nothing.
 */
export class IdWindow {
  readonly #limits: IdWindowLimits;
  /** Insertion order is the log's, so the oldest are first. */
  readonly #ids = new Map<string, Remembered>();
  #epochId: string | undefined;
  #head = 0;

  constructor(limits: IdWindowLimits) {
    this.#limits = limits;
  }

  /** Learns what stands in the log and is not known yet; all of the window when the log is another one. */
  catchUp(log: LogState, read: (after: number, count: number) => readonly IdRow[]): void {
    if (this.#epochId !== log.epoch.id) {
      this.#ids.clear();
      this.#epochId = log.epoch.id;
      this.#head = 0;
    }
    this.#head = Math.max(this.#head, log.trimmed, log.head - this.#limits.idempotencyCount);
    while (this.#head < log.head) {
      const rows = read(this.#head, ROWS);
      for (const row of rows) this.#remember(row);
      this.#head = rows.length < ROWS ? log.head : (rows.at(-1)?.position ?? log.head);
    }
  }

  /** What this process has just committed. */
  add(rows: readonly IdRow[], head: number): void {
    for (const row of rows) this.#remember(row);
    this.#head = head;
  }

  /** Forgets what is too old or too much. */
  forget(nowMs: number): void {
    const { idempotencyMs, idempotencyCount } = this.#limits;
    for (const [id, { timeMs }] of this.#ids) {
      if (timeMs + idempotencyMs > nowMs && this.#ids.size <= idempotencyCount) return;
      this.#ids.delete(id);
    }
  }

  positionOf(id: string): number | undefined {
    return this.#ids.get(id)?.position;
  }

  #remember({ id, position, timeMs }: IdRow): void {
    // One that was forgotten and appended again must stand where its new position is.
    this.#ids.delete(id);
    this.#ids.set(id, { position, timeMs });
  }
}
