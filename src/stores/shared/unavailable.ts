import { NotificationsError } from '../../core/errors.js';
import type { StoreLogger } from '../../core/store.js';

/** The error of a driver whose engine cannot be reached or is busy, and of a closed store. */
export function unavailable(message: string, cause?: unknown): NotificationsError {
  return new NotificationsError('store_unavailable', message, cause === undefined ? undefined : { cause });
}

export function isUnavailable(error: unknown): error is NotificationsError {
  return error instanceof NotificationsError && error.code === 'store_unavailable';
}

/**
 * Reports once when an engine is lost, and once when it is available again, however many calls
 * fail. A call takes a mark at its start. Its result is ignored if another call has reported a
 * change since.
 */
export class Outage {
  readonly #engine: string;
  readonly #logger: StoreLogger;
  #lost = false;
  #changes = 0;

  constructor(engine: string, logger: StoreLogger) {
    this.#engine = engine;
    this.#logger = logger;
  }

  mark(): number {
    return this.#changes;
  }

  /** `reason` must not contain credentials: use a code or a short message of the library. */
  lost(reason: string, mark = this.#changes): void {
    if (this.#lost || mark !== this.#changes) return;
    this.#lost = true;
    this.#changes++;
    this.#logger.warn(`The ${this.#engine} store is unavailable: ${reason}. The store retries until it is available.`);
  }

  recovered(mark = this.#changes): void {
    if (!this.#lost || mark !== this.#changes) return;
    this.#lost = false;
    this.#changes++;
    this.#logger.warn(`The ${this.#engine} store is available again.`);
  }
}
