import type { Clock } from '../core/clock.js';
import { NotificationsError } from '../core/errors.js';
import type { Gap } from '../core/gap.js';
import type { FeedCounts, FeedLoad } from '../core/load.js';
import type { Draft, LogEntry } from '../core/notification.js';
import type { FeedObserver, ObservedRead, PerformedOperation, ReadKind, StoreCall } from '../core/observer.js';
import type { LogPage } from '../core/page.js';
import { isRecord } from '../core/records.js';
import { isRetraction } from '../core/retraction.js';
import type { RecordDuration } from './buckets.js';
import { DeliveryCounts } from './delivery-counts.js';
import { LabelledCounts } from './labelled-counts.js';
import type { DurationMetric, Labels, Sample, SampledMetric } from './metrics.js';
import type { TopicLabels } from './topic-labels.js';

/** The state of a feed that serves reads, for metrics that are read on demand. */
export interface FeedState {
  readonly lagMs: number;
  readonly load: FeedLoad;
  readonly counts: FeedCounts & { readonly unreadConnections: number; readonly unreadBytes: number };
}

export interface FeedMetricsOptions {
  /** The value of the label `feed`. */
  readonly feed: string;
  readonly clock: Clock;
  readonly topics: TopicLabels;
  /** Undefined for a feed that only publishes. */
  readonly state?: (() => FeedState) | undefined;
  /** Opens one time series of a histogram. It is called once for each combination of labels. */
  readonly duration: (metric: DurationMetric, labels: Labels) => RecordDuration;
  /** The code of an error that is not a `NotificationsError`. */
  readonly codeOf: (error: unknown) => string;
}

const KINDS = ['poll', 'stream', 'history'] as const satisfies readonly ReadKind[];
const OPERATIONS = ['append', 'read', 'remove', 'claim', 'lookup'] as const satisfies readonly StoreCall['operation'][];

type Counted = Extract<
  SampledMetric,
  | 'notifications.gaps'
  | 'notifications.refusals'
  | 'notifications.evictions'
  | 'notifications.operations'
  | 'notifications.store.errors'
>;

/**
 * Measures one feed. It counts in plain numbers, because the methods run inside deliveries. The
 * numbers are read when a collector asks for them.
 */
export class FeedMetrics implements FeedObserver {
  readonly #options: FeedMetricsOptions;
  readonly #deliveries: DeliveryCounts;
  readonly #published: number[];
  readonly #storeDuration: Readonly<Record<StoreCall['operation'], RecordDuration>>;
  readonly #counted: Readonly<Record<Counted, LabelledCounts>>;
  #publishedCount = 0;
  #received = 0;

