import type { Clock } from '../../core/clock.js';
import type { LogEntry } from '../../core/notification.js';
import { isPattern } from '../../core/patterns.js';
import type { HistoryQuery, ReadQuery, ReadResult } from '../../core/store.js';
import { CHUNK_BYTES, type LogChunk } from '../shared/tail-hub.js';
import { unavailable } from '../shared/unavailable.js';
import { Assembler } from './assembler.js';
import type { Engine } from './engine.js';
import type { Follower } from './follower.js';
import type { LogStart } from './log-start.js';
import { decodePart, endPosition, type RawMessage, sequenceOf } from './layout.js';
import { sequenceAfter, sequenceBefore } from './part-search.js';
import { headOf, type LogIdentity, type LogStatus, logStatus } from './stream.js';
import { TopicHistory } from './topic-history.js';
import { type TopicReader, TopicRun } from './topic-run.js';
import { WholeCommits } from './whole-commits.js';

/** Messages that are requested at once when the log is read in order. */
const CHUNK_MESSAGES = 64;
/** Messages in one batch, if the server can read in batches. */
const CHUNK_BATCH = 512;

/**
 * The minimum number of messages in the first batch of a topic. Larger batches would be wasted if
 * other topics fill the page.
 */
const BATCH_MIN = 4;
const BATCH_BYTES_MIN = 64 * 1024;

export interface PagesOptions {
  readonly engine: Engine;
  readonly follower: Follower;
  readonly start: LogStart;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

/** Reads the log from the stream. */
export class Pages {
  readonly #engine: Engine;
  readonly #follower: Follower;
  readonly #start: LogStart;
  readonly #clock: Clock;
  readonly #pageMs: number;

  constructor({ engine, follower, start, clock, timeoutMs }: PagesOptions) {
    this.#engine = engine;
    this.#follower = follower;
    this.#start = start;
    this.#clock = clock;
    this.#pageMs = timeoutMs / 2;
  }

