import type { Clock } from '../../core/clock.js';
import { Fifo } from '../../core/fifo.js';
import type { Draft } from '../../core/notification.js';
import type { AppendResult } from '../../core/store.js';
import { unavailable } from './unavailable.js';

export interface AppendQueueOptions {
  /** For error messages. */
  readonly engine: string;
  readonly clock: Clock;
  readonly limits: AppendQueueLimits;
}

export interface AppendQueueLimits {
  /** Drafts in one batch. A larger array is written alone. */
  readonly batchDraftsMax: number;
  /** Characters of JSON in one batch. A larger array is written alone. */
  readonly batchCharsMax: number;
  /**
   * Drafts that are queued or being written. A call that would exceed this number rejects with
   * `store_unavailable`.
   */
  readonly pendingDraftsMax: number;
  /** Characters of JSON of these drafts. A call beyond it rejects with `store_unavailable`. */
  readonly pendingCharsMax: number;
}

/** The bounds keep a transaction short, and keep memory bounded while an engine hangs. */
export const APPEND_QUEUE_LIMITS: AppendQueueLimits = {
  batchDraftsMax: 1000,
  batchCharsMax: 4 * 1024 * 1024,
  pendingDraftsMax: 20_000,
  pendingCharsMax: 64 * 1024 * 1024,
};

/** A call of `append`. */
export interface AppendCall {
  readonly drafts: readonly Draft[];
  /** Characters of JSON. */
  readonly chars: number;
  /** The time of the call on the monotonic clock. */
  readonly atMs: number;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The calls of `append` of one node, in their order. A driver takes them in batches, settles them,
 * and releases them when their memory is free. A call of several drafts is never divided.
 */
export class AppendQueue {
  readonly #options: AppendQueueOptions;
  readonly #calls = new Fifo<AppendCall>();
  #pendingDrafts = 0;
  #pendingChars = 0;

  constructor(options: AppendQueueOptions) {
    this.#options = options;
  }

  /** Drafts that are queued or being written. */
  get pending(): number {
    return this.#pendingDrafts;
  }

  /** True if no call is queued. The driver may still be writing some calls. */
  get isEmpty(): boolean {
    return this.#calls.length === 0;
  }

  /** Queues a call. Rejects with `store_unavailable` if too much is pending. */
  add(drafts: readonly Draft[]): Promise<AppendResult> {
    const chars = charsOf(drafts);
    const error = this.#fullError(drafts.length, chars);
    if (error) return Promise.reject(error);
    this.#pendingDrafts += drafts.length;
    this.#pendingChars += chars;
    const atMs = this.#options.clock.monotonic();
    return new Promise((resolve, reject) => {
      this.#calls.push({ drafts, chars, atMs, resolve, reject });
    });
  }

  /** Removes the next calls from the queue, as many as one batch may have. They stay pending. */
  takeBatch(): AppendCall[] {
    const { batchDraftsMax, batchCharsMax } = this.#options.limits;
    const batch: AppendCall[] = [];
    let [drafts, chars] = [0, 0];
    while (!this.isEmpty) {
      const next = this.#calls.at(0);
      drafts += next.drafts.length;
      chars += next.chars;
      if (batch.length > 0 && (drafts > batchDraftsMax || chars > batchCharsMax)) break;
      this.#calls.shift();
      batch.push(next);
    }
    return batch;
  }

  /** Counts these calls as no longer pending, because their memory is free. */
  release(calls: readonly AppendCall[]): void {
    for (const { drafts, chars } of calls) {
      this.#pendingDrafts -= drafts.length;
      this.#pendingChars -= chars;
    }
  }

  /** An idle store accepts any call, so no array is too large for it. */
  #fullError(drafts: number, chars: number): Error | undefined {
    const { engine, limits } = this.#options;
    if (this.#pendingDrafts === 0) return undefined;
    const behind = `The ${engine} store is behind:`;
    if (this.#pendingDrafts + drafts > limits.pendingDraftsMax) {
      const bound = `at most ${limits.pendingDraftsMax} may be`;
      return unavailable(`${behind} ${this.#pendingDrafts} notifications are pending, ${bound}.`);
    }
    if (this.#pendingChars + chars <= limits.pendingCharsMax) return undefined;
    const bound = `at most ${limits.pendingCharsMax} may be`;
    return unavailable(`${behind} ${this.#pendingChars} characters of JSON are pending, ${bound}.`);
  }
}

export function charsOf(drafts: readonly Draft[]): number {
  return drafts.reduce((sum, { json }) => sum + json.length, 0);
}
