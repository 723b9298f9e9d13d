import { healthOf, type NotificationsHealth } from '../../core/health.js';
import type { StoreCall } from '../../core/observer.js';
import { isReading, type PublishContext } from '../../nest/context.js';
import { FeedMetrics } from '../../telemetry/feed-metrics.js';
import type { SampledMetric } from '../../telemetry/metrics.js';
import { codeOf, feedStateOf } from '../../telemetry/nest/feed-state.js';
import { TopicLabels } from '../../telemetry/topic-labels.js';
import type { FeedRates } from '../inspector-report.js';
import { DeliveryRecorder } from './delivery-recorder.js';
import { difference, Durations, quantileMs } from './durations.js';
import { Series } from './series.js';
import { TopicCounts } from './topic-counts.js';

export type StoreOperation = StoreCall['operation'];

/** The feed to record, and the limits of the record. */
export interface RecordedFeed {
  readonly name: string;
  readonly context: PublishContext;
  readonly deliveryBytesMax: number;
}

/** Numbers that never decrease, at one time. */
interface Totals {
  readonly atMs: number;
  readonly counted: Readonly<Record<Counted, number>>;
  readonly durations: Readonly<Record<Measured, Float64Array>>;
}

/** The measured durations of the series. */
type Measured = 'delivery' | 'append' | 'read';

/** The series of rates, by the metrics whose values they add up. */
const COUNTED = {
  delivered: 'notifications.delivered',
  bytes: 'notifications.delivered.size',
  refusals: 'notifications.refusals',
  gaps: 'notifications.gaps',
  cuts: 'notifications.evictions',
  storeErrors: 'notifications.store.errors',
  reads: 'notifications.reads',
  wakeS: 'notifications.wake.time',
} as const satisfies Record<string, SampledMetric>;

type Counted = keyof typeof COUNTED | 'published' | 'windowReads';

/**
 * Records one feed while the inspector is open. It counts with the metrics of the feed, and reads
 * their numbers at the end of each interval.
 */
export class FeedRecorder {
  readonly name: string;
  readonly context: PublishContext;
  readonly metrics: FeedMetrics;
  readonly topics: TopicCounts;
  readonly series: Series;
  readonly storeDurations: Readonly<Record<StoreOperation, Durations>> = {
    append: new Durations(),
    read: new Durations(),
    remove: new Durations(),
    claim: new Durations(),
    lookup: new Durations(),
  };
  readonly #deliveryDurations = new Durations();
  readonly #stops: readonly (() => void)[];
  #health: NotificationsHealth = 'ready';
  #check: Promise<void> | undefined;
  #last: Totals;

  constructor({ name, context, deliveryBytesMax }: RecordedFeed) {
    const { clock, observers, insight } = context;
    this.name = name;
    this.context = context;
    const labels = new TopicLabels([], 'NotificationsInspectorModule');
    const state = feedStateOf(context);
    this.metrics = new FeedMetrics({
      ...{ feed: name, clock, topics: labels, state, codeOf },
      duration: (_, { operation }) =>
        operation === undefined
          ? this.#deliveryDurations.record
          : this.storeDurations[operation as StoreOperation].record,
    });
    this.topics = new TopicCounts(clock);
    this.series = new Series(clock.now());
    const deliveries = new DeliveryRecorder(clock, deliveryBytesMax);
    this.#stops = [
      ...[this.metrics, this.topics, deliveries].map((observer) => observers.add(observer)),
      insight.useDeliveries(deliveries),
    ];
    this.#last = this.#totals();
  }

  /** The result of the last check. */
  get health(): NotificationsHealth {
    return this.context.leaving.hasBegun ? 'draining' : this.#health;
  }

  /** Ends an interval. */
  tick(): void {
    const totals = this.#totals();
    this.series.add(this.#rates(this.#last, totals), this.context.clock.now());
    this.#last = totals;
    this.topics.rotate();
  }

  /**
   * Reads the state of the store. Never rejects. While an earlier check has no answer, the store
   * counts as unavailable, and no other check begins.
   */
  async checkHealth(): Promise<void> {
    if (this.#check) {
      this.#health = 'store_unavailable';
      return;
    }
    this.#check = this.#readHealth();
    await this.#check;
    this.#check = undefined;
  }

  async #readHealth(): Promise<void> {
    const { context } = this;
    this.#health = await healthOf(context.unobserved, (end) => {
      if (isReading(context)) context.feed.reached(end);
    });
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }

  /** The sum of the values of a metric now. */
  sum(name: SampledMetric): number {
    return this.metrics.samples(name).reduce((sum, { value }) => sum + value, 0);
  }

  #totals(): Totals {
    const sums = Object.entries(COUNTED).map(([name, metric]) => [name, this.sum(metric)]);
    const reads = this.metrics.samples('notifications.reads');
    return {
      atMs: this.context.clock.monotonic(),
      counted: {
        ...(Object.fromEntries(sums) as Record<keyof typeof COUNTED, number>),
        published: this.sum(isReading(this.context) ? 'notifications.received' : 'notifications.published'),
        windowReads: reads.find(({ labels }) => labels.source === 'window')?.value ?? 0,
      },
      durations: {
        delivery: this.#deliveryDurations.counts,
        append: this.storeDurations.append.counts,
        read: this.storeDurations.read.counts,
      },
    };
  }

  #rates(from: Totals, to: Totals): FeedRates {
    const seconds = Math.max(to.atMs - from.atMs, 1) / 1000;
    const added = (name: Counted): number => to.counted[name] - from.counted[name];
    const rate = (name: Counted): number => Number((added(name) / seconds).toPrecision(4));
    const quantile = (name: Measured, value: number): number | null =>
      quantileMs(difference(to.durations[name], from.durations[name]), value);
    const reads = added('reads');
    return {
      ...{ published: rate('published'), delivered: rate('delivered'), bytes: rate('bytes') },
      ...{ refusals: rate('refusals'), gaps: rate('gaps'), cuts: rate('cuts'), storeErrors: rate('storeErrors') },
      waiters: this.sum('notifications.waiters'),
      deliveryP50Ms: quantile('delivery', 0.5),
      deliveryP99Ms: quantile('delivery', 0.99),
      appendP50Ms: quantile('append', 0.5),
      appendP99Ms: quantile('append', 0.99),
      readP50Ms: quantile('read', 0.5),
      readP99Ms: quantile('read', 0.99),
      windowHitRate: reads === 0 ? null : Number((added('windowReads') / reads).toPrecision(4)),
      wakeLoad: rate('wakeS'),
      tailLagMs: Math.round(this.sum('notifications.tail.lag') * 1000),
    };
  }
}