  constructor(options: FeedMetricsOptions) {
    const { feed, clock, topics, duration } = options;
    const zeros = (): number[] => topics.names.map(() => 0);
    const opened = (transport: ReadKind) => duration('notifications.delivery.duration', { feed, transport });
    this.#options = options;
    this.#published = zeros();
    const durations = { poll: opened('poll'), stream: opened('stream'), history: () => undefined };
    this.#deliveries = new DeliveryCounts({ clock, topics, durations });
    this.#storeDuration = Object.fromEntries(
      OPERATIONS.map((operation) => [operation, duration('notifications.store.duration', { feed, operation })]),
    ) as Record<StoreCall['operation'], RecordDuration>;
    this.#counted = {
      'notifications.gaps': new LabelledCounts(),
      'notifications.refusals': new LabelledCounts(),
      'notifications.evictions': new LabelledCounts(),
      'notifications.operations': new LabelledCounts(),
      'notifications.store.errors': new LabelledCounts(),
    };
  }

  appended(drafts: readonly Draft[]): void {
    for (const { id, topic } of drafts) {
      if (isRecord({ topic }) || isRetraction({ id })) continue;
      this.#publishedCount++;
      const index = this.#options.topics.indexOf(topic);
      if (index >= 0) this.#published[index] = (this.#published[index] ?? 0) + 1;
    }
  }

  published(entries: readonly LogEntry[]): void {
    for (const entry of entries) if (!isRecord(entry) && !isRetraction(entry)) this.#received++;
  }

  delivered(page: LogPage, read: ObservedRead): void {
    this.#deliveries.add(page, read);
  }

  gap({ reason }: Gap): void {
    this.#counted['notifications.gaps'].add({ reason });
  }

  refused(error: unknown): void {
    this.#counted['notifications.refusals'].add({ code: this.#codeOf(error) });
  }

  cut(limit: string): void {
    this.#counted['notifications.evictions'].add({ limit });
  }

  stored({ operation, durationMs, error }: StoreCall): void {
    this.#storeDuration[operation](durationMs / 1000);
    if (error !== undefined) this.#counted['notifications.store.errors'].add({ operation, code: this.#codeOf(error) });
  }

  performed({ capability, operation }: PerformedOperation): void {
    this.#counted['notifications.operations'].add({ capability, operation });
  }

  /** The values of a metric now. Histograms have none here. */
  samples(name: SampledMetric): readonly Sample[] {
    const { feed } = this.#options;
    return this.#values(name).map(({ labels, value }) => ({ labels: { feed, ...labels }, value }));
  }

  #values(name: SampledMetric): readonly Sample[] {
    switch (name) {
      case 'notifications.published':
        return this.#byTopic({}, this.#publishedCount, this.#published);
      case 'notifications.received':
        return one(this.#received);
      case 'notifications.delivered':
        return KINDS.flatMap((transport) => {
          const { count, byLabel } = this.#deliveries.of(transport);
          return this.#byTopic({ transport }, count, byLabel);
        });
      case 'notifications.delivered.size':
        return KINDS.map((transport) => ({ labels: { transport }, value: this.#deliveries.of(transport).bytes }));
      case 'notifications.pages':
        return KINDS.map((transport) => ({ labels: { transport }, value: this.#deliveries.of(transport).pages }));
      case 'notifications.gaps':
      case 'notifications.refusals':
      case 'notifications.evictions':
      case 'notifications.operations':
      case 'notifications.store.errors':
        return this.#counted[name].samples;
      default: {
        const state = this.#options.state?.();
        return state ? stateSamples(name, state) : [];
      }
    }
  }

  /** One value for each declared topic, or one value if none is declared. */
  #byTopic(labels: Labels, count: number, byLabel: readonly number[]): readonly Sample[] {
    const { names } = this.#options.topics;
    if (names.length === 0) return [{ labels, value: count }];
    return names.map((topic, index) => ({ labels: { ...labels, topic }, value: byLabel[index] ?? 0 }));
  }

  #codeOf(error: unknown): string {
    return error instanceof NotificationsError ? error.code : this.#options.codeOf(error);
  }
}

type StateMetric = Exclude<
  SampledMetric,
  | Counted
  | 'notifications.published'
  | 'notifications.received'
  | 'notifications.delivered'
  | 'notifications.delivered.size'
  | 'notifications.pages'
>;

function stateSamples(name: StateMetric, { lagMs, load, counts }: FeedState): readonly Sample[] {
  switch (name) {
    case 'notifications.tail.lag':
      return one(lagMs / 1000);
    case 'notifications.waiters':
      return KINDS.map((transport) => ({ labels: { transport }, value: load.waiters[transport] }));
    case 'notifications.topics':
      return one(counts.topics);
    case 'notifications.subscribers':
      return one(counts.subscribers);
    case 'notifications.wake.queue':
      return one(load.queued);
    case 'notifications.wake.time':
      return one(load.wakeMs / 1000);
    case 'notifications.reads':
      return (['window', 'store'] as const).map((source) => ({ labels: { source }, value: load.reads[source] }));
    case 'notifications.window.entries':
      return one(load.window.count);
    case 'notifications.window.size':
      return one(load.window.bytes);
    case 'notifications.unread.connections':
      return one(counts.unreadConnections);
    case 'notifications.unread.size':
      return one(counts.unreadBytes);
  }
}

function one(value: number): readonly Sample[] {
  return [{ labels: {}, value }];
}
