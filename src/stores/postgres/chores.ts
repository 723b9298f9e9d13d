import type { StoreLogger } from '../../core/store.js';
import { isUnavailable } from '../shared/unavailable.js';
import { endsConnection, reasonOf } from './errors.js';

/** Background work of the store, and its name in reports. */
const CHORES = {
  move: 'move publications from the outbox into the log',
  trim: 'remove old notifications',
  unindex: 'remove the index of dropped patterns',
  vacuum: 'reuse the space of removed notifications',
};
export type Chore = keyof typeof CHORES;

/** Runs each chore at most once at a time. If it is started during a run, it runs once more. */
export class Chores {
  readonly #logger: StoreLogger;
  readonly #work: Readonly<Record<Chore, () => Promise<void>>>;
  readonly #running = new Map<Chore, Promise<void>>();
  /** The chores that were started again during their run. */
  readonly #again = new Set<Chore>();
  /** The chores whose failure has been reported since their last success. */
  readonly #failed = new Set<Chore>();
  #isClosed = false;

  constructor(logger: StoreLogger, work: Readonly<Record<Chore, () => Promise<void>>>) {
    this.#logger = logger;
    this.#work = work;
  }

  /** After a failure, the next read or timer starts the chore again. */
  start(chore: Chore): void {
    if (this.#isClosed) return;
    if (this.#running.has(chore)) {
      this.#again.add(chore);
      return;
    }
    const done = this.#run(chore)
      .catch((error: unknown) => {
        this.#report(chore, error);
      })
      .finally(() => {
        this.#running.delete(chore);
      });
    this.#running.set(chore, done);
  }

  /** Resolves when no chore is running. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#running.values());
  }

  async #run(chore: Chore): Promise<void> {
    do {
      this.#again.delete(chore);
      await this.#work[chore]();
    } while (this.#again.has(chore) && !this.#isClosed);
    this.#failed.delete(chore);
  }

  /**
   * Reports a chore that fails while calls succeed, for example for a missing privilege. A lost
   * engine is not reported here, because calls report it.
   */
  #report(chore: Chore, error: unknown): void {
    const reason = isUnavailable(error) ? error.cause : error;
    if (this.#isClosed || this.#failed.has(chore) || endsConnection(reason)) return;
    this.#failed.add(chore);
    this.#logger.error(`The postgres store cannot ${CHORES[chore]}: ${reasonOf(reason)}. It will retry.`);
  }
}
