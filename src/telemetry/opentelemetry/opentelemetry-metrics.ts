import type { Attributes, Histogram, Meter, ObservableCallback, Observable } from '@opentelemetry/api';
import type { Clock } from '../../core/clock.js';
import type { RecordDuration } from '../buckets.js';
import type { FeedMetrics } from '../feed-metrics.js';
import {
  attributeName,
  type DurationMetric,
  DURATION_BOUNDS_S,
  type LabelName,
  type Labels,
  METRIC_LIST,
  type NamedMetric,
} from '../metrics.js';
import { Sampler } from './sampler.js';

/** The metrics of all feeds, as instruments of a meter. */
export class OpenTelemetryMetrics {
  readonly #histograms = new Map<string, Histogram>();
  readonly #removals: (() => void)[] = [];

  constructor(meter: Meter, feeds: () => readonly FeedMetrics[]) {
    for (const metric of METRIC_LIST) this.#create(meter, metric, feeds);
  }

  /**
   * Opens a time series. OpenTelemetry has no histogram that is read on demand, and a record cannot
   * have a count. So equal deliveries have one record. When deliveries are frequent, only some are
   * recorded.
   */
  duration(metric: DurationMetric, labels: Labels, clock: Clock): RecordDuration {
    const histogram = this.#histograms.get(metric);
    const attributes = attributesOf(labels);
    if (metric === 'notifications.store.duration') return (seconds) => histogram?.record(seconds, attributes);
    const sampler = new Sampler();
    return (seconds) => {
      if (sampler.takes(clock.monotonic())) histogram?.record(seconds, attributes);
    };
  }

  /** Removes the callbacks. */
  remove(): void {
    for (const remove of this.#removals) remove();
  }

  #create(meter: Meter, metric: NamedMetric, feeds: () => readonly FeedMetrics[]): void {
    const { name, help: description, unit } = metric;
    if (metric.instrument === 'histogram') {
      const advice = { explicitBucketBoundaries: [...DURATION_BOUNDS_S] };
      this.#histograms.set(name, meter.createHistogram(name, { description, unit, advice }));
      return;
    }
    const instrument = observable(meter, metric.instrument)(name, { description, unit });
    const { name: sampled } = metric;
    const callback: ObservableCallback = (result) => {
      for (const feed of feeds()) {
        for (const { labels, value } of feed.samples(sampled)) result.observe(value, attributesOf(labels));
      }
    };
    instrument.addCallback(callback);
    this.#removals.push(() => {
      instrument.removeCallback(callback);
    });
  }
}

type CreateObservable = (name: string, options: { description: string; unit: string }) => Observable;

function observable(meter: Meter, instrument: 'counter' | 'upDownCounter' | 'gauge'): CreateObservable {
  if (instrument === 'counter') return (name, options) => meter.createObservableCounter(name, options);
  if (instrument === 'gauge') return (name, options) => meter.createObservableGauge(name, options);
  return (name, options) => meter.createObservableUpDownCounter(name, options);
}

function attributesOf(labels: Labels): Attributes {
  const entries = Object.entries(labels) as [LabelName, string][];
  return Object.fromEntries(entries.map(([label, value]) => [attributeName(label), value]));
}
