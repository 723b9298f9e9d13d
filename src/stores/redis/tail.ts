import type { LogEntry } from '../../core/notification.js';
import { positionIn } from '../../core/page.js';
import type { Epoch, Tail, TailBatch } from '../../core/store.js';

/** The result of one read of the log after a position. */
export interface Followed {
  readonly epoch: Epoch;
  /** The newest position of the log. */
  readonly head: number;
  /** The position that the entries follow. */
  readonly from: number;
  readonly entries: readonly LogEntry[];
  /** The position up to which the entries are complete. */
  readonly upto: number;
}

export interface RedisTailOptions {
  readonly after: number;
  /** The epoch that `after` belongs to; empty if none is known yet. */
  readonly epochId: string;
  readonly onAppended: (batch: TailBatch) => void;
  readonly follow: (after: number) => Promise<Followed>;
  readonly onClosed: (tail: RedisTail) => void;
}

/**
 * Delivers the log: every wake-up causes a read after the position of the tail. A wake-up carries
 * no data. An extra wake-up costs one read. After a lost one, the next read delivers everything.
 */
export class RedisTail implements Tail {
  readonly #options: RedisTailOptions;
  #position: number;
  #epochId: string;
  #looking = false;
  #lookAgain = false;
  #closed = false;

  constructor(options: RedisTailOptions) {
    this.#options = options;
    this.#position = options.after;
    this.#epochId = options.epochId;
  }

  /**
   * Reads for the first time, and rejects if that fails. The caller does not wait for the pages
   * that follow.
   */
  async arm(): Promise<void> {
    this.#looking = true;
    try {
      if (await this.#look()) this.#lookAgain = true;
    } finally {
      this.#looking = false;
    }
    if (this.#lookAgain) this.wake();
  }

  wake(): void {
    if (this.#looking) this.#lookAgain = true;
    else if (!this.#closed) void this.#lookAround();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#options.onClosed(this);
  }

  async #lookAround(): Promise<void> {
    this.#looking = true;
    try {
      do {
        this.#lookAgain = false;
        if (await this.#look()) this.#lookAgain = true;
      } while (this.#wanted());
    } catch {
      // `Connection` reports the lost connection, and wakes every tail after it has reconnected.
    } finally {
      this.#looking = false;
    }
  }

  #wanted(): boolean {
    return this.#lookAgain && !this.#closed;
  }

  /** Returns true if the log has more entries to read. */
  async #look(): Promise<boolean> {
    const asked = this.#position;
    const { epoch, head, from, entries, upto } = await this.#options.follow(asked);
    if (this.#closed) return false;
    const isNew = this.#epochId !== '' && epoch.id !== this.#epochId;
    if (isNew && !positionIn(epoch, { epochId: this.#epochId, position: asked })) {
      this.#hand({ epoch, after: head, entries: [], head });
      return false;
    }
    if (isNew || from !== asked || upto !== asked) this.#hand({ epoch, after: from, entries, head: upto });
    this.#epochId = epoch.id;
    return upto < head;
  }

  #hand(batch: TailBatch): void {
    this.#epochId = batch.epoch.id;
    this.#position = batch.head;
    this.#options.onAppended(batch);
  }
}
