import type { LogEntry } from '../../core/notification.js';
import { covers, isPattern } from '../../core/patterns.js';
import type { Engine } from './engine.js';
import { decodePart, endPosition, lastSequenceOf, type Part, type RawMessage, subjectOf } from './layout.js';
import type { WholeCommits } from './whole-commits.js';

/** The parts of a query that do not depend on its direction. */
export interface TopicReaderQuery {
  readonly prefix: string;
  /** A topic or a pattern. */
  readonly topic: string;
  /** Messages in the first batch. Each batch is twice as long as the one before. */
  readonly batch: number;
  /** Bytes after which a batch ends. */
  readonly batchBytes: number;
  readonly commits: WholeCommits;
}

export interface TopicRunQuery extends TopicReaderQuery {
  /** The first sequence to read. */
  readonly start: number;
  readonly after: number;
  readonly head: number;
}

/** The entries of one topic or pattern, in the order of the page. */
export interface TopicReader {
  /** False if `load` must read the next entry. */
  readonly isReady: boolean;
  /** The next entry. It stays the same until `take` is called. Undefined at the end. */
  readonly entry: LogEntry | undefined;
  /** Moves to the next entry. */
  take(): void;
  load(): Promise<void>;
}

/** The most messages in a batch. Longer batches are hardly faster. */
const BATCH_MAX = 512;

/**
 * The entries of one topic or pattern, in order. The server finds their messages by its index of
 * subjects, in batches if it supports batches.
 *
 * The drafts of a commit may alternate between the topics of a pattern, but each part has one
 * topic. So the entries of several parts are merged. The parts are in the order of their first
 * entries, so no later part has an entry before the first entry of the last part that was read.
 */
export class TopicRun implements TopicReader {
  readonly #engine: Engine;
  readonly #query: TopicRunQuery;
  readonly #subject: string;
  #parts: Part[] = [];
  #entries: readonly LogEntry[] = [];
  #index = 0;
  /** Entries that were read. Unread parts of their commit may have earlier entries. */
  #held: readonly LogEntry[] = [];
  #sequence: number;
  #batch: number;
  #ended = false;
  #ahead: Promise<RawMessage | undefined> | undefined;

  constructor(engine: Engine, query: TopicRunQuery) {
    this.#engine = engine;
    this.#query = query;
    this.#subject = subjectOf(query.prefix, query.topic);
    this.#sequence = query.start;
    this.#batch = query.batch;
  }

  get isReady(): boolean {
    return this.entry !== undefined || (this.#ended && this.#parts.length === 0 && this.#held.length === 0);
  }

  get entry(): LogEntry | undefined {
    return this.#entries[this.#index];
  }

  take(): void {
    this.#index++;
  }

  async load(): Promise<void> {
    while (!this.isReady) {
      const part = this.#parts.shift();
      if (part) {
        if (await this.#query.commits.has(part)) this.#merge(part);
      } else if (this.#ended) this.#release(Infinity);
      else await this.#read();
    }
  }

  #merge(part: Part): void {
    const { after, topic } = this.#query;
    const isLast = part.index === part.parts || !isPattern(topic);
    const entries = entriesOf([part], topic).filter(({ position }) => position > after);
    this.#held = inOrder([...this.#held, ...entries]);
    this.#release(isLast ? Infinity : (part.entries[0]?.position ?? 0));
  }

  /** All entries up to a position have been read. */
  #release(upTo: number): void {
    this.#entries = this.#held.filter(({ position }) => position <= upTo);
    this.#held = this.#held.slice(this.#entries.length);
    this.#index = 0;
  }

  async #read(): Promise<void> {
    const messages = this.#engine.canBatch ? await this.#readBatch() : await this.#readOne();
    const last = messages.at(-1);
    if (!last) {
      this.#ended = true;
      return;
    }
    this.#sequence = last.sequence + 1;
    if (!this.#engine.canBatch) this.#lookAhead();
    for (const message of messages) {
      const part = decodePart(message);
      if (!part) continue;
      if (endPosition(lastSequenceOf(part)) > this.#query.head) {
        this.#ended = true;
        break;
      }
      this.#parts.push(part);
    }
    // Checks all commits of a batch at the same time. An error is thrown where the result is used.
    for (const part of this.#parts) this.#query.commits.has(part).catch(() => undefined);
  }

  async #readBatch(): Promise<readonly RawMessage[]> {
    const batch = this.#batch;
    this.#batch = Math.min(2 * batch, BATCH_MAX);
    const query = { seq: this.#sequence, next_by_subj: this.#subject, batch, max_bytes: this.#query.batchBytes };
    return this.#engine.getBatch(query);
  }

  async #readOne(): Promise<readonly RawMessage[]> {
    const message = await (this.#ahead ?? this.#get());
    return message ? [message] : [];
  }

  /** Requests the next message early. An error is thrown when the message is needed. */
  #lookAhead(): void {
    this.#ahead = this.#get();
    this.#ahead.catch(() => undefined);
  }

  #get(): Promise<RawMessage | undefined> {
    return this.#engine.get({ seq: this.#sequence, next_by_subj: this.#subject });
  }
}

/** The entries of parts in the order of the log. Records of the library belong to no pattern. */
export function entriesOf(parts: readonly Part[], name: string): readonly LogEntry[] {
  const entries = parts.flatMap((part) => part.entries);
  return isPattern(name) ? inOrder(entries.filter(({ topic }) => covers(name, topic))) : entries;
}

export function inOrder(entries: readonly LogEntry[]): readonly LogEntry[] {
  return entries.toSorted((a, b) => a.position - b.position);
}
