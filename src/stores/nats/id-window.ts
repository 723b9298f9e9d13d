/** Where an id stands, and which commit brought it there. */
export interface KnownId {
  readonly position: number;
  readonly commit: string;
  /** Since when, on the node's monotonic clock. */
  readonly sinceMs: number;
}

export interface IdWindowLimits {
  readonly idempotencyMs: number;
  readonly idempotencyCount: number;
}

/** The ids of the newest entries, in step with the log. */
export class IdWindow {
  readonly #limits: IdWindowLimits;
  /** Insertion order is the log's, so the oldest are first. */
  readonly #ids = new Map<string, KnownId>();

  constructor(limits: IdWindowLimits) {
    this.#limits = limits;
  }

  get(id: string): KnownId | undefined {
    return this.#ids.get(id);
  }

  add(id: string, known: KnownId): void {
    // One that was forgotten and appended again must stand where its new position is.
    this.#ids.delete(id);
    this.#ids.set(id, known);
  }

  /** Forgets what is too old or too much, at a moment of the same clock. */
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