  /**
   * Reads the head first, so that everything up to it exists when the topics are read. Reads
   * `trimmed` last, so that it includes entries that were removed in between.
   */
  async read(query: ReadQuery | HistoryQuery): Promise<ReadResult> {
    const log = this.#follower.log;
    const status = await this.#status(log);
    const head = await this.#headOf(status);
    const page = query.limit > 0 ? await this.#page(query, log, head) : { entries: [], more: false };
    return { epoch: log.epoch, ...page, head, trimmed: await this.#start.trimmed(log, status.lastSequence) };
  }

  /** Finds ids after this node has seen everything that any node has appended. */
  async positionsOf(ids: readonly string[], timeoutMs: number): Promise<readonly (number | undefined)[]> {
    const follower = this.#follower;
    await follower.ready(timeoutMs);
    const { lastSequence } = await this.#status(follower.log);
    await follower.passes(lastSequence - 1, timeoutMs);
    await follower.ready(timeoutMs);
    follower.ids.forget(this.#clock.monotonic());
    return ids.map((id) => follower.ids.get(id)?.position);
  }

  /** The entries after a position in the order of the log, up to the follower's head. */
  async chunk(after: number): Promise<LogChunk> {
    const { head, log } = this.#follower;
    const { epoch } = log;
    if (after >= head) return { epoch, entries: [], upTo: head, head, trimmed: 0 };
    const end = sequenceOf(head);
    const assembler = new Assembler(await sequenceAfter(this.#engine, after));
    const entries: LogEntry[] = [];
    let [upTo, trimmed, bytes, sequence] = [after, 0, 0, assembler.next];
    while (sequence <= end && (upTo === after || (entries.length < CHUNK_MESSAGES && bytes < CHUNK_BYTES))) {
      const [messages, next] = await this.#messages(sequence, end);
      // `kept` matters only if a message is missing. `kept` is read after the messages, so
      // retention has not removed a missing message above `kept`.
      const isWhole = assembler.next + messages.length === next;
      const kept = isWhole ? 0 : await this.#start.trimmed(log, end);
      const isKept = (): boolean => endPosition(assembler.next - 1) >= kept;
      const visible = messages.flatMap((message) => {
        const isRemoved = message.sequence > assembler.next && isKept();
        const closed = isRemoved ? assembler.removed(message.sequence - 1) : undefined;
        return [closed, assembler.add(message.sequence, decodePart(message))];
      });
      if (next > end && isKept()) visible.push(assembler.removed(end));
      for (const one of visible) {
        if (!one) continue;
        upTo = one.head;
        trimmed = one.floor ?? trimmed;
        entries.push(...one.entries);
        for (const entry of one.entries) bytes += entry.bytes;
      }
      sequence = next;
    }
    // The end is reached. If the last messages are missing, either `remove` or retention has
    // removed them.
    if (sequence > end && upTo < head) {
      if (assembler.next <= end) trimmed = Math.max(trimmed, head);
      upTo = head;
    }
    return { epoch, entries, upTo, head, trimmed };
  }

  /** Some messages from a sequence on, in order, and the sequence of the next read. */
  async #messages(from: number, end: number): Promise<readonly [readonly RawMessage[], number]> {
    const engine = this.#engine;
    if (engine.canBatch) {
      const query = { seq: from, next_by_subj: '>', batch: CHUNK_BATCH, max_bytes: CHUNK_BYTES };
      const messages = (await engine.getBatch(query)).filter(({ sequence }) => sequence <= end);
      return [messages, (messages.at(-1)?.sequence ?? end) + 1];
    }
    const length = Math.min(CHUNK_MESSAGES, end - from + 1);
    const found = await Promise.all(Array.from({ length }, (_, at) => engine.get({ seq: from + at })));
    const messages = found.filter((message) => message !== undefined);
    if (messages.length > 0) return [messages, from + length];
    return [messages, (await engine.get({ seq: from + length, next_by_subj: '>' }))?.sequence ?? end + 1];
  }

  /**
   * The state of the stream. Rejects if the stream has another log than this node follows, or a
   * shorter one.
   */
  async #status(log: LogIdentity): Promise<LogStatus> {
    const known = this.#follower.sequence;
    const status = await logStatus(this.#engine);
    const same = status?.prefix === log.prefix && status.epoch.id === log.epoch.id;
    if (same && status.lastSequence >= known) return status;
    this.#follower.recheck();
    throw unavailable('The log of the NATS store has changed; this node checks it first.');
  }

  async #headOf(status: LogStatus): Promise<number> {
    const { sequence, visible } = this.#follower;
    return status.lastSequence === sequence ? visible : headOf(this.#engine, status);
  }

  async #page(query: ReadQuery | HistoryQuery, log: LogIdentity, head: number) {
    const { limit, bytesMax } = query;
    const step = query.before === undefined ? 1 : -1;
    const runs = await this.#runs(query, log, head);
    const endsMs = this.#clock.monotonic() + this.#pageMs;
    const entries: LogEntry[] = [];
    let bytes = 0;
    for (;;) {
      const unread = runs.filter(({ isReady }) => !isReady);
      if (unread.length > 0) await Promise.all(unread.map((run) => run.load()));
      const next = nextOf(runs, step);
      if (!next?.entry) return { entries, more: false };
      const { entry } = next;
      bytes += entry.bytes;
      if (entries.length >= limit || (entries.length > 0 && bytes > bytesMax)) return { entries, more: true };
      entries.push(entry);
      next.take();
      // Without batches each message is a request. With a slow server the page ends early instead
      // of too late.
      if (this.#clock.monotonic() >= endsMs) return { entries, more: true };
    }
  }

  /** The readers of the topics. There are none if nothing is beyond the position. */
  async #runs(query: ReadQuery | HistoryQuery, { prefix }: LogIdentity, head: number): Promise<TopicReader[]> {
    const { after, before, limit, bytesMax } = query;
    if (before === undefined ? after >= head : before <= 1 || head === 0) return [];
    const engine = this.#engine;
    const names = [...new Set(query.topics)];
    const common = {
      ...{ prefix, commits: new WholeCommits(engine) },
      batch: Math.max(BATCH_MIN, Math.ceil((limit + 1) / Math.max(1, names.length))),
      batchBytes: Math.max(BATCH_BYTES_MIN, Math.ceil(bytesMax / Math.max(1, names.length))),
    };
    const hasPattern = names.some(isPattern);
    if (before !== undefined) {
      // No later message has an entry before the position.
      const end = await sequenceBefore(engine, Math.min(before, head + 1), hasPattern);
      return names.map((topic) => new TopicHistory(engine, { ...common, topic, end, before }));
    }
    const start = await sequenceAfter(engine, after, hasPattern);
    return names.map((topic) => new TopicRun(engine, { ...common, topic, start, after, head }));
  }
}

/** The topic with the lowest next position, or with the highest one if `step` is -1. */
function nextOf(runs: readonly TopicReader[], step: 1 | -1): TopicReader | undefined {
  let next: TopicReader | undefined;
  for (const run of runs) {
    if (run.entry && (!next?.entry || (run.entry.position - next.entry.position) * step < 0)) next = run;
  }
  return next;
}
