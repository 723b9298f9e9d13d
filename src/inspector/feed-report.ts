import type { ReadKind } from '../core/observer.js';
import type { GrantedRead } from '../nest/access/granted.js';
import { isReading, type PublishContext } from '../nest/context.js';
import type { LabelName, SampledMetric } from '../telemetry/metrics.js';
import type { CountedCode, FeedReport, InboxReport, SlowReader, StoreReport } from './inspector-report.js';
import { countOf, quantileMs } from './recording/durations.js';
import type { FeedRecorder, StoreOperation } from './recording/feed-recorder.js';
import { topTopicsOf } from './top-topics.js';

/**
 * The maximum number of codes in a list. No request can create a new error code, so the number of
 * codes is small.
 */
const CODES_MAX = 20;
/** The maximum number of slow readers. With the longest names, they take less than 32 KiB. */
export const SLOW_READERS_MAX = 20;

const NOTHING_OPEN = { topics: 0, subscribers: 0, wakeQueue: 0, window: { entries: 0, bytes: 0 } };

/** The report of one feed now. */
export function feedReport(recorder: FeedRecorder): FeedReport {
  const { name, health, series, context } = recorder;
  return {
    ...{ name, health, publishOnly: !isReading(context) },
    waiters: waitersOf(context),
    ...openOf(context),
    series: series.all,
    now: series.now,
    topTopics: topTopicsOf(recorder),
    refusals: codesOf(recorder, 'notifications.refusals', ['code']),
    gaps: codesOf(recorder, 'notifications.gaps', ['reason']),
    store: storeReport(recorder),
    slowReaders: slowReadersOf(context),
    ...inboxOf(recorder),
  };
}

function waitersOf(context: PublishContext): Readonly<Record<ReadKind, number>> {
  return isReading(context) ? context.feed.load().waiters : { poll: 0, stream: 0, history: 0 };
}

function openOf(context: PublishContext): Pick<FeedReport, keyof typeof NOTHING_OPEN> {
  if (!isReading(context)) return NOTHING_OPEN;
  const { topics, subscribers } = context.feed.counts();
  const { queued, window } = context.feed.load();
  return { topics, subscribers, wakeQueue: queued, window: { entries: window.count, bytes: window.bytes } };
}

/** The values of a metric, the largest one first. */
function codesOf(
  { metrics }: FeedRecorder,
  metric: SampledMetric,
  labels: readonly LabelName[],
): readonly CountedCode[] {
  return metrics
    .samples(metric)
    .map((sample) => ({ code: labels.map((label) => sample.labels[label]).join(' '), count: sample.value }))
    .sort((one, other) => other.count - one.count)
    .slice(0, CODES_MAX);
}

function storeReport(recorder: FeedRecorder): StoreReport {
  const operations = Object.entries(recorder.storeDurations) as [StoreOperation, { counts: Float64Array }][];
  return {
    tailLagMs: Math.round(recorder.sum('notifications.tail.lag') * 1000),
    calls: operations.map(([operation, { counts }]) => ({
      ...{ operation, count: countOf(counts) },
      ...{ p50Ms: quantileMs(counts, 0.5), p99Ms: quantileMs(counts, 0.99) },
    })),
    errors: codesOf(recorder, 'notifications.store.errors', ['operation', 'code']),
  };
}

function slowReadersOf(context: PublishContext): FeedReport['slowReaders'] {
  if (!isReading(context)) return { connections: 0, bytes: 0, list: [] };
  const { unreadConnections, unreadBytes } = context.unread.counts();
  const list = context.unread.slowest(SLOW_READERS_MAX).map(({ read, bytes, ageMs }): SlowReader => {
    const { subscriber, address, topics } = read;
    return {
      ...(subscriber !== undefined && { subscriber }),
      ...(address !== undefined && { address }),
      ...{ transport: transportOf(read), unreadBytes: bytes, ageMs: Math.round(ageMs), topics: topics.length },
    };
  });
  return { connections: unreadConnections, bytes: unreadBytes, list };
}

function transportOf({ asked }: GrantedRead): ReadKind {
  if (asked.before !== undefined) return 'history';
  return asked.transport === 'sse' ? 'stream' : 'poll';
}

function inboxOf({ context, metrics }: FeedRecorder): { readonly inbox?: InboxReport } {
  const memory = context.insight.inbox?.memory();
  if (!memory) return {};
  const performed = metrics
    .samples('notifications.operations')
    .filter(({ labels }) => labels.capability === 'inbox')
    .map(({ labels, value }) => ({ code: labels.operation ?? '', count: value }));
  return { inbox: { ...memory, operations: performed.slice(0, CODES_MAX) } };
}
