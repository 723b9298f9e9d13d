import type { Clock } from '../../core/clock.js';
import type { TailBatch } from '../../core/store.js';
import { type Outage, unavailable } from '../shared/unavailable.js';
import { Arming } from './arming.js';
import { Assembler, type Visible } from './assembler.js';
import type { NewCommit } from './commit.js';
import { Changes } from './changes.js';
import { Consumer, type ConsumerOptions } from './consumer.js';
import { Continuity } from './continuity.js';
import type { Engine } from './engine.js';
import { isRecord } from '../../core/records.js';
import { IdWindow } from './id-window.js';
import { decodePart, endPosition, epochSubject, type Part, type RawMessage, visibleAt } from './layout.js';
import type { NatsSettings } from './options.js';
import { RecordRoom } from './record-room.js';
import { firstSequenceSince, type LogIdentity, type LogStatus, openLog, proposeEpoch } from './stream.js';

export interface FollowerOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly settings: NatsSettings;
  readonly outage: Outage;
  /** What has become visible since the follower began. */
  readonly onVisible: (batch: TailBatch) => void;
  /** The log is another one than before. */
  readonly onEpoch: () => void;
}

/**
 * Messages at least in each such time while catching up; otherwise another consumer is made, which
 * goes on from there.
 */
const CATCH_UP_STEP = 10;
const CATCH_UP_MS = 2_000;

/**
 * What a node knows of the log: which one it is, its last message, and the newest ids. It follows the stream by one
 * consumer. `live` says that it has caught up and can be believed; after every interruption it looks first whether the
 * stream still is what it was.
 */
