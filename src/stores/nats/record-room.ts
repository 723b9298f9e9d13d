import { RECORD_BYTES_MAX, RECORDS_MAX } from '../../core/records.js';
import type { Engine } from './engine.js';
import { recordSubjects } from './layout.js';
import type { NatsSettings } from './options.js';

/**
 * The room that the stream's limits have for records of the library. The server counts messages of all kinds alike, so its
 * limits are raised by the records that it holds, in steps: each change is a request, and a step is small beside what is
 * kept.
 */
const STEP = 100;
/** A record with its headers. Below 16 MiB in all, whatever their number. */
const RECORD_BYTES = 1024;
/** Removes a consumer that only counts, should the node die before it does. */
const COUNT_MS = 5_000;
const NANOS_PER_MS = 1_000_000;

export interface RecordRoomOptions {
  readonly engine: Engine;
  readonly settings: NatsSettings;
}

/** The stream's limits that depend on the records that it holds. */
export interface RetentionLimits {
  readonly max_msgs: number;
  readonly max_bytes: number;
}

export class RecordRoom {
  readonly #options: RecordRoomOptions;
  /** Records in the stream, at least: those that expired since the last count are still in it. */
  #records = 0;
  #room = 0;

  constructor(options: RecordRoomOptions) {
    this.#options = options;
  }

  /** Counts the records of the stream, and answers the limits that leave their room to notifications. */
  async count(prefix: string, more = 0): Promise<RetentionLimits> {
    const { settings } = this.#options;
    this.#records = (await this.#counted(prefix)) + more;
    this.#room = Math.min(RECORDS_MAX, Math.ceil((this.#records + STEP / 2) / STEP) * STEP);
    return {
      max_msgs: settings.retainCount + this.#room,
      max_bytes: settings.retainBytes + Math.min(RECORD_BYTES_MAX, this.#room * RECORD_BYTES),
    };
  }

  /** Other nodes have added records. */
  saw(records: number): void {
    this.#records += records;
  }

  /** Makes room for records before they are published; half a step is left for what other nodes publish meanwhile. */
  async make(records: number, prefix: string): Promise<void> {
    if (records === 0 || this.#room === RECORDS_MAX) return;
    if (this.#records + records > this.#room - STEP / 2) {
      await this.#options.engine.update(await this.count(prefix, records));
    } else this.#records += records;
  }

  /** Only a consumer tells the number of messages by subject, without naming each. */
  async #counted(prefix: string): Promise<number> {
    const { engine } = this.#options;
    const { name, num_pending } = await engine.addConsumer({
      deliver_policy: 'all',
      filter_subject: recordSubjects(prefix),
      ack_policy: 'none',
      mem_storage: true,
      inactive_threshold: COUNT_MS * NANOS_PER_MS,
    });
    await engine.deleteConsumer(name);
    return num_pending;
  }
}
