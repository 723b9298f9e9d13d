import { abilitiesOf } from '../../src/core/abilities.js';
import type { Draft } from '../../src/core/notification.js';
import type { Removed, RemoveQuery } from '../../src/core/removal.js';
import type {
  AppendResult,
  Epoch,
  HistoryQuery,
  ReadQuery,
  ReadResult,
  Store,
  Tail,
  TailBatch,
} from '../../src/core/store.js';
import { memoryStore } from '../../src/stores/memory/memory-store.js';
import type { Logged } from '../support/history/history.js';
import type { NodeStore } from './driver.js';
import { type Backend, markErased } from './engine.js';
import type { ProcessClock } from './process-clock.js';

const nothing = (): void => undefined;

const RETENTION = { retainCount: 24, retainMs: 4_000 };

/** The real memory store: each process has its own, which ends with it. */
export class MemoryBackend implements Backend {
  readonly logs: { readonly name: string; readonly epoch: Epoch }[] = [];
  readonly truth = new Map<string, Logged[]>();

  get head(): number {
    return this.#newest.at(-1)?.position ?? 0;
  }

  open(clock: ProcessClock): NodeStore {
    return new MemoryDriver(this, clock);
  }

  /** Records the entries that the store has, and the entries that it has removed. */
  learn(
    epoch: Epoch,
    { entries = [], trimmed = 0, nowMs }: { entries?: TailBatch['entries']; trimmed?: number; nowMs: number },
  ): void {
    if (!this.logs.some((log) => log.epoch.id === epoch.id)) {
      const name = `log${this.logs.length}:`;
      this.logs.push({ name, epoch });
      this.truth.set(name, []);
    }
    const truth = this.truth.get(this.logs.find((log) => log.epoch.id === epoch.id)!.name)!;
    truth.push(...entries.map(({ id, topic, position }) => ({ id, topic, position })));
    for (const entry of entries) markErased(truth, entry, nowMs);
    for (const [at, entry] of truth.entries()) {
      if (entry.position <= trimmed && entry.trimmedMs === undefined) truth[at] = { ...entry, trimmedMs: nowMs };
    }
  }

  /** Writes down that the store of the newest log has removed a topic. */
  removed({ topic, upTo }: RemoveQuery, nowMs: number): void {
    const last = this.logs.at(-1);
    const truth = (last && this.truth.get(last.name)) ?? [];
    for (const [at, entry] of truth.entries()) {
      const isRemoved = entry.topic === topic && entry.position <= upTo && entry.removedMs === undefined;
      if (isRemoved) truth[at] = { ...entry, removedMs: nowMs };
    }
  }

  // The memory store has none of these faults.
  trim = nothing;
  crash = nothing;
  start = nothing;
  lose = nothing;
  takeSnapshot = nothing;
  restoreSnapshot = () => false;

  get #newest(): readonly Logged[] {
    const last = this.logs.at(-1);
    return (last && this.truth.get(last.name)) ?? [];
  }
}

class MemoryDriver implements NodeStore {
  readonly faults = { commitMs: 0, slowMs: 0, wakes: 'told' as const };
  readonly isBusy = false;
  readonly #backend: MemoryBackend;
  readonly #clock: ProcessClock;
  readonly #store: Promise<Store>;
  #lastBatch: (() => void) | undefined;

  constructor(backend: MemoryBackend, clock: ProcessClock) {
    const fail = (message: string): never => {
      throw new Error(`the memory store must not log anything; it logged: ${message}`);
    };
    this.#backend = backend;
    this.#clock = clock;
    this.#store = Promise.resolve(memoryStore(RETENTION)({ clock, logger: { warn: fail, error: fail } }));
    void this.#store.then((store) =>
      store.tail(0, ({ epoch, entries }) => {
        backend.learn(epoch, { entries, nowMs: clock.monotonic() });
      }),
    );
  }

  async append(drafts: readonly Draft[]): Promise<AppendResult> {
    const result = await (await this.#store).append(drafts);
    await this.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });
    return result;
  }

  async remove(query: RemoveQuery): Promise<Removed> {
    const removed = await (await this.#store).remove(query);
    this.#backend.removed(query, this.#clock.monotonic());
    return removed;
  }

  async read(query: ReadQuery | HistoryQuery): Promise<ReadResult> {
    const result = await (await this.#store).read(query);
    this.#backend.learn(result.epoch, { trimmed: result.trimmed, nowMs: this.#clock.monotonic() });
    return result;
  }

  async indexPatterns(patterns: readonly string[]): Promise<void> {
    await abilitiesOf(await this.#store).indexPatterns!(patterns);
  }

  async tail(after: number, onAppended: (batch: TailBatch) => void): Promise<Tail> {
    return (await this.#store).tail(after, (batch) => {
      this.#lastBatch = () => {
        onAppended(batch);
      };
      if (!this.#clock.isDead) onAppended(batch);
    });
  }

  async close(): Promise<void> {
    await (await this.#store).close();
  }

  repeatBatch(): void {
    if (!this.#clock.isDead) this.#lastBatch?.();
  }

  cut = nothing;
  restore = nothing;
  abandon = nothing;
}
