import { Counter, Gauge, type Registry } from 'prom-client';
import type { RecordDuration } from '../buckets.js';
import type { FeedMetrics } from '../feed-metrics.js';
import { type DurationMetric, type Labels, METRIC_LIST, type NamedMetric, prometheusName } from '../metrics.js';
import { BucketHistogram } from './bucket-histogram.js';

/** The metrics of all feeds, in a registry of `prom-client`. */
export class PrometheusMetrics {
  readonly #registry: Registry;
  readonly #histograms = new Map<string, BucketHistogram>();
  readonly #names: string[] = [];

  /** @throws Error if the registry has a metric of one of the names */
  constructor(registry: Registry, feeds: () => readonly FeedMetrics[]) {
    this.#registry = registry;
    const taken = METRIC_LIST.map(({ name }) => prometheusName(name)).find((name) => registry.getSingleMetric(name));
    if (taken !== undefined) {
      const advice =
        'import the module once, and give each application in the process its own registry with the option `registry`';
      throw new Error(`NotificationsPrometheusModule: the registry already has the metric ${taken}; ${advice}`);
    }
    for (const metric of METRIC_LIST) this.#register(metric, feeds);
  }

  duration(metric: DurationMetric, labels: Labels): RecordDuration {
    return this.#histograms.get(metric)?.open(labels) ?? (() => undefined);
  }

  /** Removes the metrics from the registry. */
  remove(): void {
    for (const name of this.#names) this.#registry.removeSingleMetric(name);
  }

  #register(metric: NamedMetric, feeds: () => readonly FeedMetrics[]): void {
    const name = prometheusName(metric.name);
    this.#names.push(name);
    if (metric.instrument === 'histogram') {
      this.#histograms.set(metric.name, new BucketHistogram(name, metric, this.#registry));
      return;
    }
    const { name: sampled } = metric;
    const config = {
      name,
      help: metric.help,
      labelNames: [...metric.labels],
      registers: [this.#registry],
      /** Called by the registry for each scrape. */
      collect(this: Counter | Gauge): void {
        this.reset();
        for (const feed of feeds()) for (const { labels, value } of feed.samples(sampled)) this.inc(labels, value);
      },
    };
    if (metric.instrument === 'counter') new Counter(config);
    else new Gauge({ ...config, aggregator: metric.instrument === 'gauge' ? 'max' : 'sum' });
  }
}
