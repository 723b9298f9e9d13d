import { NotificationsError } from '../../core/errors.js';
import type { StoreLogger } from '../../core/store.js';

/** The one error by which a driver says that its engine cannot be reached, is busy or closed. */
export function unavailable(message: string, cause?: unknown): NotificationsError {
  return new NotificationsError('store_unavailable', message, cause === undefined ? undefined : { cause });
}

export function isUnavailable(error: unknown): error is NotificationsError {
  return error instanceof NotificationsError && error.code === 'store_unavailable';
}

/**
 * Tells operators when an engine is lost and when it is back, once each, however many calls notice. A call takes a mark
 * when it begins: what it tells is old news if another has told of a change since.
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

  /** `reason` must not name credentials; a code or a library's short message will do. */
  lost(reason: string, mark = this.#changes): void {
    if (this.#lost || mark !== this.#changes) return;
    this.#lost = true;
    this.#changes++;
    this.#logger.warn(`The ${this.#engine} store is unavailable: ${reason}. It is tried again until it is back.`);
  }

  recovered(mark = this.#changes): void {
    if (!this.#lost || mark !== this.#changes) return;
    this.#lost = false;
    this.#changes++;
    this.#logger.warn(`The ${this.#engine} store is available again.`);
  }
}
