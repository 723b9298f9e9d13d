import type { LogEntry } from './notification.js';
import { RECORD_BYTES_MAX, RECORDS_MAX } from './records.js';
import type { RecordedRetraction } from './retraction.js';

/**
 * The shares of the bounds that a group of retractions may use. One topic cannot use up the room of
 * the others. One caller over HTTP cannot use up the room of the other callers. All callers over
 * HTTP together leave room for the application, in the log and on each topic.
 */
export const SHARES = { all: 1, topic: 1 / 10, callers: 1 / 2, callersOnTopic: 3 / 40, caller: 1 / 20 } as const;

/** The bytes that a retraction takes besides its texts: one entry in each of two maps. */
const RETRACTION_BYTES = 150;

interface Placed extends RecordedRetraction {
  /** The position of the record. */
  readonly position: number;
}

/** The retractions that share a bound. */
interface Group {
  readonly name: string;
  readonly share: number;
}

interface Size {
  readonly count: number;
  readonly bytes: number;
}

const ALL: Group = { name: 'all', share: SHARES.all };
const EMPTY: Size = { count: 0, bytes: 0 };

/**
 * The retractions of a log that a node keeps in memory, by topic and id. A retraction concerns only
 * entries before its own position, so an id that is published again later is delivered.
 *
 * The bounds are those of the library's records, and shares of them. `hasRoomFor` checks them
 * before a retraction is appended. Retractions that other nodes append at the same time may exceed
 * them slightly.
 */
export class RetractionSet {
  /** For each topic: the position of the retraction, by the id of the notification. */
  readonly #byTopic = new Map<string, Map<string, number>>();
  /**
   * The newest retraction of each notification, in the order in which they were added. This is
   * nearly the order of their positions.
   */
  readonly #inOrder = new Map<string, Placed>();
  readonly #sizes = new Map<string, Size>();

  get count(): number {
    return this.#inOrder.size;
  }

  get isFull(): boolean {
    return this.#isFull(ALL);
  }

  /** The position of an entry's retraction, at most `upTo`. 0 if there is none. */
  retractedAt({ topic, id, position }: Pick<LogEntry, 'topic' | 'id' | 'position'>, upTo = Infinity): number {
    const retractedAt = this.#byTopic.get(topic)?.get(id) ?? 0;
    return position < retractedAt && retractedAt <= upTo ? retractedAt : 0;
  }

  /** @param position of the record of the retraction */
  add({ id, topic, by }: RecordedRetraction, position: number): void {
    const known = this.#byTopic.get(topic)?.get(id);
    if (known !== undefined && known >= position) return;
    const placed = { id, topic, by, position };
    const replaced = this.#inOrder.get(keyOf(placed));
    if (replaced) this.#remove(replaced);
    let ids = this.#byTopic.get(topic);
    if (!ids) this.#byTopic.set(topic, (ids = new Map<string, number>()));
    ids.set(id, position);
    this.#inOrder.set(keyOf(placed), placed);
    this.#resize(placed, 1);
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

  hasRoomFor(retraction: RecordedRetraction): boolean {
    return !groupsOf(retraction).some((group) => this.#isFull(group));
  }

  #isFull({ name, share }: Group): boolean {
    const { count, bytes } = this.#sizes.get(name) ?? EMPTY;
    return count >= share * RECORDS_MAX || bytes >= share * RECORD_BYTES_MAX;
  }

  #remove(placed: Placed): void {
    const { id, topic } = placed;
    const ids = this.#byTopic.get(topic);
    ids?.delete(id);
    if (ids?.size === 0) this.#byTopic.delete(topic);
    this.#inOrder.delete(keyOf(placed));
    this.#resize(placed, -1);
  }

  #resize(retraction: RecordedRetraction, sign: 1 | -1): void {
    const { id, topic, by = '' } = retraction;
    const ownBytes = RETRACTION_BYTES + id.length + topic.length + by.length;
    for (const { name } of groupsOf(retraction)) {
      const { count, bytes } = this.#sizes.get(name) ?? EMPTY;
      if (count + sign === 0) this.#sizes.delete(name);
      else this.#sizes.set(name, { count: count + sign, bytes: bytes + sign * ownBytes });
    }
  }
}

/** The groups of a retraction. Neither a topic nor the name of a caller contains a space. */
function groupsOf({ topic, by }: RecordedRetraction): readonly Group[] {
  const groups = [ALL, { name: `topic ${topic}`, share: SHARES.topic }];
  if (by === undefined) return groups;
  return [
    ...groups,
    { name: 'callers', share: SHARES.callers },
    { name: `callers ${topic}`, share: SHARES.callersOnTopic },
    { name: `caller ${by}`, share: SHARES.caller },
  ];
}

/** The space makes the result unique, because a topic contains no space. */
function keyOf({ id, topic }: RecordedRetraction): string {
  return `${topic} ${id}`;
}
