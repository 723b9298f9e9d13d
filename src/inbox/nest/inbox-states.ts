import { LRUCache } from 'lru-cache';
import type { LogEntry } from '../../core/notification.js';
import type { Epoch, ReadResult, Store } from '../../core/store.js';
import type { InboxMemory } from '../../nest/explaining/insight.js';
import { type FoldedInbox, loadInbox, withRecords } from '../inbox-fold.js';
import { exceptionCount } from '../inbox-state.js';
import { LatestRead } from './latest-read.js';

/** Records of one read: the operations between two snapshots, and some more. */
const RECORDS_PER_READ = 64;
/** A snapshot with 10,000 exceptions has about 100 KiB. */
const READ_BYTES_MAX = 1024 * 1024;
/** The size of a cached state without its exceptions. */
const STATE_BYTES = 500;
/** An exception is a number in a `Set`; a snoozed item is two numbers in a `Map`. */
const EXCEPTION_BYTES = 40;

/** The state of an inbox, and the state of the log at the time of the read. */
export interface CurrentInbox {
  readonly inbox: FoldedInbox;
  readonly epoch: Epoch;
  readonly trimmed: number;
}

interface Cached {
  readonly epochId: string;
  readonly inbox: FoldedInbox;
}

export interface InboxStatesOptions {
  readonly store: Store;
  /** The epoch of the node's window. */
  readonly epochId: () => string;
  readonly bytesMax: number;
}

/**
 * The states of inboxes on this node. The cache is bounded in bytes. The tail of the log keeps it
 * current: `add` receives each record in the order of the log.
 */
export class InboxStates {
  readonly #store: Store;
  readonly #epochId: () => string;
  readonly #cache: LRUCache<string, Cached>;
  /** Records that arrived during a read of their topic. The read may lack them. */
  readonly #arrived = new Map<string, Set<LogEntry[]>>();
  /** The reads in progress, by topic. */
  readonly #reads = new Map<string, LatestRead<CurrentInbox>>();

  constructor({ store, epochId, bytesMax }: InboxStatesOptions) {
    this.#store = store;
    this.#epochId = epochId;
    this.#cache = new LRUCache({
      maxSize: bytesMax,
      sizeCalculation: ({ inbox }) => STATE_BYTES + EXCEPTION_BYTES * exceptionCount(inbox.state),
    });
  }

  /** The states in memory, and their bytes. */
  memory(): InboxMemory {
    const { size: states, calculatedSize: bytes, maxSize: bytesMax } = this.#cache;
    return { states, bytes, bytesMax };
  }

  /** Adds a record that the tail has delivered. */
  add(entry: LogEntry): void {
    const { topic } = entry;
    for (const arrived of this.#arrived.get(topic) ?? []) arrived.push(entry);
    const cached = this.#cache.peek(topic);
    if (!cached) return;
    const inbox = cached.epochId === this.#epochId() ? withRecords(cached.inbox, [entry]) : undefined;
    if (inbox) this.#cache.set(topic, { ...cached, inbox });
    else this.#cache.delete(topic);
  }

  /** The state that this node has received, without a read of the store if it is cached. */
  async received(topic: string): Promise<FoldedInbox> {
    const cached = this.#cached(topic);
    return cached ? cached.inbox : (await this.current(topic)).inbox;
  }

  /**
   * The state with every operation that was acknowledged before this call, on any node. A cached
   * state needs one read, which is usually empty.
   */
  async current(topic: string): Promise<CurrentInbox> {
    const reads = this.#reads.get(topic) ?? new LatestRead(() => this.#read(topic));
    this.#reads.set(topic, reads);
    try {
      return await reads.read();
    } finally {
      if (reads.isIdle && this.#reads.get(topic) === reads) this.#reads.delete(topic);
    }
  }

  async #read(topic: string): Promise<CurrentInbox> {
    const arrived: LogEntry[] = [];
    const epochIdBefore = this.#epochId();
    const listeners = this.#arrived.get(topic) ?? new Set();
    this.#arrived.set(topic, listeners.add(arrived));
    try {
      const cached = this.#cached(topic);
      const current = (cached && (await this.#continued(topic, cached))) ?? (await this.#loaded(topic));
      // The tail of a new epoch may begin after records that an older read lacks.
      if (epochIdBefore === this.#epochId()) this.#keep(topic, current, arrived);
      return current;
    } finally {
      listeners.delete(arrived);
      if (listeners.size === 0) this.#arrived.delete(topic);
    }
  }

  #cached(topic: string): Cached | undefined {
    const cached = this.#cache.get(topic);
    return cached?.epochId === this.#epochId() ? cached : undefined;
  }

  /** Undefined if the state must be loaded again. */
  async #continued(topic: string, cached: Cached): Promise<CurrentInbox | undefined> {
    let { inbox } = cached;
    for (;;) {
      const read = await this.#store.read({ ...boundsOf(topic), after: inbox.upTo });
      const next = read.epoch.id === cached.epochId ? withRecords(inbox, read.entries) : undefined;
      if (!next) return undefined;
      inbox = next;
      if (!read.more) return currentOf(inbox, read);
    }
  }

  async #loaded(topic: string): Promise<CurrentInbox> {
    const reads: ReadResult[] = [];
    const inbox = await loadInbox(async (before) => {
      const read = await this.#store.read({ ...boundsOf(topic), before });
      reads.push(read);
      return read;
    });
    const [first] = reads;
    const isOneLog = first && reads.every(({ epoch }) => epoch.id === first.epoch.id);
    // If the reads have different epochs, a new epoch began between them. Read again.
    return isOneLog ? currentOf(inbox, first) : this.#loaded(topic);
  }

  #keep(topic: string, { inbox, epoch }: CurrentInbox, arrived: readonly LogEntry[]): void {
    const epochId = epoch.id;
    const cached = this.#cached(topic);
    const isNewer = !cached || cached.inbox.upTo <= inbox.upTo;
    const kept = epochId === this.#epochId() ? withRecords(inbox, arrived) : undefined;
    if (!kept) this.#cache.delete(topic);
    else if (isNewer) this.#cache.set(topic, { epochId, inbox: kept });
  }
}

function boundsOf(topic: string): { topics: readonly string[]; limit: number; bytesMax: number } {
  return { topics: [topic], limit: RECORDS_PER_READ, bytesMax: READ_BYTES_MAX };
}

function currentOf(inbox: FoldedInbox, { epoch, trimmed }: ReadResult): CurrentInbox {
  return { inbox, epoch, trimmed };
}
