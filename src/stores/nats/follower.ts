import { TIMER_MS_MAX } from '../../core/clock.js';
import type { TailBatch } from '../../core/store.js';
import { type RecentId, RecentIds } from '../shared/recent-ids.js';
import { type Outage, unavailable } from '../shared/unavailable.js';
import { Arming } from './arming.js';
import { Assembler, type Visible } from './assembler.js';
import type { NewCommit } from './commit.js';
import { Changes } from './changes.js';
import { Consumer, type ConsumerOptions } from './consumer.js';
import { Continuity } from './continuity.js';
import { isRecord } from '../../core/records.js';
import { decodePart, endPosition, epochSubject, type Part, type RawMessage, visibleAt } from './layout.js';
import { RecordRoom, type RecordRoomOptions } from './record-room.js';
import { firstSequenceSince, type LogIdentity, type LogStatus, openLog } from './stream.js';

/** An id, and the commit that contains it. */
export interface CommittedId extends RecentId {
  readonly commit: string;
}

export interface FollowerOptions extends RecordRoomOptions {
  readonly outage: Outage;
  /** Entries have become visible since the follower started. */
  readonly onVisible: (batch: TailBatch) => void;
  /** The follower follows another log, or another epoch of its log. */
  readonly onEpoch: () => void;
}

/**
 * While a node catches up, it expects `CATCH_UP_STEP` messages within `CATCH_UP_MS`. Otherwise it
 * opens another consumer at the same sequence.
 */
const CATCH_UP_STEP = 10;
const CATCH_UP_MS = 2_000;

/**
 * The state of the log as this node knows it: the epoch, the last message and the newest ids. One
 * consumer follows the stream. `live` means that the node has caught up. After every interruption
 * the node first checks that the stream still holds everything it has seen.
 */
export class Follower {
  readonly #options: FollowerOptions;
  readonly ids: RecentIds<CommittedId>;
  readonly records: RecordRoom;
  #log: LogIdentity | undefined;
  #consumer: Consumer | undefined;
  #assembler = new Assembler(1);
  #sequence = 0;
  #visible = 0;
  #head = 0;
  #lastCommit = '';
  #live = false;
  /** The log is known. The newest ids may not be known yet. */
  #readable = false;
  #closed = false;
  readonly #arming: Arming;
  readonly #continuity: Continuity;
  /** The last sequence of the stream when the node last checked its epoch. */
  #armedAt = 0;
  /** Messages that existed when the consumer was opened and that it has not delivered yet. */
  #pending = 0;
  /** Messages that the consumer has delivered. */
  #received = 0;
  /**
   * The last message when the node started to follow the log: its time on the server's clock, and
   * the same moment on this node's clock.
   */
  #newest = { sequence: 0, timeMs: 0, monotonicMs: 0 };
  readonly #changes: Changes;

  constructor(options: FollowerOptions) {
    this.#options = options;
    const { engine, settings, clock, outage } = options;
    this.ids = new RecentIds(settings);
    this.records = new RecordRoom(options);
    this.#changes = new Changes(clock);
    this.#continuity = new Continuity(engine, settings);
    this.#arming = new Arming({ clock, outage, arm: () => this.#arm() });
  }

  /** Opens the log, or creates it. Reads are possible then; appends wait for the catch-up. */
  async start(): Promise<void> {
    const { timeoutMs } = this.#options.settings;
    const started = this.#arming.start(timeoutMs);
    // The first run may end after it has begun a new epoch. The next run then opens the log. The
    // next run opens it.
    await Promise.race([started.then(() => this.readable(timeoutMs)), this.readable(TIMER_MS_MAX)]);
    // After a failure of the catch-up the node tries again.
    started.catch(() => this.recheck());
  }

