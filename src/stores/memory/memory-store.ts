import type { Clock } from '../../core/clock.js';
import { NotificationsError } from '../../core/errors.js';
import { MemoryLog } from '../../core/memory-log.js';
import { type Draft, type LogEntry, logEntry } from '../../core/notification.js';
import { type Filled, type NumberRule, numberOptions } from '../../core/options.js';
import { type LogSize, resized, retainedSize } from '../../core/records.js';
import type { Removed, RemoveQuery } from '../../core/removal.js';
import { removalEnd } from '../../core/removal-end.js';
import type {
  Appended,
  AppendResult,
  ClaimStore,
  Epoch,
  HistoryQuery,
  IdLookup,
  PatternIndex,
  ReadQuery,
  ReadResult,
  Store,
  StoreFactory,
  Tail,
  TailBatch,
} from '../../core/store.js';
import { newEpoch } from '../shared/epoch.js';
import { RecentIds } from '../shared/recent-ids.js';
import { withRetention } from '../shared/with-retention.js';
import { MemoryClaims } from './claims.js';

/**
 * The limits of the memory store. When the log reaches one of them, the store removes the oldest
 * notifications.
 */
export interface MemoryStoreOptions {
  /** Notifications kept. Default 100,000. */
  readonly retainCount?: number | undefined;
  /** Milliseconds for which a notification is kept. Default one hour. */
  readonly retainMs?: number | undefined;
  /** Bytes of JSON kept. Default 64 MiB. */
  readonly retainBytes?: number | undefined;
  /** Milliseconds for which a repeated `id` is recognised. Default ten minutes. */
  readonly idempotencyMs?: number | undefined;
  /** Ids remembered. Above this number, the store forgets the oldest ids early. Default 100,000. */
  readonly idempotencyCount?: number | undefined;
  /**
   * Keys that can be claimed at once, such as used tickets; further keys are rejected. A claim
   * takes up to 250 bytes of memory. Default 100,000.
   */
  readonly claimCount?: number | undefined;
}

function atLeastOne(fallback: number): NumberRule {
  return { default: fallback, min: 1, max: Number.MAX_SAFE_INTEGER };
}

const RULES: Readonly<Record<keyof MemoryStoreOptions, NumberRule>> = {
  retainCount: atLeastOne(100_000),
  retainMs: atLeastOne(3_600_000),
  retainBytes: atLeastOne(64 * 1024 * 1024),
  idempotencyMs: atLeastOne(600_000),
  idempotencyCount: atLeastOne(100_000),
  claimCount: atLeastOne(100_000),
};

/**
 * The embedded store: the log is in the memory of this process.
 *
 * - Durability: none. A restart begins a new epoch, and clients receive a `gap`.
 * - Order: positions follow the order of the calls to `append`, and have no holes.
 * - Idempotency: an id is recognised within `idempotencyMs` and `idempotencyCount`. This includes
 *   ids of removed notifications.
 *
 * @throws RangeError when an option is not a whole number above 0; the message names it.
 */
export function memoryStore(options: MemoryStoreOptions = {}): StoreFactory {
  const filled = numberOptions(options, { owner: 'memoryStore', numbers: RULES });
  return withRetention(filled, ({ clock }) => new MemoryStore(filled, clock));
}

/** Entries of one part of a removal. The event loop serves other work between two parts. */
const REMOVE_PART = 5_000;

interface OpenTail {
  /** The newest position that the tail has received. */
  head: number;
  readonly onAppended: (batch: TailBatch) => void;
}

class MemoryStore implements Store, ClaimStore, IdLookup, PatternIndex {
  readonly #options: Filled<MemoryStoreOptions>;
  readonly #clock: Clock;
  readonly #epoch: Epoch = newEpoch();
  readonly #log = new MemoryLog();
  #size: LogSize = { count: 0, bytes: 0, records: 0, recordBytes: 0 };
  /** The time of each entry's append, by its position. */
  readonly #times = new Map<number, number>();
  readonly #ids: RecentIds;
  readonly #claims: MemoryClaims;
  readonly #tails = new Set<OpenTail>();
  /**
   * Batches that wait for delivery. The queue keeps their order when a tail appends while it
   * receives a batch.
   */
  readonly #outbox: TailBatch[] = [];
  /** The removed entries plus the calls of `remove`, counted from the last pause for other work. */
  #removed = 0;
  #closed = false;

  constructor(options: Filled<MemoryStoreOptions>, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#ids = new RecentIds(options);
    this.#claims = new MemoryClaims(clock, options.claimCount);
  }

