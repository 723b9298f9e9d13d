import { afterEach, describe, expect, test } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { NotificationsModule } from 'nest-notifications';
import { NotificationsTracesModule } from 'nest-notifications/opentelemetry';
import { ManualClock } from 'nest-notifications/testing';
import { trace } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { DRAFT_LIMITS, makeDraft } from '../../src/core/draft.js';
import { logEntry, type LogEntry } from '../../src/core/notification.js';
import type { ObservedRead, ReadKind } from '../../src/core/observer.js';
import type { LogPage } from '../../src/core/page.js';
import type { ReadContext } from '../../src/nest/context.js';
import { CONTEXT } from '../../src/nest/module/tokens.js';
import { FeedSpans } from '../../src/telemetry/opentelemetry/feed-spans.js';
import { publishTracer } from '../../src/telemetry/opentelemetry/publish-spans.js';

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const tracer = provider.getTracer('test');
const PARENT = 'b'.repeat(16);

afterEach(() => {
  exporter.reset();
});

function entry(position: number, flags = '01'): LogEntry {
  const traceparent = `00-${'a'.repeat(32)}-${PARENT}-${flags}`;
  const item = { topic: 'orders.7', type: 't', id: `n${position}`, data: 'secret', traceparent };
  return logEntry(position, makeDraft(item, new Date(0), DRAFT_LIMITS));
}

const page = (entries: readonly LogEntry[]) => ({ entries }) as LogPage;
const read = (kind: ReadKind) => ({ kind }) as ObservedRead;

function start() {
  const clock = new ManualClock();
  return { clock, spans: new FeedSpans({ tracer, clock, patterns: ['orders.*'] }) };
}

describe('the spans of deliveries', () => {
  test('end at the last waiter, without reads of the history', async () => {
    const { clock, spans } = start();
    spans.published([entry(1)]);
    spans.delivered(page([entry(1)]), read('poll'));
    await clock.advance(30);
    spans.delivered(page([entry(1)]), read('stream'));
    await clock.advance(30);
    spans.delivered(page([entry(1)]), read('history'));
    expect(exporter.getFinishedSpans()).toEqual([]);
    await clock.advance(1_000);
    const [span, ...others] = exporter.getFinishedSpans();
    expect(others).toEqual([]);
    expect(span).toMatchObject({ name: 'deliver orders.*', duration: [0, 30_000_000] });
    expect(span?.parentSpanContext).toMatchObject({ spanId: PARENT, isRemote: true });
    expect(span?.attributes).toMatchObject({ 'messaging.message.id': 'n1', 'nest_notifications.waiters': 2 });
  });

  test('exist only for a sampled trace, and on a node with waiters', async () => {
    const { clock, spans } = start();
    spans.published([entry(1), entry(2, '00')]);
    spans.delivered(page([entry(2)]), read('poll'));
    // Another log has another entry at the same position.
    spans.delivered(page([{ ...entry(1), id: 'other' }]), read('poll'));
    await clock.advance(5_000);
    expect(exporter.getFinishedSpans()).toEqual([]);
  });

  test('are at most 1,000 at once, and end when the application shuts down', async () => {
    const { clock, spans } = start();
    const entries = Array.from({ length: 1_500 }, (_, index) => entry(index + 1));
    spans.published(entries);
    spans.delivered(page(entries), read('poll'));
    spans.close();
    expect(exporter.getFinishedSpans()).toHaveLength(1_000);
    await clock.advance(5_000);
    expect(exporter.getFinishedSpans()).toHaveLength(1_000);
  });
});

test('the module removes its spans from the feeds when the application shuts down', async () => {
  trace.setGlobalTracerProvider(provider);
  const imports = [NotificationsModule.forRoot(), NotificationsTracesModule];
  const module = await Test.createTestingModule({ imports }).compile();
  await module.init();
  const { observers, tracing } = module.get<ReadContext>(CONTEXT, { strict: false });
  const items = [{ topic: 'orders.7', type: 't' }];
  const isTraced = async () => (await tracing.run(items, async (given) => given)) !== items;
  const traces = module.get(NotificationsTracesModule, { strict: false });
  const spansAfterDelivery = () => {
    observers.published([entry(1)]);
    observers.delivered(page([entry(1)]), read('poll'));
    traces.onApplicationShutdown();
    return exporter.getFinishedSpans().length;
  };
  // A span of the publish, and one of the delivery.
  expect([await isTraced(), spansAfterDelivery()]).toEqual([true, 2]);
  expect([await isTraced(), spansAfterDelivery()]).toEqual([false, 2]);
  await module.close();
  trace.disable();
});

describe('the span of a publish', () => {
  test('has the ids, and no topic that is not valid', async () => {
    const publish = publishTracer(tracer, []);
    const topic = `${'x'.repeat(300)} secret`;
    await publish([{ topic, type: 't' }], async () => ({ ids: ['n1'] }));
    const [span] = exporter.getFinishedSpans();
    expect(span).toMatchObject({ name: 'publish', attributes: { 'messaging.message.id': 'n1' } });
    expect(JSON.stringify(span?.attributes)).not.toContain('secret');
  });

  test('is the trace of all notifications that have none', async () => {
    const publish = publishTracer(tracer, []);
    const items = [
      { topic: 'a', type: 't' },
      { topic: 'b', type: 't', traceparent: 'own' },
    ];
    const traced = await publish(items, async (given) => given);
    const { traceId, spanId } = exporter.getFinishedSpans()[0]!.spanContext();
    expect(traced.map(({ traceparent }) => traceparent)).toEqual([`00-${traceId}-${spanId}-01`, 'own']);
    expect(exporter.getFinishedSpans()[0]?.attributes['messaging.batch.message_count']).toBe(2);
  });
});
