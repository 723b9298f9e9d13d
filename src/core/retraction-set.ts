import type { LogEntry } from './notification.js';
import { RECORD_BYTES_MAX, RECORDS_MAX } from './records.js';
import type { Retraction } from './retraction.js';

/**
 * The maximum number of retractions of one topic. So a caller that may retract on one topic cannot
 * use up the bound for all topics.
 */
export const TOPIC_RETRACTIONS_MAX = RECORDS_MAX / 10;

/** The bytes that a retraction takes besides its topic and id: one entry in each of two maps. */
const RETRACTION_BYTES = 150;

interface Placed extends Retraction {
  /** The position of the record. */
  readonly position: number;
}

/**
 * The retractions of a log that a node keeps in memory, by topic and id. A retraction concerns only
 * entries before its own position, so an id that is published again later is delivered.
 *
 * The bounds are those of the library's records. `hasRoomFor` checks them before a retraction is
 * appended. Retractions that other nodes append at the same time may exceed them slightly.
 */
export class RetractionSet {
  /** For each topic: the position of the retraction, by the id of the notification. */
  readonly #byTopic = new Map<string, Map<string, number>>();
  /**
   * The newest retraction of each notification, in the order in which they were added. This is
   * nearly the order of their positions.
   */
  readonly #inOrder = new Map<string, Placed>();
  #bytes = 0;

  get count(): number {
    return this.#inOrder.size;
  }

  get isFull(): boolean {
    return this.count >= RECORDS_MAX || this.#bytes >= RECORD_BYTES_MAX;
  }

  /** Whether an entry was retracted up to a position of the log. */
  covers({ topic, id, position }: Pick<LogEntry, 'topic' | 'id' | 'position'>, upTo = Infinity): boolean {
    const retractedAt = this.#byTopic.get(topic)?.get(id) ?? 0;
    return position < retractedAt && retractedAt <= upTo;
  }

  /** @param position of the record of the retraction */
  add({ id, topic }: Retraction, position: number): void {
    let ids = this.#byTopic.get(topic);
    if (!ids) this.#byTopic.set(topic, (ids = new Map<string, number>()));
    const known = ids.get(id);
    if (known !== undefined && known >= position) return;
    const placed = { id, topic, position };
    ids.set(id, position);
    if (!this.#inOrder.delete(keyOf(placed))) this.#resize(placed, 1);
    this.#inOrder.set(keyOf(placed), placed);
  }

  /**
   * Retention has removed everything up to a position. A retraction is newer than its notification,
   * so the retractions up to this position have no effect.
   */
  trim(upTo: number): void {
    for (const placed of this.#inOrder.values()) {
      if (placed.position > upTo) return;
      this.#remove(placed);
    }
  }

  /** Removes the retractions after a position. */
  cut(after: number): void {
    for (const placed of this.#inOrder.values()) if (placed.position > after) this.#remove(placed);
  }

  hasRoomFor({ topic }: Retraction): boolean {
    return !this.isFull && (this.#byTopic.get(topic)?.size ?? 0) < TOPIC_RETRACTIONS_MAX;
  }

  #remove(placed: Placed): void {
    const { id, topic } = placed;
    const ids = this.#byTopic.get(topic);
    ids?.delete(id);
    if (ids?.size === 0) this.#byTopic.delete(topic);
    this.#inOrder.delete(keyOf(placed));
    this.#resize(placed, -1);
  }

  #resize({ id, topic }: Retraction, sign: 1 | -1): void {
    this.#bytes += sign * (RETRACTION_BYTES + id.length + topic.length);
  }
}

/** The space makes the result unique, because a topic contains no space. */
function keyOf({ id, topic }: Retraction): string {
  return `${topic} ${id}`;
}