export class Follower {
  readonly #options: FollowerOptions;
  readonly ids: IdWindow;
  readonly records: RecordRoom;
  #log: LogIdentity | undefined;
  #consumer: Consumer | undefined;
  #assembler = new Assembler(1);
  #sequence = 0;
  #visible = 0;
  #head = 0;
  #live = false;
  #closed = false;
  readonly #arming: Arming;
  readonly #continuity: Continuity;
  /** The stream's last message when its epoch was looked at. */
  #armedAt = 0;
  /** The newest message when the log was begun with: the server's time of it, and when this node got it. */
  #newest = { sequence: 0, timeMs: 0, monotonicMs: 0 };
  readonly #changes: Changes;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.ids = new IdWindow(options.settings);
    this.records = new RecordRoom(options);
    this.#changes = new Changes(options.clock);
    this.#continuity = new Continuity(options.engine);
    const { clock, outage } = options;
    this.#arming = new Arming({ clock, outage, arm: () => this.#arm() });
  }

  /** Catches up with the log, and makes it if there is none. */
  async start(): Promise<void> {
    await this.#arming.start(this.#options.settings.timeoutMs);
  }

  /** The log that was followed last. */
  get log(): LogIdentity {
    if (!this.#log) throw unavailable('The NATS store has no log yet.');
    return this.#log;
  }

  /** Up to where `onVisible` has come. */
  get head(): number {
    return this.#head;
  }

  /** Of the last message of the stream, as far as this node knows. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Up to which position everything is visible, with `sequence` as the last message. */
  get visible(): number {
    return this.#visible;
  }

  /** Another node's commit is being written: some of its parts are there. */
  get commitOpen(): boolean {
    return this.#visible < endPosition(this.#sequence);
  }

  /** Resolves when the node has caught up. */
  async ready(timeoutMs: number): Promise<void> {
    await this.#changes.until(() => this.#live, timeoutMs);
  }

  /** Resolves when a message after this sequence was seen, or the time is over. */
  async passes(sequence: number, timeoutMs: number): Promise<void> {
    await this.#changes.until(() => this.#sequence > sequence || !this.#live, timeoutMs);
  }

  /** What this node has committed itself is known without waiting for the consumer. */
  committed({ commit, lastSequence, positions }: NewCommit, ids: readonly string[]): void {
    const sinceMs = this.#options.clock.monotonic();
    for (const [at, id] of ids.entries()) this.ids.add(id, { position: positions[at] ?? 0, commit, sinceMs });
    if (this.#sequence > lastSequence) return;
    this.#continuity.sawCommit({ sequence: lastSequence, commit });
    this.#sequence = lastSequence;
    this.#visible = endPosition(lastSequence);
  }

  /** Looks whether the stream still is what it was; until that is clear, the node is not live. */
  recheck(): void {
    this.#live = false;
    this.#arming.request();
  }

  /** The server has lost something that is not in the log: the log begins a new epoch. */
  renew(): void {
    this.#continuity.doubt();
    this.recheck();
  }

  lost(reason: string): void {
    if (this.#closed) return;
    this.#options.outage.lost(reason);
    this.recheck();
  }

  /** The connection is back: no need to wait for the next attempt. */
  hurry(): void {
    this.#live = false;
    this.#arming.hurry();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#live = false;
    this.#changes.close();
    this.records.close();
    await this.#arming.close();
    await this.#consumer?.close();
  }

  async #arm(): Promise<void> {
    const { engine, settings, outage } = this.#options;
    const { records } = this;
    void this.#consumer?.close();
    const status = await openLog({ engine, settings, records });
    const mine = this.#log?.prefix === status.prefix ? this.#log.epoch : undefined;
    const successor = mine && (await this.#continuity.successor(mine, this.#sequence, status));
    if (successor) {
      await proposeEpoch({ engine, settings, records }, status, successor);
      this.#arming.request();
      return;
    }
    this.#armedAt = status.lastSequence;
    if (this.#follows(status)) await this.#resume(status);
    else await this.#begin(status);
    await this.#caughtUp(status.lastSequence);
    if (this.#arming.isRequested || this.#closed) return;
    this.#live = true;
    this.#changes.notify();
    outage.recovered();
  }

  /** However long it takes, as long as it goes on. */
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

  async #resume({ lastSequence }: LogStatus): Promise<void> {
    const { next } = this.#assembler;
    const { consumer, pending } = await Consumer.open(this.#consumerOptions(), next);
    this.#consumer = consumer;
    // Retention has removed all that came meanwhile, so nothing will arrive to tell.
    if (pending === 0 && next <= lastSequence)
      this.#advance(lastSequence, undefined, this.#assembler.skip(lastSequence));
  }

  /** A log that was not followed before: its newest ids are learned, and what comes after now is handed over. */
  async #begin({ epoch, prefix, lastSequence }: LogStatus): Promise<void> {
    const { clock, engine, settings } = this.#options;
    const last = lastSequence > 0 ? await engine.get({ seq: lastSequence }) : undefined;
    const part = last && decodePart(last);
    this.#log = { epoch, prefix };
    this.#continuity.clear();
    this.ids.clear();
    this.#visible = lastSequence > 0 ? visibleAt(lastSequence, part) : 0;
    this.#head = this.#visible;
    this.#sequence = lastSequence;
    // Early enough for the parts of a commit that is being written, late enough to read no more ids than are remembered.
    const commitFirst = part && part.index < part.parts ? lastSequence - part.index + 1 : lastSequence + 1;
    const newest = Math.max(1, lastSequence - settings.idempotencyCount + 1);
    const timeMs = last?.timeMs ?? 0;
    this.#newest = { sequence: lastSequence, timeMs, monotonicMs: clock.monotonic() };
    const first = (await firstSequenceSince(engine, timeMs - settings.idempotencyMs)) ?? lastSequence + 1;
    const start = Math.min(commitFirst, Math.max(newest, first));
    this.#assembler = new Assembler(start);
    if (start > lastSequence) this.#continuity.saw(lastSequence, part);
    await this.#resume({ epoch, prefix, lastSequence });
    this.#options.onEpoch();
  }

  #consumerOptions(): ConsumerOptions {
    const { engine, clock } = this.#options;
    return {
      engine,
      clock,
      onMessage: (message) => {
        this.#onMessage(message);
      },
      onBroken: (reason) => {
        this.lost(reason);
      },
    };
  }

  #onMessage(message: RawMessage): void {
    const { sequence, subject } = message;
    if (sequence < this.#assembler.next) return;
    const part = decodePart(message);
    if (sequence > this.#armedAt && part?.entries.some(isRecord)) this.records.saw(1);
    this.#advance(sequence, part, this.#assembler.add(sequence, part));
    if (sequence > this.#armedAt && subject === epochSubject(this.log.prefix)) this.recheck();
  }

  #advance(sequence: number, part: Part | undefined, visible: Visible | undefined): void {
    this.#continuity.saw(sequence, part);
    const sinceMs = this.#sinceMs(sequence, part);
    for (const { id, position } of visible?.entries ?? []) {
      this.ids.add(id, { position, commit: part?.commit ?? '', sinceMs });
    }
    if (sequence > this.#sequence) {
      this.#visible = visibleAt(sequence, part);
      this.#sequence = sequence;
    }
    if (visible && visible.head > this.#head) this.#hand(visible);
    this.#changes.notify();
  }

  /**
   * When a message was stored, at the latest, on this node's monotonic clock. The server's clock may be another than the node's, so its
   * times are only compared with each other.
   */
  #sinceMs(sequence: number, part: Part | undefined): number {
    const { sequence: newest, timeMs, monotonicMs } = this.#newest;
    if (sequence > newest || !part) return this.#options.clock.monotonic();
    return monotonicMs - Math.max(0, timeMs - part.timeMs);
  }

  #hand({ floor, entries, head }: Visible): void {
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
