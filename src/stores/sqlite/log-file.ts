import type { LogEntry } from '../../core/notification.js';
import { completeAfter, isPattern } from '../../core/patterns.js';
import type { Epoch, HistoryQuery, PastEpoch, ReadQuery, ReadResult } from '../../core/store.js';
import { CHUNK_BYTES, CHUNK_COUNT, type LogChunk } from '../shared/tail-hub.js';
import type { Engine, Reader, Row, Writer } from './engine.js';
import { Checkpoints } from './checkpoints.js';
import { ClaimTable } from './claim-table.js';
import { closeAll, type Connections, openConnections } from './connections.js';
import type { Origin } from './continuity.js';
import { epochOf, EpochWriter } from './epoch-writer.js';
import { createFile, fileIdentity, hasFile, sameFile } from './file-identity.js';
import type { IdRow } from './id-window.js';
import { LockSignal } from './lock-signal.js';
import { migrate } from './migrations.js';
import { mergeTopics, type Place } from './merge.js';
import { PatternTable } from './pattern-table.js';
import type { Aged, Removal } from './retention.js';
import { type Commands, prepareCommands, prepareQueries, type Queries } from './statements.js';

/** The state of the log. */
export interface LogState {
  readonly epoch: Epoch;
  /** Identity of the file when it was opened last. */
  readonly file: string;
  readonly head: number;
  readonly trimmed: number;
  /** Removed entries above `trimmed`. */
  readonly removed: number;
  readonly bytes: number;
  /** The number of the library's records among the entries. `recordBytes` is their size. */
  readonly records: number;
  readonly recordBytes: number;
  /** The number of the last claim. */
  readonly claims: number;
  readonly claimsHeld: number;
}

/** When the engine overwrites removed entries. */
export type Overwriting = 'cheap' | 'always';

/**
 * The open file, with three connections: one writes, one reads, and one runs checkpoints. Readers
 * see committed entries, also during a flush to the disk. A caller that writes must be the only
 * writing task of this process, and must hold the lock that `begin` takes.
 */
export class LogFile {
  /** Used under the write lock. */
  readonly claims: ClaimTable;
  readonly patterns: PatternTable;
  readonly #path: string;
  readonly #identity: string;
  readonly #reader: Reader;
  readonly #writer: Writer;
  readonly #checkpoints: Checkpoints;
  readonly #signal: LockSignal;
  readonly #queries: Queries;
  readonly #commands: Commands;
  readonly #epochs: EpochWriter;
  #epoch: Epoch | undefined;
  #overwrites: Overwriting | undefined;

  private constructor(path: string, connections: Connections & Prepared) {
    this.claims = connections.claims;
    this.patterns = connections.patterns;
    this.#path = path;
    this.#identity = fileIdentity(path);
    this.#reader = connections.reader;
    this.#writer = connections.writer;
    this.#checkpoints = new Checkpoints(path, connections.checkpointer);
    this.#commands = connections.commands;
    this.#epochs = connections.epochs;
    this.#queries = prepareQueries(connections.reader);
    this.#signal = new LockSignal(path);
  }

  /** Opens the file, and creates the log in it if the file has no log. */
  static async open(path: string, engine: Engine): Promise<LogFile> {
    createFile(path);
    const connections = await openConnections(path, engine);
    const { reader, writer } = connections;
    try {
      await migrate(reader, writer);
      return new LogFile(path, {
        ...connections,
        commands: await prepareCommands(writer),
        claims: await ClaimTable.prepare(reader, writer),
        patterns: await PatternTable.prepare(reader, writer),
        epochs: await EpochWriter.prepare(writer),
      });
    } catch (error) {
      closeAll(connections);
      throw error;
    }
  }

