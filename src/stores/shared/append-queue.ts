import { Fifo } from '../../core/fifo.js';
import type { Draft } from '../../core/notification.js';
import type { AppendResult } from '../../core/store.js';
import { isUnavailable, unavailable } from './unavailable.js';

/** The arrays of one transaction, each of them whole, in the order of the calls. */
export type DraftArrays = readonly (readonly Draft[])[];

export interface AppendQueueOptions {
  /** For error messages. */
  readonly engine: string;
  /**
   * Writes all arrays in one transaction. Rejects with `store_unavailable` if the engine fails.
   * After any other error, which the values of one array have caused, the arrays are written one by
   * one.
   */
  readonly write: (arrays: DraftArrays) => Promise<readonly AppendResult[]>;
  /**
   * Runs a task after this turn of the event loop, so that the calls of the turn share a
   * transaction.
   */
  readonly defer: (task: () => void) => void;
  readonly limits: AppendQueueLimits;
}

export interface AppendQueueLimits {
  /** Drafts in one transaction. A larger array is written alone. */
  readonly batchDraftsMax: number;
  /** Characters of JSON in one transaction. A larger array is written alone. */
  readonly batchCharsMax: number;
  /** Drafts that are queued or being written. A call beyond it rejects with `store_unavailable`. */
  readonly pendingDraftsMax: number;
  /** Characters of JSON of these drafts. A call beyond it rejects with `store_unavailable`. */
  readonly pendingCharsMax: number;
}

/**
 * A transaction costs one flush to the disk, however much it holds. So one transaction runs at a
 * time, and appends that arrive during it share the next one. The bounds keep a transaction short,
 * and keep memory bounded while an engine hangs.
 */
export const APPEND_QUEUE_LIMITS: AppendQueueLimits = {
  batchDraftsMax: 1000,
  batchCharsMax: 4 * 1024 * 1024,
  pendingDraftsMax: 20_000,
  pendingCharsMax: 64 * 1024 * 1024,
};

interface Call {
  readonly drafts: readonly Draft[];
  readonly chars: number;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Group commit: collects concurrent appends into transactions, which run one after another. */
export class AppendQueue {
  readonly #options: AppendQueueOptions;
  #calls = new Fifo<Call>();
  #pendingDrafts = 0;
  #pendingChars = 0;
  #running: Promise<void> | undefined;

  constructor(options: AppendQueueOptions) {
    this.#options = options;
  }

  append(drafts: readonly Draft[]): Promise<AppendResult> {
    const { engine, limits } = this.#options;
    const chars = drafts.reduce((sum, { json }) => sum + json.length, 0);
    const full =
      this.#pendingDrafts > 0 &&
      (this.#pendingDrafts + drafts.length > limits.pendingDraftsMax ||
        this.#pendingChars + chars > limits.pendingCharsMax);
    if (full) {
      const message = `The ${engine} store is behind: ${this.#pendingDrafts} notifications are queued.`;
      return Promise.reject(unavailable(message));
    }
    this.#pendingDrafts += drafts.length;
    this.#pendingChars += chars;
    return new Promise((resolve, reject) => {
      this.#calls.push({ drafts, chars, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Drafts that are queued or being written. */
  get pending(): number {
    return this.#pendingDrafts;
  }

  /** Resolves when all calls have settled. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#calls.length > 0) {
      await new Promise<void>((resolve) => {
        this.#options.defer(resolve);
      });
      await this.#write(this.#take());
    }
    this.#running = undefined;
  }

  #take(): Call[] {
    const { batchDraftsMax, batchCharsMax } = this.#options.limits;
    const batch: Call[] = [];
    let [drafts, chars] = [0, 0];
    while (this.#calls.length > 0) {
      const next = this.#calls.at(0);
      drafts += next.drafts.length;
      chars += next.chars;
      if (batch.length > 0 && (drafts > batchDraftsMax || chars > batchCharsMax)) break;
      this.#calls.shift();
      batch.push(next);
    }
    return batch;
  }

  async #write(batch: readonly Call[]): Promise<void> {
    try {
      const results = await this.#options.write(batch.map(({ drafts }) => drafts));
      for (const [index, call] of batch.entries()) {
        const result = results[index];
        if (result) this.#settle(call, () => call.resolve(result));
      }
    } catch (error) {
      if (isUnavailable(error)) this.#fail(batch, error);
      else if (batch.length > 1) for (const call of batch) await this.#write([call]);
      else for (const call of batch) this.#settle(call, () => call.reject(error));
    }
  }

  /**
   * Rejects the queued calls as well. They have waited as long as the failed transaction, and must
   * not wait for another failure.
   */
  #fail(batch: readonly Call[], error: unknown): void {
    const waiting = this.#calls;
    this.#calls = new Fifo();
    for (const call of batch) this.#settle(call, () => call.reject(error));
    for (let call = waiting.shift(); call; call = waiting.shift()) this.#reject(call, error);
  }

  #reject(call: Call, error: unknown): void {
    this.#settle(call, () => call.reject(error));
  }

  #settle(call: Call, how: () => void): void {
    this.#pendingDrafts -= call.drafts.length;
    this.#pendingChars -= call.chars;
    how();
  }
}
