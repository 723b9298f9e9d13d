import type { Clock } from '../core/clock.js';
import type { ObservedRead, ReadKind } from '../core/observer.js';
import type { LogPage } from '../core/page.js';
import type { RecordDuration } from './buckets.js';
import { DeliveryRun } from './delivery-run.js';
import { DeliveryTime } from './delivery-time.js';
import { PageContents } from './page-content.js';
import type { TopicLabels } from './topic-labels.js';

/** The deliveries of one transport. */
export interface Deliveries {
  readonly pages: number;
  /** Notifications, counted once for each reader. */
  readonly count: number;
  readonly bytes: number;
  /** The notifications for each topic label. */
  readonly byLabel: readonly number[];
}

export interface DeliveryCountsOptions {
  readonly clock: Clock;
  readonly topics: TopicLabels;
  /** Receives a delivery time in seconds, and the number of deliveries that took this time. */
  readonly durations: Readonly<Record<ReadKind, RecordDuration>>;
}

interface Counts extends Deliveries {
  pages: number;
  count: number;
  bytes: number;
  readonly byLabel: number[];
}

/**
 * Counts the deliveries of a feed by transport, and measures their time. It runs inside each
 * delivery, so it counts runs of equal deliveries.
 */
export class DeliveryCounts {
  readonly #clock: Clock;
  readonly #durations: DeliveryCountsOptions['durations'];
  readonly #contents: PageContents;
  readonly #time: DeliveryTime;
  readonly #counts: Readonly<Record<ReadKind, Counts>>;
  #run: DeliveryRun | undefined;
  /** The last run, until its time is recorded. */
  #ended: DeliveryRun | undefined;
  #isScheduled = false;

  constructor({ clock, topics, durations }: DeliveryCountsOptions) {
    const zero = (): Counts => ({ pages: 0, count: 0, bytes: 0, byLabel: topics.names.map(() => 0) });
    this.#clock = clock;
    this.#durations = durations;
    this.#contents = new PageContents(topics);
    this.#time = new DeliveryTime(clock);
    this.#counts = { poll: zero(), stream: zero(), history: zero() };
  }

  /** Counts one delivery. */
  add(page: LogPage, read: ObservedRead): void {
    if (!this.#run?.includes(page, read)) {
      if (page.entries.length === 0) {
        this.#counts[read.kind].pages++;
        return;
      }
      this.#endRun();
      this.#record();
      this.#run = new DeliveryRun(page, read, this.#time);
      this.#endRunLater();
    }
    this.#run.count++;
  }

  /** All deliveries so far. */
  of(kind: ReadKind): Deliveries {
    this.#endRun();
    this.#record();
    return this.#counts[kind];
  }

  #endRun(): void {
    const run = this.#run;
    if (!run?.page) return;
    this.#run = undefined;
    this.#ended = run;
    const counts = this.#counts[run.kind];
    const { count, bytes, byLabel } = this.#contents.of(run.page);
    counts.pages += run.count;
    counts.count += run.count * count;
    counts.bytes += run.count * bytes;
    for (let index = 0; index < byLabel.length; index++) {
      counts.byLabel[index] = (counts.byLabel[index] ?? 0) + run.count * (byLabel[index] ?? 0);
    }
    run.page = undefined;
  }

  /** Calls the library. It may fail, and only the callers of `add` and `of` handle an error. */
  #record(): void {
    const run = this.#ended;
    this.#ended = undefined;
    if (run?.seconds !== undefined) this.#durations[run.kind](run.seconds, run.count);
  }

  /** Ends the run with this turn of the event loop, because a later delivery has another time. */
  #endRunLater(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.setImmediate(() => {
      this.#isScheduled = false;
      this.#endRun();
      this.#contents.forget();
      this.#time.forget();
    });
  }
}
