import type { FeedReport, FeedSeries, InspectorState } from '../../src/inspector/inspector-report.js';
import type { NotificationStory } from '../../src/nest/explaining/notification-story.js';

/** A time at which all reports begin. */
const NOW_MS = Date.parse('2026-11-29T09:30:00.000Z');
const INTERVALS = 60;

/** A wave around a mean. The same arguments always return the same values. */
function wave(mean: number, part: number, shift = 0): number[] {
  return Array.from({ length: INTERVALS }, (_, index) => {
    const height = Math.sin((index + shift) / 5) + 0.6 * Math.sin((index * 1.7 + shift) / 2.1);
    return Math.max(0, mean * (1 + part * height));
  });
}

function bursts(height: number, at: readonly number[]): number[] {
  return Array.from({ length: INTERVALS }, (_, index) => (at.includes(index) ? height : 0));
}

export const SERIES: FeedSeries = {
  intervalMs: 5_000,
  endsAt: new Date(NOW_MS).toISOString(),
  published: wave(38, 0.25),
  delivered: wave(1_240, 0.3, 2),
  bytes: wave(412_000, 0.3, 2),
  refusals: bursts(0.6, [21, 22, 40]),
  gaps: bursts(0.2, [41]),
  cuts: bursts(0.2, [23]),
  waiters: wave(1_830, 0.06, 9).map(Math.round),
  deliveryP50Ms: wave(1.8, 0.2, 4),
  deliveryP99Ms: wave(9.4, 0.45, 7),
  appendP50Ms: wave(0.4, 0.2),
  appendP99Ms: wave(1.7, 0.3, 3),
  readP50Ms: wave(0.9, 0.2, 6).map((value, index) => (index % 9 < 2 ? null : value)),
  readP99Ms: wave(2.6, 0.3, 5).map((value, index) => (index % 9 < 2 ? null : value)),
  storeErrors: bursts(0, []),
  windowHitRate: wave(0.996, 0.001),
  wakeLoad: wave(0.034, 0.3, 2),
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

export function inspectorState(feeds: readonly FeedReport[] = [feedReport()], afterMs = 0): InspectorState {
  return {
    time: new Date(NOW_MS + afterMs).toISOString(),
    startedAt: new Date(NOW_MS - 3 * 24 * 60 * 60_000).toISOString(),
    refreshMs: 1_000,
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
