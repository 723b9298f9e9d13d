import { HttpException } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { isReading, type PublishContext } from '../../nest/context.js';
import { namedContextsIn } from '../../nest/module/feeds.js';
import { NotificationsException } from '../../nest/notifications.exception.js';
import { FeedMetrics, type FeedMetricsOptions, type FeedState } from '../feed-metrics.js';
import { TopicLabels } from '../topic-labels.js';
import type { MetricsOptions } from './metrics-options.js';

/** The value of the label `feed` for the feed without a name. */
export const DEFAULT_FEED = 'default';

/** Observes all feeds of an application. */
export class ObservedFeeds {
  readonly metrics: readonly FeedMetrics[];
  readonly #stops: readonly (() => void)[];

  /** Call it when all feeds are open. */
  constructor(modules: ModulesContainer, { topics = [] }: MetricsOptions, duration: FeedMetricsOptions['duration']) {
    const labels = new TopicLabels(topics);
    const feeds = namedContextsIn(modules);
    if (feeds.length === 0) throw new Error('there is no feed to measure; import NotificationsModule.forRoot(…) too');
    const observed = feeds.map(({ name = DEFAULT_FEED, context }) => {
      const { clock, observers } = context;
      const metrics = new FeedMetrics({ feed: name, clock, topics: labels, state: stateOf(context), duration, codeOf });
      return { metrics, stop: observers.add(metrics) };
    });
    this.metrics = observed.map(({ metrics }) => metrics);
    this.#stops = observed.map(({ stop }) => stop);
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }
}

function stateOf(context: PublishContext): (() => FeedState) | undefined {
  if (!isReading(context)) return undefined;
  const { feed, unread } = context;
  return () => {
    const { epoch, head } = feed.window;
    const counts = { ...feed.counts(), ...unread.counts() };
    return { window: { epochId: epoch.id, position: head }, load: feed.load(), counts };
  };
}

/** The code of an application's exception is its HTTP status, so the number of codes is bounded. */
function codeOf(error: unknown): string {
  if (error instanceof NotificationsException) return error.code;
  return error instanceof HttpException ? `http_${error.getStatus()}` : 'other';
}