  /** True if the path has another file now, or none. */
  get moved(): boolean {
    return !hasFile(this.#path, this.#identity);
  }

  /** A number that changes whenever another connection has committed. It is cheap to read. */
  get version(): number {
    return this.#queries.version.get()?.data_version as number;
  }

  state(): LogState {
    const row = this.#queries.log.get(this.#epoch?.id ?? '');
    if (!row) throw new Error('the file holds no log');
    if (row.past !== null || !this.#epoch) this.#epoch = epochOf(row);
    return {
      epoch: this.#epoch,
      file: row.file as string,
      head: row.head as number,
      trimmed: row.trimmed as number,
      removed: row.removed as number,
      bytes: row.bytes as number,
      records: row.records as number,
      recordBytes: row.recordBytes as number,
      claims: row.claims as number,
      claimsHeld: row.claimsHeld as number,
    };
  }

  page(query: ReadQuery | HistoryQuery): ReadResult {
    if (query.limit === 0 || query.topics.length === 0) return { ...this.#empty(), entries: [], more: false };
    return this.snapshot(() => {
      const places = query.before === undefined ? this.#queries.topic : this.#queries.topicBefore;
      const direction = query.before === undefined ? 'after' : 'before';
      const { positions, more } = mergeTopics(query, (name, from, count) =>
        isPattern(name)
          ? this.patterns.places(direction, name, from, count)
          : (places.all(name, from, count) as unknown as Place[]),
      );
      const entries = positions.map((position) => this.#entryAt(position));
      return { ...this.#stateFor(query.topics), entries, more };
    });
  }

  /** The entries after a position, as many as fit in memory. */
  chunkAfter(after: number): LogChunk & Pick<LogState, 'removed'> {
    return this.snapshot(() => {
      const { epoch, head, trimmed, removed } = this.state();
      let upTo = head;
      let bytes = 0;
      const sizes = this.sizesAfter(after, CHUNK_COUNT);
      for (const size of sizes) {
        bytes += size.bytes;
        if (bytes > CHUNK_BYTES && size !== sizes[0]) break;
        upTo = size.position;
      }
      const whole = sizes.length < CHUNK_COUNT && bytes <= CHUNK_BYTES;
      const entries = sizes.length === 0 ? [] : this.#queries.between.all(after, upTo).map(entryOf);
      return { epoch, entries, upTo: whole ? head : upTo, head, trimmed, removed };
    });
  }

  idsAfter(after: number, count: number): IdRow[] {
    return this.#queries.ids.all(after, count) as unknown as IdRow[];
  }

  sizesAfter(after: number, count: number): Aged[] {
    return this.#queries.sizes.all(after, count) as unknown as Aged[];
  }

  /** The id of the entry at a position, or undefined if no entry has that position. */
  idAt(position: number): string | undefined {
    const [row] = this.idsAfter(position - 1, 1);
    return row?.position === position ? row.id : undefined;
  }

  /** All reads of the task see the same state. */
  snapshot<T>(read: () => T): T {
    this.#queries.begin.all();
    try {
      return read();
    } finally {
      this.#queries.end.all();
    }
  }

  askForLock(): void {
    this.#signal.ask();
  }

  get othersAsk(): boolean {
    return this.#signal.othersAsk;
  }

  /**
   * Takes the write lock, or throws if it is busy. Until `commit` or `rollback`, no other process
   * can change `state`.
   */
  begin(): void {
    this.#commands.begin();
  }

  insert({ position, topic, id, bytes, json }: LogEntry, timeMs: number): void {
    this.#commands.append(position, topic, id, timeMs, bytes, json);
  }

  setState({ head, trimmed, bytes, records, recordBytes, removed }: LogState): void {
    this.#commands.updateLog(head, trimmed, bytes, records, recordBytes, removed);
  }

  /** The next entries of a topic after a position. */
  placesAfter(topic: string, after: number, count: number): Place[] {
    return this.#queries.topic.all(topic, after, count) as unknown as Place[];
  }

  /** Removes the entries of a topic after a position and up to another one. */
  removeTopic(topic: string, after: number, upTo: number): void {
    this.#commands.remove(topic, after, upTo);
  }

  remove(trimmed: number, { upTo }: Removal): void {
    this.#commands.trim(trimmed, upTo);
    this.patterns.trim(upTo);
  }

  /**
   * Whether removed entries are overwritten with zeros. `always` also writes pages that become
   * free, so retention does not use it. `cheap` overwrites in pages that are written anyway. So
   * when entries move to another page, no copy of them stays behind. Call it outside of a
   * transaction.
   */
  async overwrite(when: Overwriting): Promise<void> {
    if (this.#overwrites === when) return;
    await this.#writer.exec(`PRAGMA secure_delete = ${when === 'always' ? 'ON' : 'FAST'}`);
    this.#overwrites = when;
  }

  /** Begins an epoch that continues others. */
  renewEpoch(before: readonly PastEpoch[] = []): Epoch {
    return this.#epochs.renew(before);
  }

  /** Records the identity of the file, and compares it with the identity at the last opening. */
  claim(): Origin {
    const before = this.state().file;
    const now = fileIdentity(this.#path);
    if (before !== now) this.#commands.setFile(now);
    if (before === '') return 'new';
    return sameFile(before, now) ? 'same' : 'other';
  }

  /** Resolves when all writes since `begin` are on the disk. */
  commit(): Promise<void> {
    return this.#writer.exec('COMMIT');
  }

  /** Undoes all writes since `begin`. An error means that the engine has undone them already. */
  async rollback(): Promise<void> {
    await this.#writer.exec('ROLLBACK').catch(() => undefined);
  }

  get checkpointDue(): boolean {
    return this.#checkpoints.isDue;
  }

  /** Runs a checkpoint. Call it only between `begin` and the first change: see `Checkpoints`. */
  checkpoint(): Promise<void> {
    return this.#checkpoints.run();
  }

  /** Moves the write-ahead log into the file and empties it, so that it has no removed entries. */
  async emptyLog(): Promise<void> {
    await this.#checkpointAlone();
    await this.#checkpoints.empty(this.#writer, () => this.#commitPage());
  }

  /**
   * Closes the file. All of the write-ahead log is copied into it first, if no other process uses
   * it.
   *
   * @param isAlone no other process has committed since the last commit of this one. Otherwise that
   * process empties the write-ahead log.
   */
  async close(isAlone: boolean): Promise<void> {
    try {
      await this.#checkpointAlone();
      if (isAlone) await this.#checkpoints.finish();
    } catch {
      // Other processes are using the file. The last of them empties the write-ahead log.
    }
    this.discard();
  }

  /** Closes a file that has failed. */
  discard(): void {
    closeAll({ reader: this.#reader, writer: this.#writer, checkpointer: this.#checkpoints });
  }

  /** Runs a checkpoint in a transaction of its own. */
  async #checkpointAlone(): Promise<void> {
    this.begin();
    await this.checkpoint().finally(() => this.rollback());
  }

  /** Commits a page that has the same values as before. */
  async #commitPage(): Promise<void> {
    this.begin();
    try {
      for (const change of [1, -1]) this.#commands.addBytes(change);
      await this.commit();
    } catch (error) {
      await this.rollback();
      throw error;
    }
  }

  #empty(): Pick<ReadResult, 'epoch' | 'head' | 'trimmed'> {
    const { epoch, head, trimmed } = this.state();
    return { epoch, head, trimmed };
  }

  #stateFor(names: readonly string[]): Pick<ReadResult, 'epoch' | 'head' | 'trimmed'> {
    const { epoch, head, trimmed } = this.#empty();
    if (!names.some(isPattern)) return { epoch, head, trimmed };
    return { epoch, head, trimmed: Math.max(trimmed, completeAfter(this.patterns.all(), names, head)) };
  }

  #entryAt(position: number): LogEntry {
    const row = this.#queries.entry.get(position);
    if (!row)
      throw new Error(
        `the index has position ${position}, but the log has no entry there; restore the file from a backup`,
      );
    return entryOf(row);
  }
}

interface Prepared {
  readonly commands: Commands;
  readonly claims: ClaimTable;
  readonly patterns: PatternTable;
  readonly epochs: EpochWriter;
}

function entryOf(row: Row): LogEntry {
  const { position, id, topic, json, bytes } = row as unknown as LogEntry;
  return { position, id, topic, json, bytes };
}
