import type { Clock } from '../../core/clock.js';
import { Fifo } from '../../core/fifo.js';
import type { Notification } from '../../core/notification.js';
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

interface Reader {
  readonly atMs: number;
  readonly kind: ReadKind;
  readonly subscriber: string | undefined;
}

/** The deliveries of one page. */
interface PageRecord {
  readonly epochId: string;
  readonly positions: readonly number[];
  readonly counts: Record<ReadKind, number>;
  readonly readers: Reader[];
  bytes: number;
  lastAtMs: number;
}

/**
 * Records deliveries on this node, bounded in bytes. The oldest pages are dropped first. A record
 * has positions and no content.
 */
export class DeliveryRecorder implements FeedObserver, DeliveryRecords {
  readonly #clock: Clock;
  readonly #bytesMax: number;
  readonly #records = new Fifo<PageRecord>();
  /** Waiters that wake together receive the same page one after the other. */
  #last: { readonly page: LogPage; readonly record: PageRecord } | undefined;
  /** Every delivery after this time is recorded or counted. */
  #completeSinceMs: number;
  #bytes = 0;
  #turnAtMs: number | undefined;

  constructor(clock: Clock, bytesMax: number) {
    this.#clock = clock;
    this.#bytesMax = bytesMax;
    this.#completeSinceMs = clock.now();
  }

  delivered(page: LogPage, { kind, request: { subscriber } }: ObservedRead): void {
    if (page.entries.length === 0) return;
    const record = this.#last?.page === page ? this.#last.record : this.#open(page);
    const atMs = this.#now();
    record.counts[kind]++;
    record.lastAtMs = atMs;
    if (record.readers.length >= PAGE_READERS_MAX) return;
    record.readers.push({ atMs, kind, subscriber });
    this.#grow(record, READER_BYTES + 2 * (subscriber?.length ?? 0));
  }

  deliveriesOf({ entry, epoch }: LoggedNotification, subscriber: string | undefined): StoryDeliveries {
    const { position, json } = entry;
    const records = Array.from({ length: this.#records.length }, (_, index) => this.#records.at(index)).filter(
      ({ epochId, positions }) => epochId === epoch.id && positions.includes(position),
    );
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

  /** The time of this turn of the event loop. The clock is read once for all its deliveries. */
  #now(): number {
    if (this.#turnAtMs === undefined) {
      this.#turnAtMs = this.#clock.now();
      this.#clock.setImmediate(() => {
        this.#turnAtMs = undefined;
      });
    }
    return this.#turnAtMs;
  }

  #open(page: LogPage): PageRecord {
    const positions = page.entries.map(({ position }) => position);
    const counts = { poll: 0, stream: 0, history: 0 };
    const record: PageRecord = {
      ...{ epochId: page.epoch.id, positions, counts, readers: [] },
      ...{ bytes: 0, lastAtMs: 0 },
    };
    this.#records.push(record);
    this.#last = { page, record };
    this.#grow(record, PAGE_BYTES + POSITION_BYTES * positions.length);
    return record;
  }

  /** Adds bytes to the newest record, and drops the oldest records above the limit. */
  #grow(record: PageRecord, bytes: number): void {
    record.bytes += bytes;
    this.#bytes += bytes;
    while (this.#bytes > this.#bytesMax && this.#records.length > 1) {
      const oldest = this.#records.shift();
      if (!oldest) return;
      this.#bytes -= oldest.bytes;
      this.#completeSinceMs = Math.max(this.#completeSinceMs, oldest.lastAtMs);
    }
  }
}

function isCapped({ readers, counts: { poll, stream, history } }: PageRecord): boolean {
  return readers.length < poll + stream + history;
}

function deliveryOf({ atMs, kind, subscriber }: Reader): StoryDelivery {
  return { time: new Date(atMs).toISOString(), transport: kind, ...(subscriber !== undefined && { subscriber }) };
}
