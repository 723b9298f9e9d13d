import type { Clock } from '../../core/clock.js';
import type { Draft } from '../../core/notification.js';
import type { AppendResult } from '../../core/store.js';
import { type AppendCall, AppendQueue, type AppendQueueOptions } from './append-queue.js';
import { isUnavailable } from './unavailable.js';

/** The arrays of one transaction, each of them whole, in the order of the calls. */
export type DraftArrays = readonly (readonly Draft[])[];

export interface GroupCommitOptions extends AppendQueueOptions {
  /**
   * Writes all arrays in one transaction. Rejects with `store_unavailable` if the engine fails.
   * After any other error, the arrays are written one by one, because the values of one array have
   * caused it.
   */
  readonly write: (arrays: DraftArrays) => Promise<readonly AppendResult[]>;
}

/**
 * Collects concurrent appends into transactions, which run one after another. A transaction costs
 * one flush to the disk, however much it holds. So appends that arrive during a transaction share
 * the next transaction. Calls of one turn of the event loop also share a transaction.
 */
export class GroupCommit {
  readonly #write: GroupCommitOptions['write'];
  readonly #clock: Clock;
  readonly #queue: AppendQueue;
  #running: Promise<void> | undefined;

  constructor(options: GroupCommitOptions) {
    this.#write = options.write;
    this.#clock = options.clock;
    this.#queue = new AppendQueue(options);
  }

  append(drafts: readonly Draft[]): Promise<AppendResult> {
    const result = this.#queue.add(drafts);
    if (!this.#queue.isEmpty) this.#running ??= this.#run();
    return result;
  }

  /** Drafts that are queued or being written. */
  get pending(): number {
    return this.#queue.pending;
  }

  /** Resolves when all calls have settled. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#queue.isEmpty) {
      await new Promise<void>((resolve) => {
        this.#clock.setImmediate(resolve);
      });
      await this.#commit(this.#queue.takeBatch());
    }
    this.#running = undefined;
  }

  async #commit(batch: readonly AppendCall[]): Promise<void> {
    try {
      const results = await this.#write(batch.map(({ drafts }) => drafts));
      this.#queue.release(batch);
      for (const [index, call] of batch.entries()) {
        const result = results[index];
        if (result) call.resolve(result);
      }
    } catch (error) {
      if (isUnavailable(error)) this.#reject([...batch, ...this.#queued()], error);
      else if (batch.length > 1) for (const call of batch) await this.#commit([call]);
      else this.#reject(batch, error);
    }
  }

  /**
   * If the engine fails, the queued calls are rejected together with its transaction. Otherwise
   * they would wait for another failure.
   */
  #queued(): AppendCall[] {
    const calls: AppendCall[] = [];
    while (!this.#queue.isEmpty) calls.push(...this.#queue.takeBatch());
    return calls;
  }

  #reject(calls: readonly AppendCall[], error: unknown): void {
    this.#queue.release(calls);
    for (const { reject } of calls) reject(error);
  }
}
