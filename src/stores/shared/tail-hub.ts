import type { Clock, Timer } from '../../core/clock.js';
import type { LogEntry } from '../../core/notification.js';
import { positionIn } from '../../core/page.js';
import type { Epoch, Tail, TailBatch } from '../../core/store.js';

/**
 * The maximum number of entries that a tail reads at once. `CHUNK_BYTES` limits their size
 * approximately.
 */
export const CHUNK_COUNT = 1000;
export const CHUNK_BYTES = 4 * 1024 * 1024;

/** The newest position of a log. */
export interface LogEnd {
  readonly epoch: Epoch;
  readonly head: number;
}

/** A part of the log, of all topics. */
export interface LogChunk extends LogEnd {
  /** In order, strictly after the requested position. */
  readonly entries: readonly LogEntry[];
  /** The chunk is complete up to this position. */
  readonly upTo: number;
  readonly trimmed: number;
}

export interface TailHubOptions {
  readonly clock: Clock;
  /** Reads entries after a position, in a chunk of bounded size. */
  readonly readAfter: (after: number) => Promise<LogChunk>;
  /** The pause after a failed read, in milliseconds; `attempt` counts from 1. */
  readonly retryMs: (attempt: number) => number;
}

interface Follower {
  readonly onAppended: (batch: TailBatch) => void;
  epochId: string;
  head: number;
}

/**
 * The open tails of a store. Each tail keeps its own position, and `wake` reads from this position,
 * so a lost wake-up loses no entries. Tails at the same position share one read. Appends of this
 * store are delivered without a read.
 */
export class TailHub {
  readonly #options: TailHubOptions;
  readonly #followers = new Set<Follower>();
  #pumping = false;
  #pumped: Promise<void> = Promise.resolve();
  #again = false;
  #attempts = 0;
  #retryTimer: Timer;
  #closed = false;

  constructor(options: TailHubOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#followers.size;
  }

  /** Opens a tail after a position of the log of this epoch. */
  open(epochId: string, after: number, onAppended: (batch: TailBatch) => void): Tail {
    const follower: Follower = { epochId, head: after, onAppended };
    this.#followers.add(follower);
    this.wake();
    return {
      close: async () => {
        this.#followers.delete(follower);
      },
    };
  }

  /** Makes the tails read, because new entries may exist. */
  wake(): void {
    this.#again = true;
    if (!this.#closed && !this.#pumping && this.#retryTimer === undefined) this.#pumped = this.#pump();
  }

  /** Wakes without the pause of a retry, when the engine is likely to answer. */
  wakeNow(): void {
    this.#options.clock.clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.wake();
  }

  /** Makes the tails read if one of them has not reached the end of the log. */
  wakeBehind({ epoch, head }: LogEnd): void {
    for (const follower of this.#followers) {
      if (follower.epochId === epoch.id && follower.head >= head) continue;
      this.wake();
      return;
    }
  }

  /**
   * Delivers an append of this store to the tails whose position is directly before it. The other
   * tails read it from the store.
   */
  deliverAppended(batch: TailBatch): void {
    for (const follower of [...this.#followers]) {
      if (follower.epochId === batch.epoch.id && follower.head === batch.after) this.#give(follower, batch);
      else if (follower.epochId !== batch.epoch.id || follower.head < batch.head) this.wake();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#followers.clear();
    this.#options.clock.clearTimeout(this.#retryTimer);
    await this.#pumped;
  }

  async #pump(): Promise<void> {
    this.#pumping = true;
    try {
      while (this.#again && this.#followers.size > 0) {
        this.#again = false;
        await this.#round();
        this.#attempts = 0;
      }
    } catch {
      // The store has reported the error, and every tail keeps its position.
      this.#retryLater();
    }
    // `#pumping` becomes false in the same turn as the last check of `again`, so no wake-up is
    // lost.
    this.#pumping = false;
  }

  /** Reads once for each position of tails. Sets `again` if a tail has not reached the head. */
  async #round(): Promise<void> {
    for (const after of new Set([...this.#followers].map(({ head }) => head))) {
      const chunk = await this.#options.readAfter(after);
      if (chunk.upTo < chunk.head) this.#again = true;
      for (const follower of [...this.#followers]) {
        if (follower.head === after) this.#deliver(follower, chunk);
      }
    }
  }

  #deliver(follower: Follower, { epoch, entries, upTo, head, trimmed }: LogChunk): void {
    const position = { epochId: follower.epochId, position: follower.head };
    if (positionIn(epoch, position) === undefined) {
      // The readers of this tail must start again, and read older entries from the store.
      this.#give(follower, { epoch, after: head, entries: [], head });
      return;
    }
    if (upTo <= follower.head) {
      // The new epoch continues the old one up to this position, so the follower only changes the
      // epoch.
      if (epoch.id !== follower.epochId) {
        this.#give(follower, { epoch, after: follower.head, entries: [], head: follower.head });
      }
      return;
    }
    const after = Math.max(follower.head, trimmed);
    this.#give(follower, { epoch, after, entries: entries.filter(({ position }) => position > after), head: upTo });
  }

  #give(follower: Follower, batch: TailBatch): void {
    if (!this.#followers.has(follower)) return;
    follower.epochId = batch.epoch.id;
    follower.head = batch.head;
    follower.onAppended(batch);
  }

  #retryLater(): void {
    if (this.#closed) return;
    this.#retryTimer = this.#options.clock.setTimeout(() => {
      this.#retryTimer = undefined;
      this.wake();
    }, this.#options.retryMs(++this.#attempts));
  }
}
