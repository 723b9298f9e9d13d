import type { LogEntry } from '../../core/notification.js';
import { afterDeclaration, covers, type IndexedPattern } from '../../core/patterns.js';
import type { Command, Query, Reader, Writer } from './engine.js';
import type { Place } from './merge.js';
import {
  ADD_PATTERN,
  INDEX_ENTRY,
  PATTERN_POSITIONS,
  PATTERN_POSITIONS_BEFORE,
  PATTERNS,
  REMOVE_FROM_PATTERN,
  REMOVE_PATTERN,
  TRIM_PATTERN,
} from './sql/statements.sql.js';

type Statements = Readonly<
  Record<'patterns' | 'after' | 'before', Query> & Record<'add' | 'remove' | 'index' | 'trim' | 'removeTopic', Command>
>;

/** A pattern with the number under which its entries are indexed. */
interface StoredPattern extends IndexedPattern {
  readonly id: number;
}

/** The declared patterns, and the index of the entries that they match. */
export class PatternTable {
  readonly #statements: Statements;

  private constructor(statements: Statements) {
    this.#statements = statements;
  }

  static async prepare(reader: Reader, writer: Writer): Promise<PatternTable> {
    return new PatternTable({
      patterns: reader.prepare(PATTERNS),
      after: reader.prepare(PATTERN_POSITIONS),
      before: reader.prepare(PATTERN_POSITIONS_BEFORE),
      add: await writer.prepare(ADD_PATTERN),
      remove: await writer.prepare(REMOVE_PATTERN),
      index: await writer.prepare(INDEX_ENTRY),
      trim: await writer.prepare(TRIM_PATTERN),
      removeTopic: await writer.prepare(REMOVE_FROM_PATTERN),
    });
  }

  /** The patterns of the log, the oldest declaration first. */
  all(): readonly StoredPattern[] {
    return this.#statements.patterns.all() as unknown as StoredPattern[];
  }

  /** The positions of a pattern, in the direction of the page. */
  places(direction: 'after' | 'before', ...[name, from, count]: [string, number, number]): readonly Place[] {
    return this.#statements[direction].all(name, from, count) as unknown as Place[];
  }

  /** Declares patterns under the write lock. The index of a dropped one is removed. */
  declare(names: readonly string[], head: number): void {
    const known = this.all();
    const patterns = afterDeclaration(known, names, head);
    for (const { id, name } of known) {
      if (patterns.some((one) => one.name === name)) continue;
      this.#statements.trim(id, head);
      this.#statements.remove(id);
    }
    for (const [order, { name, since }] of patterns.entries()) this.#statements.add(name, since, order);
  }

  /** Indexes an entry under the write lock. `patterns` are those of this transaction. */
  index({ position, topic, bytes }: LogEntry, patterns: readonly StoredPattern[]): void {
    for (const { id, name } of patterns) if (covers(name, topic)) this.#statements.index(id, position, bytes);
  }

  /** Removes the entries of a topic from the index, before they are removed from their table. */
  removeTopic(topic: string, after: number, upTo: number): void {
    for (const { id, name } of this.all())
      if (covers(name, topic)) this.#statements.removeTopic(id, topic, after, upTo);
  }

  /** Removes the entries up to a position from the index. */
  trim(upTo: number): void {
    for (const { id } of this.all()) this.#statements.trim(id, upTo);
  }
}
