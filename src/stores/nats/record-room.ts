import type { StreamState } from '@nats-io/jetstream';
import type { Clock, Timer } from '../../core/clock.js';
import { RECORD_BYTES_MAX, RECORDS_MAX } from '../../core/records.js';
import type { Engine } from './engine.js';
import { recordSubjects } from './layout.js';
import type { NatsSettings } from './options.js';

/**
 * Records of the library must not displace notifications, but the server counts all messages alike.
 * So the limits of the stream are raised by the number of records, in steps of this size. Each step
 * is a request.
 */
const STEP = 100;
/** A record with its headers. All records together stay below 16 MiB. */
const RECORD_BYTES = 1024;
/**
 * The most messages that one step removes. The server stores nothing meanwhile. On 2.9, it removed
 * 200,000 messages in 20 seconds, and 2,000 in 0.2 seconds.
 */
const REMOVED_MAX = 2_000;
/** The pause between two steps, in which appends continue. */
const REMOVE_PAUSE_MS = 100;

export interface RecordRoomOptions {
  readonly engine: Engine;
  readonly settings: NatsSettings;
  readonly clock: Clock;
}

/** The stream's limits that depend on the records that it holds. */
export interface RetentionLimits {
  readonly max_msgs: number;
  readonly max_bytes: number;
}

export class RecordRoom {
  readonly #options: RecordRoomOptions;
  /**
   * An upper limit of the records in the stream. It includes records that have expired since the
   * last count.
   */
  #records = 0;
  #room = 0;
  #timer: Timer;
  #closed = false;

  constructor(options: RecordRoomOptions) {
    this.#options = options;
  }

  /** Counts the records of the stream, and returns the limits with room for them. */
  async count(prefix: string, more = 0): Promise<RetentionLimits> {
    this.#records = (await this.#counted(prefix)) + more;
    this.#room = roomFor(this.#records);
    return this.#limits();
  }

  /** Adds records of other nodes to the count. */
  saw(records: number): void {
    this.#records += records;
  }

  /**
   * Makes room for records before they are published. Half a step stays free for records of other
   * nodes.
   */
  async make(records: number, prefix: string): Promise<void> {
    if (records === 0 || this.#room === RECORDS_MAX) return;
    if (this.#records + records > this.#room - STEP / 2) {
      await this.count(prefix, records);
      await this.#step();
    } else this.#records += records;
  }

  /** Lowers the limits further, step by step, until they are reached. */
  lowerLater(): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#timer = clock.setTimeout(() => {
      // After a failure the node checks the stream again, and continues.
      this.#step().then(
        (isLast) => {
          if (!isLast) this.lowerLater();
        },
        () => undefined,
      );
    }, REMOVE_PAUSE_MS);
  }

  close(): void {
    this.#closed = true;
    this.#options.clock.clearTimeout(this.#timer);
  }

  async #step(): Promise<boolean> {
    const { engine } = this.#options;
    const info = await engine.info();
    if (!info) return true;
    const target = this.#limits();
    const limits = stepTowards(target, info.state);
    await engine.update(limits);
    return isReached(limits, target);
  }

  #limits(): RetentionLimits {
    return limitsWithRoom(this.#options.settings, this.#room);
  }

  /** Only a consumer can count messages by subject without a list of all subjects. */
  async #counted(prefix: string): Promise<number> {
    const filter_subject = recordSubjects(prefix);
    return (await this.#options.engine.sample({ deliver_policy: 'all', filter_subject })).num_pending;
  }
}

/** The limits of a stream without records. */
export function freshLimits(settings: NatsSettings): RetentionLimits {
  return limitsWithRoom(settings, roomFor(0));
}

/** The limits, or intermediate limits that remove a bounded number of messages. */
export function stepTowards(target: RetentionLimits, { messages, bytes }: StreamState): RetentionLimits {
  const messageBytes = messages > 0 ? bytes / messages : 0;
  return {
    max_msgs: Math.max(target.max_msgs, messages - REMOVED_MAX),
    max_bytes: Math.max(target.max_bytes, Math.ceil(bytes - REMOVED_MAX * messageBytes)),
  };
}

export function isReached(limits: RetentionLimits, target: RetentionLimits): boolean {
  return limits.max_msgs === target.max_msgs && limits.max_bytes === target.max_bytes;
}

function roomFor(records: number): number {
  return Math.min(RECORDS_MAX, Math.ceil((records + STEP / 2) / STEP) * STEP);
}

function limitsWithRoom({ retainCount, retainBytes }: NatsSettings, room: number): RetentionLimits {
  return {
    max_msgs: retainCount + room,
    max_bytes: retainBytes + Math.min(RECORD_BYTES_MAX, room * RECORD_BYTES),
  };
}
