import { LRUCache } from 'lru-cache';
import { abilitiesOf, type StoreAbilities } from '../../core/abilities.js';
import type { Draft, LogEntry } from '../../core/notification.js';
import type { Removed, RemoveQuery } from '../../core/removal.js';
import type {
  AppendResult,
  HistoryQuery,
  ReadQuery,
  ReadResult,
  Store,
  StoreLogger,
  Tail,
  TailBatch,
} from '../../core/store.js';

/** The remembered positions of reported records. A record is reported again if it is forgotten. */
const REPORTED_MAX = 1_000;

/**
 * Hides the records of a store that are not notifications of this version, such as records of an
 * incompatible version. They are skipped and reported once, so they neither fail a node nor reach a
 * client as invalid JSON.
 */
export class KnownRecords implements Store, Partial<StoreAbilities> {
  declare readonly claim?: StoreAbilities['claim'];
  declare readonly positionsOf?: StoreAbilities['positionsOf'];
  declare readonly indexPatterns?: StoreAbilities['indexPatterns'];
  readonly #store: Store;
  readonly #logger: StoreLogger;
  readonly #reported = new LRUCache<number, true>({ max: REPORTED_MAX });

  constructor(store: Store, logger: StoreLogger) {
    this.#store = store;
    this.#logger = logger;
    Object.assign(this, abilitiesOf(store));
  }

  append(drafts: readonly Draft[]): Promise<AppendResult> {
    return this.#store.append(drafts);
  }

  async read(query: ReadQuery | HistoryQuery): Promise<ReadResult> {
    for (let next = query; ;) {
      const result = await this.#store.read(next);
      const entries = result.entries.filter((entry) => this.#isKnown(entry));
      // A page that holds only skipped records is not the end of the log.
      if (entries.length > 0 || !result.more) return { ...result, entries };
      const last = result.entries.at(-1)?.position;
      next = next.before === undefined ? { ...next, after: last ?? result.head } : { ...next, before: last ?? 0 };
    }
  }

  tail(after: number, onAppended: (batch: TailBatch) => void): Promise<Tail> {
    return this.#store.tail(after, (batch) => {
      onAppended({ ...batch, entries: batch.entries.filter((entry) => this.#isKnown(entry)) });
    });
  }

  remove(query: RemoveQuery): Promise<Removed> {
    return this.#store.remove(query);
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #isKnown(entry: LogEntry): boolean {
    if (isNotification(entry)) return true;
    const { position } = entry;
    if (!this.#reported.has(position)) {
      this.#reported.set(position, true);
      this.#logger.error(`The record at position ${position} is not a notification of this version; it is skipped.`);
    }
    return false;
  }
}

/**
 * Records of this version begin with the fields that `makeDraft` writes, in its order. Comparing
 * them costs the same for any size of data. Only other records are parsed.
 */
function isNotification({ id, topic, json }: LogEntry): boolean {
  if (json.startsWith(`{"id":"${id}","topic":"${topic}","type":"`) && json.endsWith('}')) return true;
  try {
    const value = JSON.parse(json) as Readonly<Record<string, unknown>> | null;
    return value?.id === id && value.topic === topic && typeof value.type === 'string';
  } catch {
    return false;
  }
}
