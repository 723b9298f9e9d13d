import type { LogEntry } from '../../core/notification.js';
import { isPattern } from '../../core/patterns.js';
import type { Engine } from './engine.js';
import { decodePart, firstSequenceOf, type Part, type RawMessage, subjectOf } from './layout.js';
import { entriesOf, inOrder, type TopicReader, type TopicReaderQuery } from './topic-run.js';

export interface TopicHistoryQuery extends TopicReaderQuery {
  /** The last sequence to read. */
  readonly end: number;
  readonly before: number;
}

/**
 * A window is at most this many times as long as the last window. For the first window, the limit
 * is a multiple of the number of needed messages.
 */
const GROWTH_MAX = 64;
/** The estimated window length is multiplied by this margin. */
const MARGIN = 1.3;
/** A read of a window ends after this many messages, as a multiple of the needed ones. */
const EXCESS = 2;
/**
 * Without batches each message is a request. Windows stay this short, so that a page can end early
 * with a slow server.
 */
const SINGLE_MAX = 16;
/** The server counts the subject and the headers of a message as well. */
const MESSAGE_OVERHEAD = 1024;

/** A window of the stream: the sequences from `from` to `to`. */
interface Window {
  readonly from: number;
  readonly to: number;
}

interface WindowRead {
  readonly messages: readonly RawMessage[];
  readonly isWhole: boolean;
  readonly seen: number;
}

/**
 * The entries of one topic or pattern before a position, newest first.
 *
 * The server finds the messages of a subject only in the order of the stream. So the run reads
 * windows of the stream, from the end to the beginning, and each of them in order. The first window
 * depends on the distance of the topic's last message from the end. Each next one depends on the
 * messages in the last window. A window with too many messages is left unread, and its newer part
 * is read instead. So one read is bounded, and a topic with few messages in a long log takes a few
 * reads.
 *
 * The entries of a commit are merged as in `TopicRun`. `floor` is the highest position before a
 * part, so all entries above `floor` have been read.
 */
export class TopicHistory implements TopicReader {
  readonly #engine: Engine;
  readonly #query: TopicHistoryQuery;
  readonly #subject: string;
  /** The entries of the last read, newest first. */
  #entries: LogEntry[] = [];
  #index = 0;
  /**
   * Entries that were read, in the order of the log. Unread messages of their commit may have newer
   * entries.
   */
  #held: readonly LogEntry[] = [];
  /** The earliest part that was read. */
  #earliest: Part | undefined;
  /** The last sequence that is not read yet, 0 if there is none. */
  #end: number;
  #needed: number;
  /** The length of the next window; undefined before the first one. */
  #length: number | undefined;
  /**
   * The start of a window with too many messages; 0 if no such window is known. The windows are
   * halved until one fits.
   */
  #denseFrom = 0;

  constructor(engine: Engine, query: TopicHistoryQuery) {
    this.#engine = engine;
    this.#query = query;
    this.#subject = subjectOf(query.prefix, query.topic);
    this.#end = query.end;
    this.#needed = this.#neededUpTo(query.batch);
  }

  get isReady(): boolean {
    return this.entry !== undefined || this.#end === 0;
  }

  get entry(): LogEntry | undefined {
    return this.#entries[this.#index];
  }

  take(): void {
    this.#index++;
  }

