import type { Writable } from 'node:stream';
import type { Clock } from '../../core/clock.js';

/**
 * How long the end of a response may take to reach its client. Someone who does not read does not hold up a shutdown, and
 * needs not be waited for: the cursor is theirs, and what they did not get is read again.
 */
export const CLOSING_GRACE_MS = 500;

/** Responses, and connections of the direct lane, that have been ended by the server and are on their way out. */
export class ClosingResponses {
  readonly #clock: Clock;
  readonly #open = new Set<Writable>();
  #settle: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Follows a response that was ended just now, and cuts it off after the grace. */
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
      // A response without a socket, behind others on its connection, does not hear that it is closed.
      if ('socket' in response && response.socket === null) done();
    }, CLOSING_GRACE_MS);
    response.once('close', done);
  }

  /** Resolves when none is left, within the grace. */
  settled(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#settle.push(resolve));
  }
}
