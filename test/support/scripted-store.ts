import { abilitiesOf, type StoreAbilities } from '../../src/core/abilities.js';
import type { Draft, LogEntry } from '../../src/core/notification.js';
import type { Removed, RemoveQuery } from '../../src/core/removal.js';
import type {
  AppendResult,
  Epoch,
  PastEpoch,
  ReadQuery,
  ReadResult,
  Store,
  Tail,
  TailBatch,
} from '../../src/core/store.js';
import { pastEpochs } from '../../src/stores/shared/epoch.js';
import type { MemoryStoreOptions } from '../../src/stores/memory/memory-store.js';
import type { ManualClock } from '../../src/testing/index.js';
import { openMemoryStore } from './memory.js';

const STATE: ReadQuery = { topics: [], after: 0, limit: 0, bytesMax: 0 };

/** The real memory store behind a connection that a test can slow down, cut and wipe. */
export class ScriptedStore implements Store, StoreAbilities {
  /** Every read that has reached the store. */
  readonly reads: ReadQuery[] = [];
  readonly #reopen: () => Promise<Store>;
  readonly #appended = new Map<string, readonly LogEntry[]>();
  readonly #trimmed = new Map<string, number>();
  #log: Store;
  #before: readonly PastEpoch[] | undefined;
  #follow: ((batch: TailBatch) => void) | undefined;
  #tail: Tail | undefined;
  #heldReads: (() => void)[] | undefined;
  #heldBatches: TailBatch[] | undefined;
  #lastBatch: TailBatch | undefined;
  #failure: Error | undefined;

  private constructor(log: Store, reopen: () => Promise<Store>) {
    this.#log = log;
    this.#reopen = reopen;
  }

  static async open(options: MemoryStoreOptions, clock: ManualClock): Promise<ScriptedStore> {
    const open = () => openMemoryStore(options, clock);
    const store = new ScriptedStore(await open(), open);
    await store.#record();
    return store;
  }

  async append(drafts: readonly Draft[]): Promise<AppendResult> {
    return this.#continued(await this.#log.append(drafts));
  }

  claim(key: string, ttlMs: number): Promise<boolean> {
    return abilitiesOf(this.#log).claim!(key, ttlMs);
  }

  positionsOf(ids: readonly string[]): Promise<readonly (number | undefined)[]> {
    return abilitiesOf(this.#log).positionsOf!(ids);
  }

  async indexPatterns(patterns: readonly string[]): Promise<void> {
    if (this.#failure) throw this.#failure;
    await abilitiesOf(this.#log).indexPatterns!(patterns);
  }

  /** Every entry that was appended to a log. */
  appended(epochId: string): readonly LogEntry[] {
    return this.#appended.get(epochId) ?? [];
  }

  /** The highest `trimmed` of a log that a read has returned. */
  trimmedOf(epochId: string): number {
    return this.#trimmed.get(epochId) ?? 0;
  }

  /** Reads the log at the time of the call, even if its answer is delayed. */
  async read(query: ReadQuery): Promise<ReadResult> {
    this.reads.push(query);
    const failure = this.#failure;
    const result = this.#continued(await this.#log.read(query));
    this.#trimmed.set(result.epoch.id, result.trimmed);
    if (this.#heldReads) await new Promise<void>((resolve) => this.#heldReads?.push(resolve));
    if (failure) throw failure;
    return result;
  }

  async tail(after: number, onAppended: (batch: TailBatch) => void): Promise<Tail> {
    if (this.#failure) throw this.#failure;
    this.#follow = onAppended;
    await this.#open(after);
    return {
      close: async () => {
        this.#follow = undefined;
        await this.#tail?.close();
      },
    };
  }

  remove(query: RemoveQuery): Promise<Removed> {
    return this.#log.remove(query);
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  get following(): boolean {
    return this.#follow !== undefined;
  }

  /** Reads that begin from now on are answered when the function is called. */
  holdReads(): () => void {
    this.#heldReads ??= [];
    return () => {
      const held = this.#heldReads ?? [];
      this.#heldReads = undefined;
      for (const answer of held) answer();
    };
  }

  /** Later appends are delivered when the returned function is called. */
  holdTail(): () => void {
    this.#heldBatches ??= [];
    return () => {
      const held = this.#heldBatches ?? [];
      this.#heldBatches = undefined;
      for (const batch of held) this.handOver(batch);
    };
  }

  /** New reads and tails fail with this error. Without an error, they work again. */
  fail(error?: Error): void {
    this.#failure = error;
  }

  /** Wipes the log and starts a new epoch. */
  async wipe(): Promise<void> {
    await this.#tail?.close();
    this.#log = await this.#reopen();
    this.#before = undefined;
    await this.#record();
    const { epoch, head } = await this.#log.read(STATE);
    this.handOver({ epoch, after: head, entries: [], head });
    await this.#open(head);
  }

  /**
   * A failover that keeps the log up to a position: a new epoch that continues the old one up to
   * there. Held reads of the old log do not delay it. With `of`, it is a restored snapshot of the
   * log of that epoch. With `tailAt`, the tail delivers the new epoch at this position, and then
   * nothing.
   */
  async failOver(
    upTo: number,
    { isLossKnown = false, of = undefined as Epoch | undefined, tailAt = undefined as number | undefined } = {},
  ): Promise<void> {
    const old = of ?? this.#continued(await this.#log.read(STATE)).epoch;
    const kept = this.appended(old.id).filter(({ position }) => position <= upTo);
    await this.#tail?.close();
    this.#log = await this.#reopen();
    this.#before = pastEpochs(old, upTo, isLossKnown);
    if (kept.length > 0) await this.#log.append(kept);
    await this.#record();
    const { epoch, head } = this.#continued(await this.#log.read(STATE));
    const at = tailAt ?? head;
    this.handOver({ epoch, after: at, entries: [], head: at });
    if (tailAt === undefined) await this.#open(head);
  }

  /** The tail receives nothing more before the next failover. */
  async cutTail(): Promise<void> {
    await this.#tail?.close();
  }

  /** Appends while the tail is cut off. The tail reconnects too late to receive the entries. */
  async appendUnnoticed(drafts: readonly Draft[]): Promise<AppendResult> {
    await this.#tail?.close();
    const result = await this.append(drafts);
    const { epoch, head } = await this.#log.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });
    this.handOver({ epoch, after: head, entries: [], head });
    await this.#open(head);
    return result;
  }

  async #record(): Promise<void> {
    await this.#log.tail(0, ({ epoch, entries }) => {
      this.#appended.set(epoch.id, [...this.appended(epoch.id), ...entries]);
    });
  }

  async #open(after: number): Promise<void> {
    this.#tail = await this.#log.tail(after, (batch) => {
      this.handOver(this.#continued(batch));
    });
  }

  #continued<T extends { readonly epoch: Epoch }>(answer: T): T {
    return { ...answer, epoch: { ...answer.epoch, before: this.#before } };
  }

  /** Delivers a batch, as the tail does. */
  handOver(batch: TailBatch): void {
    if (this.#heldBatches) this.#heldBatches.push(batch);
    else {
      this.#lastBatch = batch;
      this.#follow?.(batch);
    }
  }

  /** Delivers the last batch for the second time, as a tail may after it has reconnected. */
  repeatBatch(): void {
    if (this.#lastBatch && !this.#heldBatches) this.#follow?.(this.#lastBatch);
  }
}
