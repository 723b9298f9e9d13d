/**
 * The kinds of metrics, by the names of OpenTelemetry. The values of an `upDownCounter` can be
 * summed over all nodes; the values of a `gauge` cannot.
 */
export type Instrument = 'counter' | 'upDownCounter' | 'gauge' | 'histogram';

/** The names of labels. Their values never come from a request. */
export type LabelName =
  'feed' | 'topic' | 'transport' | 'operation' | 'capability' | 'code' | 'limit' | 'reason' | 'source';

/** The description of one metric. */
export interface Metric {
  readonly instrument: Instrument;
  /** Seconds, bytes, or a thing that is counted. */
  readonly unit: 's' | 'By' | `{${string}}`;
  readonly help: string;
  readonly labels: readonly LabelName[];
}

/** The labels of one value. */
export type Labels = Readonly<Partial<Record<LabelName, string>>>;

/** One value of a metric. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/**
 * Upper bounds of the buckets of all histograms, in seconds. A delivery within a process takes
 * about a millisecond. An append with a flush to a disk takes some milliseconds. A call of a store
 * fails after some seconds.
 */
export const DURATION_BOUNDS_S = [
  ...[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1],
  ...[0.25, 0.5, 1, 2.5, 5, 10],
] as const;

/** All metrics, by their OpenTelemetry names. `docs/metrics.md` has the same table. */
export const METRICS = {
  'notifications.published': {
    instrument: 'counter',
    unit: '{notification}',
    help: 'Notifications that this node has appended to the log, without duplicates.',
    labels: ['feed', 'topic'],
  },
  'notifications.received': {
    instrument: 'counter',
    unit: '{notification}',
    help: 'Notifications that this node has received from the log, published by any node.',
    labels: ['feed'],
  },
  'notifications.delivered': {
    instrument: 'counter',
    unit: '{notification}',
    help: 'Notifications that were written to readers, counted once for each reader.',
    labels: ['feed', 'transport', 'topic'],
  },
  'notifications.delivered.size': {
    instrument: 'counter',
    unit: 'By',
    help: 'JSON bytes of the delivered notifications, without headers, framing and compression.',
    labels: ['feed', 'transport'],
  },
  'notifications.pages': {
    instrument: 'counter',
    unit: '{page}',
    help: 'Pages that were written to readers, empty ones included.',
    labels: ['feed', 'transport'],
  },
  'notifications.delivery.duration': {
    instrument: 'histogram',
    unit: 's',
    help: 'Time from the publish to the write, for notifications that were published while the reader was connected.',
    labels: ['feed', 'transport'],
  },
  'notifications.waiters': {
    instrument: 'upDownCounter',
    unit: '{waiter}',
    help: 'Held polls, open streams, and history reads that have not ended.',
    labels: ['feed', 'transport'],
  },
  'notifications.topics': {
    instrument: 'upDownCounter',
    unit: '{topic}',
    help: 'Topics with at least one waiter.',
    labels: ['feed'],
  },
  'notifications.subscribers': {
    instrument: 'upDownCounter',
    unit: '{subscriber}',
    help: 'Subscribers with at least one waiter.',
    labels: ['feed'],
  },
  'notifications.wake.queue': {
    instrument: 'upDownCounter',
    unit: '{waiter}',
    help: 'Waiters that are queued for a delivery.',
    labels: ['feed'],
  },
  'notifications.wake.time': {
    instrument: 'counter',
    unit: 's',
    help: 'Time that the event loop has spent on deliveries. The rate of this counter is the fraction of the event loop that deliveries use.',
    labels: ['feed'],
  },
  'notifications.reads': {
    instrument: 'counter',
    unit: '{read}',
    help: 'Reads of pages by source: from the window in memory, or from the store.',
    labels: ['feed', 'source'],
  },
  'notifications.window.entries': {
    instrument: 'upDownCounter',
    unit: '{entry}',
    help: 'Entries in the window.',
    labels: ['feed'],
  },
  'notifications.window.size': {
    instrument: 'upDownCounter',
    unit: 'By',
    help: 'Bytes of the entries in the window.',
    labels: ['feed'],
  },
  'notifications.store.duration': {
    instrument: 'histogram',
    unit: 's',
    help: 'Time of the calls of the store, failed ones included.',
    labels: ['feed', 'operation'],
  },
  'notifications.store.errors': {
    instrument: 'counter',
    unit: '{error}',
    help: 'Calls of the store that failed.',
    labels: ['feed', 'operation', 'code'],
  },
  'notifications.tail.lag': {
    instrument: 'gauge',
    unit: 's',
    help: 'Time since this node learned of the oldest store entry that it has not received. 0 if there is none.',
    labels: ['feed'],
  },
  'notifications.gaps': {
    instrument: 'counter',
    unit: '{gap}',
    help: 'Pages with a gap.',
    labels: ['feed', 'reason'],
  },
  'notifications.refusals': {
    instrument: 'counter',
    unit: '{request}',
    help: 'Requests that the built-in routes have rejected.',
    labels: ['feed', 'code'],
  },
  'notifications.evictions': {
    instrument: 'counter',
    unit: '{connection}',
    help: 'Connections that were closed because their clients did not read.',
    labels: ['feed', 'limit'],
  },
  'notifications.unread.connections': {
    instrument: 'upDownCounter',
    unit: '{connection}',
    help: 'Connections with answers that their clients have not read.',
    labels: ['feed'],
  },
  'notifications.unread.size': {
    instrument: 'upDownCounter',
    unit: 'By',
    help: 'Bytes of answers that clients have not read and that the process still holds.',
    labels: ['feed'],
  },
  'notifications.operations': {
    instrument: 'counter',
    unit: '{operation}',
    help: 'Operations of capabilities: tickets issued and used, revocations, retractions, erasures, and operations of inboxes.',
    labels: ['feed', 'capability', 'operation'],
  },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof METRICS;

/** The metrics with buckets. */
export type DurationMetric = 'notifications.delivery.duration' | 'notifications.store.duration';

/** The metrics whose values are read on demand. */
export type SampledMetric = Exclude<MetricName, DurationMetric>;

/** A metric with its name. A histogram receives each duration, the others are read on demand. */
export type NamedMetric =
  | (Metric & { readonly name: DurationMetric; readonly instrument: 'histogram' })
  | (Metric & { readonly name: SampledMetric; readonly instrument: Exclude<Instrument, 'histogram'> });

/** Every metric, in the order of the table. */
export const METRIC_LIST = Object.entries(METRICS).map(([name, metric]) => ({
  name,
  ...metric,
})) as readonly NamedMetric[];

/** The name of a metric in Prometheus, by the rules of OpenTelemetry for the conversion. */
export function prometheusName(name: MetricName): string {
  const { unit, instrument } = METRICS[name];
  const suffixes = { s: '_seconds', By: '_bytes' };
  const suffix = unit === 's' || unit === 'By' ? suffixes[unit] : '';
  return `${name.replaceAll('.', '_')}${suffix}${instrument === 'counter' ? '_total' : ''}`;
}

/** The name of a label as an attribute of OpenTelemetry. */
export function attributeName(label: LabelName): string {
  return label === 'code' ? 'error.type' : `notifications.${label}`;
}