  /** The log that this node follows. */
  get log(): LogIdentity {
    if (!this.#log) throw unavailable('The NATS store has no log yet.');
    return this.#log;
  }

  /** `onVisible` has received everything up to this position. */
  get head(): number {
    return this.#head;
  }

  /** The sequence of the last message that this node knows. */
  get sequence(): number {
    return this.#sequence;
  }

  /** The id of the last commit that this node has seen, whole or not. */
  get lastCommit(): string {
    return this.#lastCommit;
  }

  /** Everything up to this position is visible if `sequence` is the last message. */
  get visible(): number {
    return this.#visible;
  }

  /** True if some parts of another node's commit are stored, but not all. */
  get commitOpen(): boolean {
    return this.#visible < endPosition(this.#sequence);
  }

  /** Resolves when the node knows the log and its last message. */
  async readable(timeoutMs: number): Promise<void> {
    await this.#changes.until(() => this.#readable, timeoutMs);
  }

  /** Resolves when the node has caught up: it knows the newest ids as well. */
  async ready(timeoutMs: number): Promise<void> {
    await this.#changes.until(() => this.#live, timeoutMs);
  }

  /** Resolves when the node has seen a message after this sequence, or is no longer live. */
  async passes(sequence: number, timeoutMs: number): Promise<void> {
    await this.#changes.until(() => this.#sequence > sequence || !this.#live, timeoutMs);
  }

  /** Adds a commit of this node, before the consumer receives it. */
  committed({ commit, lastSequence, positions }: NewCommit, ids: readonly string[]): void {
    const sinceMs = this.#options.clock.monotonic();
    for (const [at, id] of ids.entries()) this.ids.add({ id, position: positions[at] ?? 0, commit, sinceMs });
    if (this.#sequence > lastSequence) return;
    this.#continuity.sawCommit({ sequence: lastSequence, commit });
    this.#sequence = lastSequence;
    this.#lastCommit = commit;
    this.#visible = endPosition(lastSequence);
  }

  /** Checks the stream again. The node is not live until the check has succeeded. */
  recheck(): void {
    this.#pause();
    this.#arming.request();
  }

  /** The server has lost something outside of the log. The log begins a new epoch. */
  renew(): void {
    this.#continuity.doubt();
    this.recheck();
  }

  lost(reason: string): void {
    if (this.#closed) return;
    this.#options.outage.lost(reason);
    this.recheck();
  }

  /** The connection is established again: starts the next attempt now. */
  hurry(): void {
    this.#pause();
    this.#arming.hurry();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#pause();
    this.#changes.close();
    this.records.close();
    await this.#arming.close();
    await this.#consumer?.close();
  }

  #pause(): void {
    this.#live = false;
    this.#readable = false;
  }

  async #arm(): Promise<void> {
    const { engine, settings, outage } = this.#options;
    this.#pause();
    void this.#consumer?.close();
    const status = await openLog({ engine, settings, records: this.records });
    const mine = this.#log?.prefix === status.prefix ? this.#log.epoch : undefined;
    if (await this.#continuity.renew(mine, this.#sequence, status)) {
      this.#arming.request();
      return;
    }
    this.#armedAt = status.lastSequence;
    if (this.#follows(status)) await this.#resume(status.lastSequence);
    else await this.#begin(status);
    if (this.#isOutdated()) return;
    this.#readable = true;
    this.#changes.notify();
    await this.#caughtUp(status.lastSequence);
    if (this.#isOutdated()) return;
    this.#live = true;
    this.#changes.notify();
    outage.recovered();
  }

  #isOutdated(): boolean {
    return this.#arming.isRequested || this.#closed;
  }

  /** Catches up with the stream, without a time limit while messages arrive. */
  async #caughtUp(sequence: number): Promise<void> {
    while (this.#assembler.next <= sequence) {
      const { next } = this.#assembler;
      await this.#changes.until(
        () => this.#assembler.next > Math.min(sequence, next + CATCH_UP_STEP),
        Math.min(this.#options.settings.timeoutMs, CATCH_UP_MS),
      );
    }
  }

  #follows({ prefix, epoch }: LogIdentity): boolean {
    return this.#log?.prefix === prefix && this.#log.epoch.id === epoch.id;
  }

  async #resume(lastSequence: number): Promise<void> {
    const { next } = this.#assembler;
    const { engine, clock } = this.#options;
    const options: ConsumerOptions = {
      engine,
      clock,
      onMessage: (message) => this.#onMessage(message),
      onBroken: (reason) => this.lost(reason),
    };
    [this.#pending, this.#received] = [Infinity, 0];
    const { consumer, pending } = await Consumer.open(options, next);
    this.#consumer = consumer;
    this.#pending = pending - this.#received;
    this.#skipRemoved(lastSequence);
  }

  /**
   * The consumer has delivered all messages that existed. If the last messages up to a sequence are
   * missing, they were removed and never arrive.
   */
  #skipRemoved(lastSequence: number): void {
    if (this.#pending > 0 || this.#assembler.next > lastSequence) return;
    this.#advance(lastSequence, undefined, this.#assembler.skip(lastSequence));
  }

  /** Starts to follow a log: reads its newest ids, and delivers the entries from now on. */
  async #begin({ epoch, prefix, lastSequence }: LogStatus): Promise<void> {
    const { clock, engine, settings } = this.#options;
    const last = lastSequence > 0 ? await engine.get({ seq: lastSequence }) : undefined;
    const part = last && decodePart(last);
    this.#log = { epoch, prefix };
    this.#continuity.clear();
    this.#visible = lastSequence > 0 ? visibleAt(lastSequence, part) : 0;
    this.#head = this.#visible;
    this.#sequence = lastSequence;
    // The first message to read: it includes the parts of an unfinished commit, and only as many
    // ids as the node remembers.
    const commitFirst = part && part.index < part.parts ? lastSequence - part.index + 1 : lastSequence + 1;
    const newest = Math.max(1, lastSequence - settings.idempotencyCount + 1);
    const timeMs = last?.timeMs ?? 0;
    this.#newest = { sequence: lastSequence, timeMs, monotonicMs: clock.monotonic() };
    const first = (await firstSequenceSince(engine, timeMs - settings.idempotencyMs)) ?? lastSequence + 1;
    const start = Math.min(commitFirst, Math.max(newest, first));
    this.#assembler = new Assembler(start);
    this.ids.clear(endPosition(start - 1));
    if (start > lastSequence) this.#continuity.saw(lastSequence, part);
    await this.#resume(lastSequence);
    this.#options.onEpoch();
  }

