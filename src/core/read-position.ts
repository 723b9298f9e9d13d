import type { Start } from './feed-request.js';
import { type LogPage, positionIn, sharedPosition } from './page.js';
import type { Epoch } from './store.js';

/** The read position of a waiter, and the position that its client has received. */
export class ReadPosition {
  /** The waiter has read up to here. */
  #after: Start;
  /** The client has received notifications up to here: the meaning of its cursor. */
  #cursor: Start;

  constructor(start: Start) {
    this.#after = this.#cursor = start;
  }

  /**
   * Returns the position in the epoch of the window. The epoch changes at a failover. The log holds
   * nothing for this waiter between the client's cursor and the waiter's position. If the new log
   * contains the cursor, the waiter resumes at the last position that both logs share.
   */
  in(epoch: Epoch): Start {
    const after = this.#after;
    if (after === 'earliest' || after.epochId === epoch.id) return after;
    const shared = sharedPosition(epoch, after);
    const cursor = this.#cursor === 'earliest' ? this.#cursor : positionIn(epoch, this.#cursor);
    if (shared && cursor) {
      this.#cursor = cursor;
      this.#after = shared;
    }
    return this.#after;
  }

  /** The waiter has read a page and found nothing to deliver. */
  read({ epoch, position }: LogPage): void {
    this.#after = { epochId: epoch.id, position };
  }

  /** The client receives a page. */
  delivered({ epoch, position }: LogPage): void {
    this.#after = this.#cursor = { epochId: epoch.id, position };
  }

  /**
   * Moves forward to a position of an epoch. The log holds nothing for the waiter up to that
   * position.
   */
  skipTo(position: number, epoch: Epoch): void {
    const after = this.in(epoch);
    if (after !== 'earliest' && after.epochId === epoch.id && after.position < position) {
      this.#after = { ...after, position };
    }
  }
}
