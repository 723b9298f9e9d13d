import type { Start } from './feed-request.js';
import { type LogPage, positionIn, sharedPosition } from './page.js';
import type { Reader } from './reader.js';
import type { Epoch } from './store.js';

/** The read position of a waiter, and the position that its client has received. */
export class ReadPosition {
  readonly #reader: Pick<Reader, 'hiddenBy'>;
  /** The waiter has read up to here. */
  #after: Start;
  /** The client has received notifications up to here: the meaning of its cursor. */
  #cursor: Start;
  /** The waiter moved back to the cursor, and has not read from there yet. */
  #isRewound = false;

  constructor(start: Start, reader: Pick<Reader, 'hiddenBy'>) {
    this.#after = this.#cursor = start;
    this.#reader = reader;
  }

  /**
   * Returns the position in the epoch of the window. The epoch changes at a failover. The log holds
   * nothing for this waiter between the client's cursor and the waiter's position. If the new log
   * contains the cursor, the waiter resumes at the last position that both logs share.
   *
   * If the new log may hold undelivered notifications before the waiter's position, the waiter
   * resumes at the client's cursor. A failover may lose a retraction, or the newer entry of a key.
   * Then an older entry is live again. A restored snapshot has entries that retention had removed.
   */
  in(epoch: Epoch): Start {
    const after = this.#after;
    if (after === 'earliest' || after.epochId === epoch.id) return after;
    const shared = sharedPosition(epoch, after);
    const cursor = this.#cursor === 'earliest' ? this.#cursor : positionIn(epoch, this.#cursor);
    if (cursor) {
      const fork = sharedPosition(epoch, { ...after, position: Infinity })?.position ?? 0;
      this.#isRewound ||= !shared || cursor === 'earliest' || this.#reader.hiddenBy > fork;
      this.#cursor = cursor;
      this.#after = this.#isRewound || !shared ? cursor : shared;
    }
    return this.#after;
  }

  /**
   * Whether a page of another epoch was read after a different position than `in` returns for this
   * epoch. Then the waiter reads again. Equal numbers are different positions if the epoch does not
   * contain `after`.
   */
  rewinds(after: Start, epoch: Epoch): boolean {
    if (after === 'earliest' || after.epochId === epoch.id) return false;
    const start = this.in(epoch);
    if (start === 'earliest') return true;
    return start.epochId === epoch.id && start.position !== positionIn(epoch, after)?.position;
  }

  /** The waiter has read a page and found nothing to deliver. */
  read({ epoch, position }: LogPage): void {
    this.#isRewound = false;
    this.#after = { epochId: epoch.id, position };
  }

  /**
   * The client receives a page. Its cursor is the position of the last notification, because the
   * cursor of a page depends on this notification alone.
   */
  delivered({ epoch, entries, position }: LogPage): void {
    this.#isRewound = false;
    this.#after = { epochId: epoch.id, position };
    this.#cursor = { epochId: epoch.id, position: entries.at(-1)?.position ?? position };
  }

  /**
   * Moves forward to a position of an epoch. The log holds nothing for the waiter up to that
   * position.
   */
  skipTo(position: number, epoch: Epoch): void {
    const after = this.in(epoch);
    if (!this.#isRewound && after !== 'earliest' && after.epochId === epoch.id && after.position < position) {
      this.#after = { ...after, position, origin: undefined };
    }
  }
}