  #onMessage(message: RawMessage): void {
    const { sequence, subject } = message;
    this.#received++;
    this.#pending--;
    if (sequence < this.#assembler.next) return;
    const part = decodePart(message);
    if (sequence > this.#armedAt && part?.entries.some(isRecord)) this.records.saw(1);
    this.#advance(sequence, part, this.#assembler.add(sequence, part));
    if (sequence > this.#armedAt && subject === epochSubject(this.log.prefix)) this.recheck();
    else this.#skipRemoved(this.#armedAt);
  }

  #advance(sequence: number, part: Part | undefined, visible: Visible | undefined): void {
    this.#continuity.saw(sequence, part);
    const sinceMs = this.#sinceMs(sequence, part);
    for (const { id, position } of visible?.entries ?? []) {
      this.ids.add({ id, position, commit: part?.commit ?? '', sinceMs });
    }
    // A node that only reads must also forget old ids.
    this.ids.forget(this.#options.clock.monotonic());
    if (sequence > this.#sequence) {
      this.#visible = visibleAt(sequence, part);
      this.#lastCommit = part?.commit ?? '';
      this.#sequence = sequence;
    }
    if (visible && visible.head > this.#head) this.#deliver(visible);
    this.#changes.notify();
  }

  /**
   * The latest moment at which a message can have been stored, on this node's monotonic clock. The
   * clocks of server and node may differ, so times of the server are only compared with each other.
   */
  #sinceMs(sequence: number, part: Part | undefined): number {
    const { sequence: newest, timeMs, monotonicMs } = this.#newest;
    if (sequence > newest || !part) return this.#options.clock.monotonic();
    return monotonicMs - Math.max(0, timeMs - part.timeMs);
  }

  #deliver({ floor, entries, head }: Visible): void {
    const after = Math.max(this.#head, floor ?? 0);
    this.#head = head;
    this.#options.onVisible({
      epoch: this.log.epoch,
      after,
      entries: entries.filter(({ position }) => position > after),
      head,
    });
  }
}
