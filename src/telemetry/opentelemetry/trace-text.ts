import { isSpanContextValid, type SpanContext, TraceFlags } from '@opentelemetry/api';
import { traceparentOf } from '../../core/publish-options.js';

/** The `traceparent` of a span; undefined if the span belongs to no trace. */
export function traceparentFor(span: SpanContext): string | undefined {
  if (!isSpanContextValid(span)) return undefined;
  const isSampled = (span.traceFlags & TraceFlags.SAMPLED) !== 0;
  return `00-${span.traceId}-${span.spanId}-${isSampled ? '01' : '00'}`;
}

/**
 * The span of the publish, from the stored JSON of its notification. Undefined without a trace, or
 * if it is not sampled.
 */
export function sampledParentOf(json: string): SpanContext | undefined {
  const [, traceId, spanId, flags] = traceparentOf(json)?.split('-') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED;
  return traceFlags === 0 ? undefined : { traceId, spanId, traceFlags, isRemote: true };
}