  async append(drafts: readonly Draft[]): Promise<AppendResult> {
    this.#assertOpen();
    const timeMs = this.#clock.monotonic();
    const after = this.#log.head;
    const entries: LogEntry[] = [];
    this.#ids.forget(timeMs);
    const appended = drafts.map((draft): Appended => {
      const first = this.#ids.get(draft.id);
      if (first) return { id: draft.id, position: first.position, duplicate: true };
      const entry = logEntry(this.#log.head + 1, draft);
      this.#log.add(entry);
      this.#size = resized(this.#size, entry, 1);
      this.#times.set(entry.position, timeMs);
      this.#ids.add({ id: draft.id, position: entry.position, sinceMs: timeMs });
      entries.push(entry);
      return { id: draft.id, position: entry.position, duplicate: false };
    });
    if (entries.length > 0) {
      this.#ids.forget(timeMs);
      this.#trim(timeMs);
      this.#deliver({ epoch: this.#epoch, after, entries, head: this.#log.head });
    }
    return { epoch: this.#epoch, appended };
  }

  async read(query: ReadQuery | HistoryQuery): Promise<ReadResult> {
    this.#assertOpen();
    this.#trim(this.#clock.monotonic());
    return {
      epoch: this.#epoch,
      ...(query.limit > 0 ? this.#log.read(query) : { entries: [], more: false }),
      head: this.#log.head,
      trimmed: this.#log.completeAfter(query.topics),
    };
  }

  async tail(after: number, onAppended: (batch: TailBatch) => void): Promise<Tail> {
    this.#assertOpen();
    const tail: OpenTail = { head: Math.max(after, this.#log.head), onAppended };
    this.#tails.add(tail);
    if (this.#log.head > after) {
      const from = Math.max(after, this.#log.floor);
      onAppended({ epoch: this.#epoch, after: from, entries: this.#log.all(after), head: this.#log.head });
    }
    return {
      close: async () => {
        this.#tails.delete(tail);
      },
    };
  }

  async remove({ topic, ...query }: RemoveQuery): Promise<Removed> {
    let [upTo, count] = [query.upTo, 0];
    for (;;) {
      this.#assertOpen();
      upTo = Math.min(removalEnd(this.#epoch, { ...query, upTo }), this.#log.head);
      const removed = this.#log.remove({ topic, upTo }, REMOVE_PART);
      for (const entry of removed) this.#forget(entry);
      count += removed.length;
      await this.#giveWay(removed.length);
      if (removed.length < REMOVE_PART) return { count, upTo };
    }
  }

  async claim(key: string, ttlMs: number): Promise<boolean> {
    this.#assertOpen();
    return this.#claims.claim(key, ttlMs);
  }

  async positionsOf(ids: readonly string[]): Promise<readonly (number | undefined)[]> {
    this.#assertOpen();
    this.#ids.forget(this.#clock.monotonic());
    return ids.map((id) => this.#ids.get(id)?.position);
  }

  async indexPatterns(patterns: readonly string[]): Promise<void> {
    this.#assertOpen();
    this.#log.indexPatterns(patterns);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#tails.clear();
  }

  /**
   * Lets the event loop serve other work after each `REMOVE_PART` entries. Calls that remove few
   * entries are counted together.
   */
  async #giveWay(removed: number): Promise<void> {
    this.#removed += removed + 1;
    if (this.#removed < REMOVE_PART) return;
    this.#removed = 0;
    await new Promise<void>((resolve) => {
      this.#clock.setImmediate(resolve);
    });
  }

  #deliver(batch: TailBatch): void {
    this.#outbox.push(batch);
    if (this.#outbox.length > 1) return;
    for (let next: TailBatch | undefined = batch; next; next = this.#outbox[0]) {
      for (const tail of this.#tails) {
        // A tail that was opened after this append already has the batch.
        if (tail.head >= next.head) continue;
        tail.head = next.head;
        tail.onAppended(next);
      }
      this.#outbox.shift();
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new NotificationsError('store_unavailable', 'The memory store is closed.');
  }

  /** Retention needs no timer: a read or an append removes entries that are too old. */
  #trim(nowMs: number): void {
    const { retainCount, retainBytes, retainMs } = this.#options;
    const isOver = ({ count, bytes }: Pick<LogSize, 'count' | 'bytes'>): boolean =>
      count > retainCount || bytes > retainBytes;
    const isOld = ({ position }: LogEntry): boolean => (this.#times.get(position) ?? 0) + retainMs <= nowMs;
    while (this.#log.oldest && (isOver(retainedSize(this.#size)) || isOld(this.#log.oldest))) {
      const entry = this.#log.dropOldest();
      if (entry) this.#forget(entry);
    }
  }

  /** The log no longer has the entry. */
  #forget(entry: LogEntry): void {
    this.#size = resized(this.#size, entry, -1);
    this.#times.delete(entry.position);
  }
}
