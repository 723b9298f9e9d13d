import { isAborted } from '../abort.js';
import type { Position } from '../connection.js';
import type { Delivery } from '../delivery.js';
import type { SharingMember } from '../sharing.js';
import type { FollowerBuffer } from './follower-buffer.js';
import type { Report } from './messages.js';
import { SeenIds } from './seen-ids.js';
import type { TabChannel } from './tab-channel.js';

/** Reads for the whole group while this tab leads, and sends the deliveries to the other tabs. */
export class Leadership {
  readonly #member: SharingMember;
  readonly #channel: TabChannel;
  /** Aborted when this tab stops leading; undefined while another tab leads. */
  #leading: AbortController | undefined;
  #reading: Promise<void> | undefined;
  /** The last notification that this tab has sent as leader. */
  #lastId: string | undefined;

  constructor(member: SharingMember, channel: TabChannel) {
    this.#member = member;
    this.#channel = channel;
  }

  get isActive(): boolean {
    return this.#leading !== undefined;
  }

  /** Starts to read from a position. */
  start(position: Position): void {
    this.#leading = new AbortController();
    this.#reading = this.#read(position, this.#leading.signal);
  }

  stop(): void {
    if (!this.#leading) return;
    this.#leading.abort();
    this.#leading = undefined;
    this.#member.connection.interrupt();
  }

  /** Resolves when the last request has ended. */
  async whenStopped(): Promise<void> {
    await this.#reading;
  }

  /** Sends a delivery to the other tabs, and adds it to this tab's own buffer. */
  deliver(delivery: Delivery, buffer: FollowerBuffer | undefined): void {
    const { position } = this.#member.connection;
    const after = position.cursor;
    position.cursor = delivery.cursor;
    this.#lastId = SeenIds.lastOf(delivery) ?? this.#lastId;
    this.#channel.post({ type: 'delivery', after, delivery });
    buffer?.push({ after, delivery });
  }

  /** @param lastDeliveredId the last notification that this tab has delivered */
  report(lastDeliveredId: string | undefined): Report {
    const { position, state } = this.#member.connection;
    return { type: 'report', cursor: position.cursor, lastId: this.#lastId ?? lastDeliveredId, state };
  }

  async #read(position: Position, signal: AbortSignal): Promise<void> {
    const { connection } = this.#member;
    connection.position = position;
    try {
      while (!signal.aborted && !connection.isClosed) await connection.turn();
    } catch (error) {
      if (!isAborted(signal)) this.#member.failed(error);
    }
  }
}
