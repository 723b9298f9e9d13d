import { context, type Span, SpanKind, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api';
import type { PublishItem } from '../../core/draft.js';
import type { PublishTracer } from '../../core/publish-tracing.js';
import { destinationOf } from './span-attributes.js';
import { traceparentFor } from './trace-text.js';

/**
 * Runs each publish inside a span, and writes its trace into the notifications. A `traceparent` of
 * the caller stays: the caller has a trace of its own.
 *
 * @param patterns the declared patterns, for the names of spans
 */
export function publishTracer(tracer: Tracer, patterns: readonly string[]): PublishTracer {
  return async (items, publish) => {
    const topics = new Set(items.map(({ topic }) => topic));
    const { name, attributes } = destinationOf('publish', topics, patterns);
    const count = items.length > 1 ? { 'messaging.batch.message_count': items.length } : {};
    const span = tracer.startSpan(name, { kind: SpanKind.PRODUCER, attributes: { ...attributes, ...count } });
    try {
      const traced = withTrace(items, span);
      const result = await context.with(trace.setSpan(context.active(), span), () => publish(traced));
      const [id, ...others] = (result as { readonly ids?: readonly string[] }).ids ?? [];
      if (id !== undefined && others.length === 0) span.setAttribute('messaging.message.id', id);
      return result;
    } catch (error) {
      fail(span, error);
      throw error;
    } finally {
      span.end();
    }
  };
}

/** Marks a span as failed. A message may hold input of a caller, so the span has only the code. */
export function fail(span: Span, error: unknown): void {
  const { code } = error as { code?: unknown };
  span.setAttribute('error.type', typeof code === 'string' ? code : '_OTHER');
  span.setStatus({ code: SpanStatusCode.ERROR });
}

function withTrace(items: readonly PublishItem[], span: Span): readonly PublishItem[] {
  const traceparent = traceparentFor(span.spanContext());
  if (traceparent === undefined) return items;
  return items.map((item) => ({ ...item, traceparent: item.traceparent ?? traceparent }));
}
