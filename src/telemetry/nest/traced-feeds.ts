import type { ModulesContainer } from '@nestjs/core';
import type { Clock } from '../../core/clock.js';
import type { FeedObserver } from '../../core/observer.js';
import type { PublishTracer } from '../../core/publish-tracing.js';
import { contextsIn } from '../../nest/module/feeds.js';

/** The spans of one feed. */
export interface FeedTraces {
  readonly tracer: PublishTracer;
  readonly observer: FeedObserver;
}

/** The parts of a feed that its spans need. */
export interface TracedFeed {
  readonly clock: Clock;
  /** The declared patterns. */
  readonly patterns: readonly string[];
}

/**
 * Adds spans to all feeds of the application. Call it when all of them are open. Returns a function
 * that removes the spans.
 */
export function traceFeeds(modules: ModulesContainer, tracesOf: (feed: TracedFeed) => FeedTraces): () => void {
  const contexts = contextsIn(modules);
  if (contexts.length === 0) {
    throw new Error('NotificationsTracesModule: there is no feed to trace; import NotificationsModule.forRoot(…) too');
  }
  const removals = contexts.flatMap(({ clock, settings, observers, tracing }) => {
    const { tracer, observer } = tracesOf({ clock, patterns: settings.patterns });
    return [observers.add(observer), tracing.use(tracer)];
  });
  return () => {
    for (const remove of removals) remove();
  };
}