  async load(): Promise<void> {
    while (!this.isReady) {
      const length = (this.#length ??= await this.#firstLength());
      const window = { from: Math.max(1, this.#end - length + 1), to: this.#end };
      if (window.to === 0) return;
      const { messages, isWhole, seen } = await this.#read(window);
      if (!isWhole) {
        // A window of one message is always read, so the halving ends.
        const half = Math.ceil((window.to - window.from + 1) / 2);
        this.#length = this.#denseFrom === 0 ? Math.min(half, this.#lengthFor(messages.length, seen)) : half;
        this.#denseFrom = window.from;
        continue;
      }
      this.#end = window.from - 1;
      await this.#merge(messages);
      if (!this.entry && this.#held.length > 0) await this.#mergeRestOfCommit();
      this.#length = Math.min(this.#lengthFor(messages.length, seen), GROWTH_MAX * length);
      if (this.#end < this.#denseFrom) this.#denseFrom = 0;
      if (this.#denseFrom > 0) this.#length = Math.min(this.#length, Math.ceil((this.#end - this.#denseFrom + 1) / 2));
      if (messages.length >= this.#needed) this.#needed = this.#neededUpTo(2 * this.#needed);
    }
  }

  /** The length of the first window. The run starts at the topic's last message, if it can. */
  async #firstLength(): Promise<number> {
    const last = await this.#engine.get({ last_by_subj: this.#subject });
    if (!last) this.#end = 0;
    const distance = this.#end - (last?.sequence ?? 0) + 1;
    if (distance <= 0) return GROWTH_MAX * this.#needed;
    this.#end = Math.min(this.#end, last?.sequence ?? 0);
    return this.#lengthFor(1, distance);
  }

  /**
   * The length that probably holds the needed messages. The last `seen` sequences held `count`
   * messages.
   */
  #lengthFor(count: number, seen: number): number {
    return Math.max(this.#needed, Math.ceil((MARGIN * this.#needed * seen) / Math.max(count, 0.5)));
  }

  #neededUpTo(count: number): number {
    return this.#engine.canBatch ? count : Math.min(count, SINGLE_MAX);
  }

  /** Adds messages that are directly before those that were read. */
  async #merge(messages: readonly RawMessage[]): Promise<void> {
    const { before, commits, topic } = this.#query;
    const parts = messages.map(decodePart).filter((part) => part !== undefined);
    const whole = await Promise.all(parts.map((part) => commits.has(part)));
    const kept = parts.filter((_, at) => whole[at]);
    const entries = entriesOf(kept, topic).filter(({ position }) => position < before);
    this.#earliest = parts[0] ?? this.#earliest;
    this.#held = inOrder([...entries, ...this.#held]);
    const unreadUpTo = this.#unreadUpTo();
    this.#entries = this.#held.filter(({ position }) => position > unreadUpTo).reverse();
    this.#held = this.#held.slice(0, this.#held.length - this.#entries.length);
    this.#index = 0;
  }

  /** Every unread entry has at most this position, or a lower position than each held entry. */
  #unreadUpTo(): number {
    const part = this.#earliest;
    return part && isPattern(this.#query.topic) && this.#end >= firstSequenceOf(part) ? part.floor : 0;
  }

  /** If the drafts of a commit alternate between many topics, reads all its earlier messages. */
  async #mergeRestOfCommit(): Promise<void> {
    const from = this.#earliest ? firstSequenceOf(this.#earliest) : this.#end;
    const messages: RawMessage[] = [];
    for (let next = from; next <= this.#end;) {
      const { found, isLast } = await this.#readSome(next, this.#end - next + 1);
      messages.push(...found.filter(({ sequence }) => sequence <= this.#end));
      next = isLast ? this.#end + 1 : (found.at(-1)?.sequence ?? this.#end) + 1;
    }
    this.#end = from - 1;
    await this.#merge(messages);
  }

  /**
   * The messages of the topic in a window, in order. If there are too many, `isWhole` is false, and
   * these are the first ones. `seen` is the length that holds them.
   */
  async #read({ from, to }: Window): Promise<WindowRead> {
    const countMax = EXCESS * this.#needed;
    const messages: RawMessage[] = [];
    let bytes = 0;
    for (let next = from; ;) {
      const { found, isLast } = await this.#readSome(next, countMax - messages.length + 1);
      for (const message of found) {
        if (message.sequence > to) return { messages, isWhole: true, seen: to - from + 1 };
        messages.push(message);
        bytes += message.data.length;
      }
      const last = messages.at(-1)?.sequence ?? to;
      if (isLast || last === to) return { messages, isWhole: true, seen: to - from + 1 };
      const isTooMuch = messages.length > countMax || bytes > EXCESS * this.#query.batchBytes;
      if (from < to && isTooMuch) return { messages, isWhole: false, seen: last - from + 1 };
      next = last + 1;
    }
  }

  /** Some messages of the topic from a sequence on. `isLast`: the stream has no more of them. */
  async #readSome(seq: number, batch: number): Promise<{ found: readonly RawMessage[]; isLast: boolean }> {
    const query = { seq, next_by_subj: this.#subject };
    if (!this.#engine.canBatch) {
      const message = await this.#engine.get(query);
      return { found: message ? [message] : [], isLast: message === undefined };
    }
    const max_bytes = this.#query.batchBytes;
    const found = await this.#engine.getBatch({ ...query, batch, max_bytes });
    const bytes = found.reduce((sum, { data }) => sum + data.length + MESSAGE_OVERHEAD, 0);
    return { found, isLast: found.length < batch && bytes < max_bytes };
  }
}
