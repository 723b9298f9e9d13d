import { Fifo } from '../../core/fifo.js';

/** An id that is in the log. */
export interface RecentId {
  readonly id: string;
  readonly position: number;
  /** The time of its append on the node's monotonic clock. It may be somewhat later. */
  readonly sinceMs: number;
}

export interface RecentIdsLimits {
  readonly idempotencyMs: number;
  readonly idempotencyCount: number;
}

/**
 * The ids of the newest entries of the log, in its order. A driver recognises a repeated append by
 * them. The time and the number of kept ids are limited.
 */
export class RecentIds<Known extends RecentId = RecentId> {
  readonly #limits: RecentIdsLimits;
  readonly #byId = new Map<string, Known>();
  /** The same ids by age: to iterate a Map is slow after many deletions at its front. */
  #byAge = new Fifo<Known>();
  #forgottenUpTo = 0;

  constructor(limits: RecentIdsLimits) {
    this.#limits = limits;
  }

  get(id: string): Known | undefined {
    return this.#byId.get(id);
  }

  /** Ids of entries up to this position may be forgotten. All later ones are known. */
  get forgottenUpTo(): number {
    return this.#forgottenUpTo;
  }

  /** Adds the id of the newest entry. An id that was appended again is kept for its full time. */
  add(known: Known): void {
    if (this.#byId.get(known.id)?.position === known.position) return;
    this.#byId.set(known.id, known);
    this.#byAge.push(known);
  }

  /** Forgets ids that are too old, and the oldest ones if there are too many. */
  forget(monotonicMs: number): void {
    const { idempotencyMs, idempotencyCount } = this.#limits;
    while (this.#byAge.length > 0) {
      const oldest = this.#byAge.at(0);
      if (oldest.sinceMs + idempotencyMs > monotonicMs && this.#byAge.length <= idempotencyCount) return;
      this.#byAge.shift();
      this.#forgottenUpTo = oldest.position;
      if (this.#byId.get(oldest.id) === oldest) this.#byId.delete(oldest.id);
    }
  }

  /** @param forgottenUpTo the position after which ids will be added */
  clear(forgottenUpTo = 0): void {
    this.#forgottenUpTo = forgottenUpTo;
    this.#byId.clear();
    this.#byAge = new Fifo();
  }
}
