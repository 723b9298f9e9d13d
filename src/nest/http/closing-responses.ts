import type { Writable } from 'node:stream';
import type { Clock } from '../../core/clock.js';

/**
 * How long the last bytes of a response may take to reach its client. A client that does not read
 * must not delay the shutdown. The client keeps its cursor, so it misses nothing.
 */
export const CLOSING_GRACE_MS = 500;

/**
 * Responses and connections of the direct lane that the server has ended, and that are not closed
 * yet.
 */
export class ClosingResponses {
  readonly #clock: Clock;
  readonly #open = new Set<Writable>();
  #settle: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Waits for an ended response to close, and destroys it after the grace period. */
  add(response: Writable): void {
    const done = (): void => {
      this.#clock.clearTimeout(timer);
      response.off('close', done);
      this.#open.delete(response);
      if (this.#open.size === 0) this.#settle.splice(0).forEach((settled) => settled());
    };
    this.#open.add(response);
    const timer = this.#clock.setTimeout(() => {
      response.destroy();
      // A pipelined response has no socket yet, so it does not emit `close`.
      if ('socket' in response && response.socket === null) done();
    }, CLOSING_GRACE_MS);
    response.once('close', done);
  }

  /** Resolves when all these responses are closed, at the latest after the grace period. */
  settled(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#settle.push(resolve));
  }
}
