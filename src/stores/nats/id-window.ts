/** The position of an id, and the commit that contains it. */
export interface KnownId {
  readonly position: number;
  readonly commit: string;
  /** The time of the append on the node's monotonic clock. */
  readonly sinceMs: number;
}

export interface IdWindowLimits {
  readonly idempotencyMs: number;
  readonly idempotencyCount: number;
}

/** The ids of the newest entries of the log. */
export class IdWindow {
  readonly #limits: IdWindowLimits;
  /** In the order of the log, so the oldest ids are first. */
  readonly #ids = new Map<string, KnownId>();

  constructor(limits: IdWindowLimits) {
    this.#limits = limits;
  }

  get(id: string): KnownId | undefined {
    return this.#ids.get(id);
  }

  add(id: string, known: KnownId): void {
    // An id that was forgotten and appended again moves to the end.
    this.#ids.delete(id);
    this.#ids.set(id, known);
  }

  /** Forgets ids that are too old, and the oldest ones if there are too many. */
  forget(monotonicMs: number): void {
    const { idempotencyMs, idempotencyCount } = this.#limits;
    for (const [id, { sinceMs }] of this.#ids) {
      if (sinceMs + idempotencyMs > monotonicMs && this.#ids.size <= idempotencyCount) return;
      this.#ids.delete(id);
    }
  }

  clear(): void {
    this.#ids.clear();
  }
}
