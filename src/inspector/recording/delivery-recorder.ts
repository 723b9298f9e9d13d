import type { Clock } from '../../core/clock.js';
import { erasedTopicsOf } from '../../core/erasure.js';
import { Fifo } from '../../core/fifo.js';
import type { LogEntry, Notification } from '../../core/notification.js';
import type { FeedObserver, ObservedRead, ReadKind } from '../../core/observer.js';
import type { LogPage } from '../../core/page.js';
import type { DeliveryRecords, LoggedNotification } from '../../nest/explaining/insight.js';
import type { StoryDeliveries, StoryDelivery } from '../../nest/explaining/notification-story.js';

/**
 * The maximum number of readers that are recorded for one page. Many waiters receive the same page,
 * and they must not push out the records of all other pages. Their number is always counted.
 */
export const PAGE_READERS_MAX = 100;
/** The maximum number of deliveries in one explanation. */
export const STORY_DELIVERIES_MAX = 20;
/** The memory of one recorded page, and of one of its readers. */
const PAGE_BYTES = 300;
const READER_BYTES = 80;
const POSITION_BYTES = 8;
const TOPIC_BYTES = 16;

interface Reader {
  readonly atMs: number;
  readonly kind: ReadKind;
  readonly subscriber: string | undefined;
}

/** A turn of the event loop. All its deliveries have the same recorded time. */
interface Turn {
  readonly startedAtMs: number;
  /** Undefined until the turn has ended. */
  endedAtMs: number | undefined;
}

/** The deliveries of one page. */
interface PageRecord {
  readonly epochId: string;
  readonly positions: readonly number[];
  readonly topics: ReadonlySet<string>;
  readonly counts: Record<ReadKind, number>;
  readers: Reader[];
  bytes: number;
  /** The turn of the last delivery. */
  turn: Turn;
}

/**
 * Records deliveries on this node, bounded in bytes. The oldest pages are dropped first. A record
 * has positions, topics and subscribers, and no content. When a topic is erased, its pages are
 * dropped.
 */
export class DeliveryRecorder implements FeedObserver, DeliveryRecords {
  readonly #clock: Clock;
  readonly #bytesMax: number;
  #records = new Fifo<PageRecord>();
  /** Waiters that wake together receive the same page one after the other. */
  #last: { readonly page: LogPage; readonly record: PageRecord } | undefined;
  /** Every delivery at or after this time is recorded or counted. */
  #completeSinceMs: number;
  #bytes = 0;
  #turn: Turn | undefined;

  constructor(clock: Clock, bytesMax: number) {
    this.#clock = clock;
    this.#bytesMax = bytesMax;
    // A notification of this millisecond may have been delivered before the record began.
    this.#completeSinceMs = clock.now() + 1;
  }

  published(entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      const erased = erasedTopicsOf(entry);
      if (erased.length > 0) this.#forgetTopics(erased);
    }
  }

  delivered(page: LogPage, { kind, request: { subscriber } }: ObservedRead): void {
    if (page.entries.length === 0) return;
    const record = this.#last?.page === page ? this.#last.record : this.#open(page);
    record.counts[kind]++;
    record.turn = this.#currentTurn();
    if (record.readers.length >= PAGE_READERS_MAX) return;
    const reader = { atMs: record.turn.startedAtMs, kind, subscriber };
    record.readers.push(reader);
    this.#grow(record, bytesOf(reader));
  }

  forgetSubscriber(name: string): void {
    for (const record of this.#each()) {
      const removed = record.readers.filter(({ subscriber }) => subscriber === name);
      if (removed.length === 0) continue;
      record.readers = record.readers.filter(({ subscriber }) => subscriber !== name);
      this.#grow(record, -removed.reduce((bytes, reader) => bytes + bytesOf(reader), 0));
    }
  }

  deliveriesOf({ entry, epoch }: LoggedNotification, subscriber: string | undefined): StoryDeliveries {
    const { position, json } = entry;
    const records: PageRecord[] = [];
    for (const record of this.#each()) {
      if (record.epochId === epoch.id && record.positions.includes(position)) records.push(record);
    }
    const counts = { poll: 0, stream: 0, history: 0 };
    for (const record of records) {
      for (const kind of ['poll', 'stream', 'history'] as const) counts[kind] += record.counts[kind];
    }
    const readers = records
      .flatMap((record) => record.readers)
      .filter((reader) => subscriber === undefined || reader.subscriber === subscriber)
      .sort((one, other) => other.atMs - one.atMs);
    const publishedAtMs = Date.parse((JSON.parse(json) as Notification).time);
    const isComplete = publishedAtMs >= this.#completeSinceMs && !records.some(isCapped);
    const recorded = isComplete ? 'complete' : records.length > 0 ? 'sampled' : 'unknown';
    return { recorded, counts, list: readers.slice(0, STORY_DELIVERIES_MAX).map(deliveryOf) };
  }

  *#each(): Iterable<PageRecord> {
    for (let index = 0; index < this.#records.length; index++) yield this.#records.at(index);
  }

  /** This turn of the event loop. The clock is read once for all its deliveries. */
  #currentTurn(): Turn {
    if (this.#turn) return this.#turn;
    const turn: Turn = { startedAtMs: this.#clock.now(), endedAtMs: undefined };
    this.#turn = turn;
    this.#clock.setImmediate(() => {
      turn.endedAtMs = this.#clock.now();
      this.#turn = undefined;
    });
    return turn;
  }

  #open(page: LogPage): PageRecord {
    const positions = page.entries.map(({ position }) => position);
    const counts = { poll: 0, stream: 0, history: 0 };
    const topics = new Set(page.entries.map(({ topic }) => topic));
    const record: PageRecord = {
      ...{ epochId: page.epoch.id, positions, topics, counts, readers: [] },
      ...{ bytes: 0, turn: this.#currentTurn() },
    };
    this.#records.push(record);
    this.#last = { page, record };
    const topicBytes = [...topics].reduce((bytes, topic) => bytes + TOPIC_BYTES + 2 * topic.length, 0);
    this.#grow(record, PAGE_BYTES + POSITION_BYTES * positions.length + topicBytes);
    return record;
  }

  /** Changes the bytes of a record, and drops the oldest records above the limit. */
  #grow(record: PageRecord, bytes: number): void {
    record.bytes += bytes;
    this.#bytes += bytes;
    while (this.#bytes > this.#bytesMax && this.#records.length > 1) {
      const oldest = this.#records.shift();
      if (!oldest) return;
      this.#forget(oldest);
    }
  }

  #forgetTopics(erased: readonly string[]): void {
    const kept = new Fifo<PageRecord>();
    for (const record of this.#each()) {
      if (erased.some((topic) => record.topics.has(topic))) this.#forget(record);
      else kept.push(record);
    }
    this.#records = kept;
    this.#last = undefined;
  }

  #forget({ bytes, turn }: PageRecord): void {
    this.#bytes -= bytes;
    const lastAtMs = turn.endedAtMs ?? this.#clock.now();
    this.#completeSinceMs = Math.max(this.#completeSinceMs, lastAtMs + 1);
  }
}

function bytesOf({ subscriber }: Reader): number {
  return READER_BYTES + 2 * (subscriber?.length ?? 0);
}

/** Whether some of the counted readers are not recorded. */
function isCapped({ readers, counts: { poll, stream, history } }: PageRecord): boolean {
  return readers.length < poll + stream + history;
}

function deliveryOf({ atMs, kind, subscriber }: Reader): StoryDelivery {
  return { time: new Date(atMs).toISOString(), transport: kind, ...(subscriber !== undefined && { subscriber }) };
}
