import type { ModulesContainer } from '@nestjs/core';
import type { Clock } from '../../core/clock.js';
import { namedContextsIn } from '../../nest/module/feeds.js';
import type { RecordDuration } from '../buckets.js';
import { FeedMetrics } from '../feed-metrics.js';
import type { DurationMetric, Labels } from '../metrics.js';
import { TopicLabels } from '../topic-labels.js';
import { codeOf, DEFAULT_FEED, feedStateOf } from './feed-state.js';
import type { MetricsOptions } from './metrics-options.js';

/** The metrics of a library, such as the collectors of `prom-client`. */
export interface Instruments {
  /** Opens one time series of a histogram. The clock is that of the feed. */
  duration(metric: DurationMetric, labels: Labels, clock: Clock): RecordDuration;
  /** Removes the metrics from the library. */
  remove(): void;
}

/** The options, and the name of the module for errors. */
export interface ObservedOptions extends MetricsOptions {
  readonly owner: string;
}

/** Measures all feeds of an application with the instruments of a library. */
export class ObservedFeeds {
  readonly #instruments: Instruments;
  readonly #metrics: readonly FeedMetrics[];
  readonly #stops: readonly (() => void)[];

  /**
   * Call it when all feeds are open.
   * @param instrumentsOf creates the instruments, which read the numbers of the feeds on demand
   */
  constructor(
    modules: ModulesContainer,
    { topics = [], owner }: ObservedOptions,
    instrumentsOf: (metrics: () => readonly FeedMetrics[]) => Instruments,
  ) {
    const labels = new TopicLabels(topics, owner);
    const feeds = namedContextsIn(modules);
    if (feeds.length === 0) {
      throw new Error(`${owner}: there is no feed to measure; import NotificationsModule.forRoot(…) too`);
    }
    const instruments = instrumentsOf(() => this.#metrics);
    const observed = feeds.map(({ name = DEFAULT_FEED, context }) => {
      const { clock, observers } = context;
      const metrics = new FeedMetrics({
        feed: name,
        clock,
        topics: labels,
        state: feedStateOf(context),
        duration: (metric, given) => instruments.duration(metric, given, clock),
        codeOf,
      });
      return { metrics, stop: observers.add(metrics) };
    });
    this.#instruments = instruments;
    this.#metrics = observed.map(({ metrics }) => metrics);
    this.#stops = observed.map(({ stop }) => stop);
  }

  stop(): void {
    for (const stop of this.#stops) stop();
    this.#instruments.remove();
  }
}
