import { Inject, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { trace } from '@opentelemetry/api';
import { traceFeeds } from '../nest/traced-feeds.js';
import { FeedSpans } from './feed-spans.js';
import { publishTracer } from './publish-spans.js';

/**
 * Creates spans for all feeds of the application, with the tracer of `@opentelemetry/api`. Import
 * it once, beside `NotificationsModule`.
 *
 * - `publish` (producer): one call of `publish`, `publishMany` or `prepare`, or one `POST`. It
 *   writes its trace into the notifications as `traceparent`, which readers receive.
 * - `append` (client): one call of the store inside a publish.
 * - `deliver` (consumer): one notification on one node, with the number of its waiters. Its parent
 *   is the publish, also if that was on another node.
 *
 * A held poll has no span. Without an SDK, nothing is traced.
 */
@Module({})
export class NotificationsTracesModule implements OnModuleInit, OnApplicationShutdown {
  readonly #modules: ModulesContainer;
  readonly #spans: FeedSpans[] = [];
  #remove: () => void = () => undefined;

  constructor(@Inject(ModulesContainer) modules: ModulesContainer) {
    this.#modules = modules;
  }

  /** Called by Nest when all feeds are open. */
  onModuleInit(): void {
    const tracer = trace.getTracer('nest-notifications');
    this.#remove = traceFeeds(this.#modules, ({ clock, patterns }) => {
      const observer = new FeedSpans({ tracer, clock, patterns });
      this.#spans.push(observer);
      return { tracer: publishTracer(tracer, patterns), observer };
    });
  }

  /** Called by Nest. */
  onApplicationShutdown(): void {
    this.#remove();
    for (const spans of this.#spans) spans.close();
  }
}
