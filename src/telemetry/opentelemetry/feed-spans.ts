import { context, ROOT_CONTEXT, type SpanContext, SpanKind, trace, type Tracer } from '@opentelemetry/api';
import type { Clock, Timer } from '../../core/clock.js';
import type { LogEntry } from '../../core/notification.js';
import type { FeedObserver, ObservedRead, StoreCall } from '../../core/observer.js';
import type { LogPage } from '../../core/page.js';
import { destinationOf, operationAttributes } from './span-attributes.js';
import { fail } from './publish-spans.js';
import { sampledParentOf } from './trace-text.js';

/** A delivery is complete after this time. Clients that read later are not part of its span. */
const DELIVERY_MS = 1_000;
/** Deliveries in progress, about 1 KiB each. Above this number, notifications get no span. */
const DELIVERIES_MAX = 1_000;

/** A traced notification that this node delivers. */
interface Delivery {
  readonly id: string;
  readonly topic: string;
  readonly parent: SpanContext;
  readonly startMs: number;
  /** The same time on the monotonic clock. */
  readonly sinceMs: number;
  tookMs: number;
  waiters: number;
}

export interface FeedSpansOptions {
  readonly tracer: Tracer;
  readonly clock: Clock;
  /** The declared patterns, for the names of spans. */
  readonly patterns: readonly string[];
}

/**
 * Creates a span for each append, and one for each notification that this node delivers to waiters.
 * The span of a delivery begins when the node receives the entry, and ends at the last waiter. A
 * waiter has no span of its own, because a notification may have ten thousand waiters.
 */
export class FeedSpans implements FeedObserver {
  readonly #options: FeedSpansOptions;
  /** By position, oldest first. */
  readonly #deliveries = new Map<number, Delivery>();
  #timer: Timer;

  constructor(options: FeedSpansOptions) {
    this.#options = options;
  }

  published(entries: readonly LogEntry[]): void {
    const { clock } = this.#options;
    for (const { position, id, topic, json } of entries) {
      if (this.#deliveries.size >= DELIVERIES_MAX) return;
      const parent = sampledParentOf(json);
      if (!parent) continue;
      const times = { startMs: clock.now(), sinceMs: clock.monotonic(), tookMs: 0 };
      this.#deliveries.set(position, { id, topic, parent, ...times, waiters: 0 });
      this.#timer ??= clock.setTimeout(() => this.#endDue(), DELIVERY_MS);
    }
  }

  delivered({ entries }: LogPage, { kind }: ObservedRead): void {
    if (this.#deliveries.size === 0 || kind === 'history') return;
    for (const { position, id } of entries) {
      const delivery = this.#deliveries.get(position);
      if (delivery?.id !== id) continue;
      delivery.tookMs = this.#options.clock.monotonic() - delivery.sinceMs;
      delivery.waiters++;
    }
  }

  stored({ operation, durationMs, error }: StoreCall): void {
    if (operation !== 'append' || !trace.getSpan(context.active())?.isRecording()) return;
    const { tracer, clock } = this.#options;
    const endMs = clock.now();
    const span = tracer.startSpan('append', {
      kind: SpanKind.CLIENT,
      startTime: endMs - durationMs,
      attributes: operationAttributes('append'),
    });
    if (error !== undefined) fail(span, error);
    span.end(endMs);
  }

  /** Ends all spans. */
  close(): void {
    this.#options.clock.clearTimeout(this.#timer);
    for (const delivery of this.#deliveries.values()) this.#end(delivery);
    this.#deliveries.clear();
  }

  #endDue(): void {
    const { clock } = this.#options;
    const dueMs = clock.monotonic() - DELIVERY_MS;
    for (const [position, delivery] of this.#deliveries) {
      if (delivery.sinceMs > dueMs) break;
      this.#deliveries.delete(position);
      this.#end(delivery);
    }
    this.#timer = this.#deliveries.size > 0 ? clock.setTimeout(() => this.#endDue(), DELIVERY_MS) : undefined;
  }

  #end({ id, topic, parent, startMs, tookMs, waiters }: Delivery): void {
    if (waiters === 0) return;
    const { tracer, patterns } = this.#options;
    const { name, attributes } = destinationOf('deliver', new Set([topic]), patterns);
    const own = { 'messaging.message.id': id, 'nest_notifications.waiters': waiters };
    const span = tracer.startSpan(
      name,
      { kind: SpanKind.CONSUMER, startTime: startMs, attributes: { ...attributes, ...own } },
      // The active context is that of an unrelated task, such as the read of the log.
      trace.setSpanContext(ROOT_CONTEXT, parent),
    );
    span.end(startMs + tookMs);
  }
}
