import { abilitiesOf } from './abilities.js';
import { NotificationsError } from './errors.js';
import type { LogEntry } from './notification.js';
import { type RecordedRetraction, retractionDrafts, retractionOf, RETRACTIONS_TOPIC } from './retraction.js';
import { RetractionSet } from './retraction-set.js';
import { type Appended, END_OF_LOG, type Epoch, type ReadResult, type Store } from './store.js';

/** The bounds of one read while a node loads the retractions. */
const LOAD_COUNT = 1_000;
const LOAD_BYTES = 1024 * 1024;

/** A retraction that the log holds. */
export interface Retracted {
  readonly epoch: Epoch;
  readonly position: number;
}

/**
 * The retractions of the log, as this node knows them. It loads them from the store when it starts,
 * and receives later ones from the tail. After an interruption of the tail it may have missed some.
 * Then it loads them again before the next read of the store is used.
 */
export class RetractionLog {
  readonly #store: Store;
  readonly #known = new RetractionSet();
  /** A load that began before the last interruption is not complete. */
  #interruptions = 0;
  #isComplete = false;
  #loading: Promise<void> | undefined;

  private constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Loads all retractions. Returns the last read: it has the epoch and the head up to which
   * retractions are loaded.
   */
  static async open(store: Store): Promise<{ retractions: RetractionLog; start: ReadResult }> {
    const retractions = new RetractionLog(store);
    const start = await retractions.#load();
    retractions.#isComplete = true;
    return { retractions, start };
  }

  /** Whether no retraction is known. */
  get isEmpty(): boolean {
    return this.#known.count === 0;
  }

  /** How often the tail was interrupted. */
  get interruptions(): number {
    return this.#interruptions;
  }

  /** The position of an entry's retraction, at most `upTo`. 0 if there is none. */
  retractedAt(entry: Pick<LogEntry, 'topic' | 'id' | 'position'>, upTo?: number): number {
    return this.#known.retractedAt(entry, upTo);
  }

  /** Adds a retraction if this entry from the tail is the record of one. */
  observe(entry: LogEntry): void {
    const retraction = retractionOf(entry);
    if (retraction) this.add(retraction, entry.position);
  }

  add(retraction: RecordedRetraction, position: number): void {
    this.#known.add(retraction, position);
    // If the read in `#trim` fails, the next retraction repeats it.
    if (this.#known.isFull) this.#trim().catch(() => undefined);
  }

  /** Called when the node changes to another log: drops the retractions after a position. */
  cut(after: number): void {
    this.#known.cut(after);
    // A load in progress may have read the old log.
    if (!this.#isComplete) this.interrupted();
  }

  /** The tail was interrupted, so retractions may be missing. */
  interrupted(): void {
    this.#interruptions++;
    this.#isComplete = false;
  }

  /** Loads the retractions that may be missing, so that all are known when it resolves. */
  async whenComplete(): Promise<void> {
    while (!this.#isComplete) await (this.#loading ??= this.#loadAgain());
  }

  /**
   * Reads from the store when all retractions are known. After an interruption of the tail during
   * the read, the retractions of the entries may no longer be in the log, because of a failover or
   * of retention. Then the read is repeated.
   */
  async readComplete<T>(read: () => Promise<T>): Promise<T> {
    for (;;) {
      // Usually all are known. Then the read begins in this call.
      if (!this.#isComplete) await this.whenComplete();
      const before = this.#interruptions;
      const result = await read();
      if (this.#interruptions === before) return result;
    }
  }

  /**
   * Appends a retraction. Within the idempotency window of the store, a repeat appends nothing.
   * @throws NotificationsError `retractions_too_many` or `store_unavailable`
   */
  async append(retraction: RecordedRetraction, time: Date): Promise<Retracted> {
    await this.#assertRoom(retraction);
    const first = await this.#append(retraction, time);
    if (!first.duplicate || !(await this.#isNewer(retraction, first.position))) return first;
    // The id was published again after it was retracted, so this is another retraction.
    return this.#append(retraction, time, `.${globalThis.crypto.randomUUID()}`);
  }

  async #append(
    retraction: RecordedRetraction,
    time: Date,
    suffix?: string,
  ): Promise<Retracted & Pick<Appended, 'duplicate'>> {
    const { epoch, appended } = await this.#store.append(await retractionDrafts(retraction, time, suffix));
    const { position = 0, duplicate = false } = appended.at(-1) ?? {};
    return { epoch, position, duplicate };
  }

  /**
   * Whether the notification was appended after a position. False if the store does not know the
   * id.
   */
  async #isNewer({ id }: RecordedRetraction, position: number): Promise<boolean> {
    const [found = 0] = (await abilitiesOf(this.#store).positionsOf?.([id])) ?? [];
    return found > position;
  }

  async #assertRoom(retraction: RecordedRetraction): Promise<void> {
    if (!this.#known.hasRoomFor(retraction)) await this.#trim();
    if (this.#known.hasRoomFor(retraction)) return;
    const held = 'the maximum number of retractions of the log, of this topic or of this caller';
    const message = `the log holds ${held}; retry when retention has removed the oldest ones`;
    throw new NotificationsError('retractions_too_many', message);
  }

  /** Drops retractions of notifications that retention has removed. */
  async #trim(): Promise<void> {
    const { trimmed } = await this.#store.read(END_OF_LOG);
    this.#known.trim(trimmed);
  }

  async #loadAgain(): Promise<void> {
    const interruptions = this.#interruptions;
    try {
      await this.#load();
      this.#isComplete = interruptions === this.#interruptions;
    } finally {
      this.#loading = undefined;
    }
  }

  async #load(): Promise<ReadResult> {
    let epochId: string | undefined;
    const interruptions = this.#interruptions;
    for (let after = 0; ;) {
      const bounds = { topics: [RETRACTIONS_TOPIC], limit: LOAD_COUNT, bytesMax: LOAD_BYTES };
      const read = await this.#store.read({ ...bounds, after });
      // The node may follow another log now, which lacks the retractions of this read. The load is
      // repeated, because it is not complete.
      if (interruptions !== this.#interruptions) return read;
      if (epochId !== undefined && epochId !== read.epoch.id) {
        // The pages before this one belong to another log.
        this.#known.cut(0);
        after = 0;
        epochId = undefined;
        continue;
      }
      epochId = read.epoch.id;
      for (const entry of read.entries) this.observe(entry);
      if (!read.more) return read;
      after = read.entries.at(-1)?.position ?? read.head;
    }
  }
}
