import type { FeedReport, FeedSeries, InspectorState } from '../../src/inspector/inspector-report.js';
import type { NotificationStory } from '../../src/nest/explaining/notification-story.js';

/** The time of all reports. */
const NOW_MS = Date.parse('2026-11-29T09:30:00.000Z');
const INTERVALS = 60;

/**
 * A slow wave with noise. It ends at its mean, so that the newest values are known. The same
 * arguments always return the same values.
 */
function wave(mean: number, part: number, seed = 0): number[] {
  return Array.from({ length: INTERVALS }, (_, index) => {
    if (index === INTERVALS - 1) return mean;
    const noise = Math.sin((index + 1) * 12.9898 + seed * 78.233) * 43_758.5453;
    const height = 0.8 * Math.sin((index + seed * 7) / 9) + 1.2 * (noise - Math.floor(noise) - 0.5);
    return Math.max(0, mean * (1 + part * height));
  });
}

function bursts(height: number, at: readonly number[]): number[] {
  return Array.from({ length: INTERVALS }, (_, index) => (at.includes(index) ? height : 0));
}

/** The values of a feed that did not read from the store in every interval. */
function withBreaks(values: readonly number[]): (number | null)[] {
  return values.map((value, index) => (index % 9 < 2 ? null : value));
}

export const SERIES: FeedSeries = {
  intervalMs: 5_000,
  endsAt: new Date(NOW_MS).toISOString(),
  published: wave(38, 0.25),
  delivered: wave(1_240, 0.3, 1),
  bytes: wave(412_000, 0.3, 1),
  refusals: bursts(0.6, [21, 22, 40]),
  gaps: bursts(0.2, [41]),
  cuts: bursts(0.2, [23]),
  waiters: wave(1_822, 0.05, 2).map(Math.round),
  deliveryP50Ms: wave(1.8, 0.15, 3),
  deliveryP99Ms: wave(9.4, 0.35, 4),
  appendP50Ms: wave(0.4, 0.15, 5),
  appendP99Ms: wave(1.7, 0.3, 6),
  readP50Ms: withBreaks(wave(0.9, 0.15, 7)),
  readP99Ms: withBreaks(wave(2.6, 0.3, 8)),
  storeErrors: bursts(0, []),
  windowHitRate: wave(0.996, 0.001),
  wakeLoad: wave(0.034, 0.3, 1),
  tailLagMs: bursts(14, [12, 13, 30, 47]),
};

/** The values of a series at its end. */
function lastOf(series: FeedSeries): FeedReport['now'] {
  const entries = Object.entries(series).filter(([, values]) => Array.isArray(values));
  return Object.fromEntries(entries.map(([name, values]) => [name, (values as number[]).at(-1) ?? 0])) as never;
}

export function feedReport(changes: Partial<FeedReport> = {}): FeedReport {
  const series = changes.series ?? SERIES;
  return {
    name: 'default',
    health: 'ready',
    publishOnly: false,
    waiters: { poll: 1_204, stream: 618, history: 3 },
    topics: 412,
    subscribers: 977,
    wakeQueue: 0,
    window: { entries: 9_840, bytes: 4_410_000 },
    series,
    now: lastOf(series),
    topTopics: {
      byPublishes: [
        { topic: 'orders.eu', publishesPerMinute: 940, waiters: 310 },
        { topic: 'orders.us', publishesPerMinute: 612, waiters: 205 },
        { topic: 'prices', publishesPerMinute: 433, waiters: 96 },
        { topic: 'chat.roadmap', publishesPerMinute: 187, waiters: 41 },
        { topic: 'user.4711', publishesPerMinute: 9.5, waiters: 2 },
      ],
      byWaiters: [
        { topic: 'announcements', publishesPerMinute: 0.4, waiters: 1_022 },
        { topic: 'orders.eu', publishesPerMinute: 940, waiters: 310 },
        { topic: 'orders.us', publishesPerMinute: 612, waiters: 205 },
        { topic: 'prices', publishesPerMinute: 433, waiters: 96 },
      ],
      complete: true,
    },
    refusals: [
      { code: 'unauthorized', count: 14 },
      { code: 'too_many_requests', count: 3 },
    ],
    gaps: [{ code: 'expired', count: 1 }],
    store: {
      tailLagMs: 0,
      calls: [
        { operation: 'append', count: 128_440, p50Ms: 0.4, p99Ms: 1.7 },
        { operation: 'read', count: 2_311, p50Ms: 0.9, p99Ms: 2.6 },
        { operation: 'lookup', count: 41, p50Ms: 0.7, p99Ms: 1.9 },
      ],
      errors: [],
    },
    slowReaders: {
      connections: 3,
      bytes: 412_000,
      list: [
        { subscriber: 'grace', transport: 'stream', unreadBytes: 301_000, ageMs: 14_200, topics: 3 },
        { subscriber: 'linus', transport: 'stream', unreadBytes: 98_000, ageMs: 4_000, topics: 1 },
        { address: '203.0.113.9', transport: 'poll', unreadBytes: 13_000, ageMs: 900, topics: 2 },
      ],
    },
    ...changes,
  };
}

/** The feed of an inbox. */
export const INBOX_REPORT = feedReport({
  name: 'inbox',
  topTopics: {
    byPublishes: [
      { topic: 'orders.eu', publishesPerMinute: 312, waiters: 310 },
      { topic: 'user.4711', publishesPerMinute: 9.5, waiters: 2 },
      { topic: 'user.1702', publishesPerMinute: 6, waiters: 1 },
    ],
    byWaiters: [{ topic: 'announcements', publishesPerMinute: 0.4, waiters: 1_022 }],
    complete: true,
  },
  inbox: {
    states: 5_210,
    bytes: 16 * 2 ** 20,
    bytesMax: 64 * 2 ** 20,
    operations: [
      { code: 'read', count: 5_120 },
      { code: 'operate', count: 903 },
    ],
  },
});

export function inspectorState(feeds: readonly FeedReport[] = [feedReport()], afterMs = 0): InspectorState {
  return {
    time: new Date(NOW_MS + afterMs).toISOString(),
    startedAt: new Date(NOW_MS - 3 * 24 * 60 * 60_000).toISOString(),
    refreshMs: 1_000,
    feedNames: feeds.map(({ name }) => name),
    feeds,
  };
}

/** Ann has received and read a notification, and then it has expired. */
export const EXPIRED_STORY: NotificationStory = {
  id: 'order-1042-shipped',
  status: 'expired',
  reasons: [],
  notification: {
    topic: 'orders.eu',
    type: 'order.shipped',
    time: '2026-11-29T09:10:00.000Z',
    cursor: 'rW1yZ5ocgcAAAB',
    bytes: 312,
    publisher: 'shop',
    key: 'order-1042',
    priority: 'high',
    expiresAt: '2026-11-29T09:25:00.000Z',
  },
  events: [
    { type: 'published', time: '2026-11-29T09:10:00.000Z' },
    { type: 'expired', time: '2026-11-29T09:25:00.000Z' },
  ],
  deliveries: {
    recorded: 'sampled',
    counts: { poll: 180, stream: 92, history: 0 },
    list: [{ time: '2026-11-29T09:10:00.004Z', transport: 'stream', subscriber: 'ann' }],
  },
  access: { subscriber: 'ann', allowed: 'yes', rule: 'access.read', waiters: 1 },
  item: { state: 'item', seen: true, read: true, archived: false, removed: false },
};
