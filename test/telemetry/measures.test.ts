import { describe, expect, test } from '@jest/globals';
import type { LogEntry } from '../../src/core/notification.js';
import type { ObservedRead } from '../../src/core/observer.js';
import type { LogPage } from '../../src/core/page.js';
import { Buckets, type RecordDuration } from '../../src/telemetry/buckets.js';
import { DeliveryCounts } from '../../src/telemetry/delivery-counts.js';
import { RUN_MAX } from '../../src/telemetry/delivery-run.js';
import { METRIC_LIST, prometheusName } from '../../src/telemetry/metrics.js';
import { TopicLabels } from '../../src/telemetry/topic-labels.js';
import { ManualClock } from '../../src/testing/index.js';

const EPOCH = { id: 'e1', secret: 'secret' };

describe('the deliveries', () => {
  const clock = new ManualClock();
  const entry = (position: number, time: string, topic = 't'): LogEntry => {
    const json = JSON.stringify({ id: 'a', topic, type: 'x', time, data: { time: 'other' } });
    return { position, id: 'a', topic, json, bytes: json.length };
  };
  const page = (...entries: LogEntry[]): LogPage => ({ epoch: EPOCH, entries, position: 9, more: false });
  const read = { startedAt: 4, kind: 'poll', request: { topics: ['t'], limit: 1 } } as const satisfies ObservedRead;
  const ago = (ms: number): string => new Date(clock.now() - ms).toISOString();

  /** The deliveries of a feed. `durations` has the seconds and the number of each record. */
  function bench() {
    const durations: [seconds: number, count: number][] = [];
    const record: RecordDuration = (seconds, count = 1) => durations.push([seconds, count]);
    const topics = new TopicLabels(['t'], 'Module');
    const counts = new DeliveryCounts({ clock, topics, durations: { poll: record, stream: record, history: record } });
    return { counts, durations };
  }

  function secondsOf(given: LogPage): number | undefined {
    const { counts, durations } = bench();
    counts.add(given, read);
    expect(counts.of('poll').pages).toBe(1);
    return durations[0]?.[0];
  }

  test('take the time of the oldest notification after the start of the read', () => {
    expect(secondsOf(page(entry(4, ago(9_000)), entry(5, ago(250)), entry(6, ago(100))))).toBe(0.25);
  });

  test.each<[what: string, page: LogPage]>([
    ['a replay', page(entry(4, ago(100)))],
    ['an empty page', page()],
    ['a page with a gap', { ...page(entry(5, ago(100))), gap: { reason: 'expired' } }],
    ['a page of the history', { ...page(entry(5, ago(100))), history: { upTo: 5, trimmed: false } }],
    ['a record without a time', page({ ...entry(5, ''), json: '{}' })],
    ['a record with an invalid time', page({ ...entry(5, ''), json: '{"time":""}' })],
  ])('have no time for %s', (_, given) => {
    expect(secondsOf(given)).toBeUndefined();
  });

  test('take 0 if the clock of the publisher is ahead', () => {
    expect(secondsOf(page(entry(5, ago(-5_000))))).toBe(0);
  });

  test('do not take the time from a type that looks like a time', () => {
    const json = JSON.stringify({ id: 'a', topic: 't', type: '"time":"2000-01-01T00:00:00Z"', time: ago(500) });
    expect(secondsOf(page({ ...entry(5, ''), json }))).toBe(0.5);
  });

  test('of one page have one record for up to 16 readers, and exact counts', () => {
    const { counts, durations } = bench();
    const given = page(entry(5, ago(250)), entry(6, ago(100), 'u'), entry(7, ago(50), '$record'));
    for (let count = 0; count < RUN_MAX + 3; count++) counts.add(given, read);
    counts.add(given, { ...read, kind: 'stream' });
    const notifications = 2 * (RUN_MAX + 3);
    const bytes = (given.entries[0]!.bytes + given.entries[1]!.bytes) * (RUN_MAX + 3);
    const byLabel = [RUN_MAX + 3, RUN_MAX + 3];
    expect(counts.of('poll')).toEqual({ pages: RUN_MAX + 3, count: notifications, bytes, byLabel });
    expect(counts.of('stream')).toMatchObject({ pages: 1, count: 2 });
    expect(durations).toEqual([
      [0.25, RUN_MAX],
      [0.25, 3],
      [0.25, 1],
    ]);
  });

  test('have the time of each reader that began to read between the notifications of the page', () => {
    const { counts, durations } = bench();
    const given = page(entry(5, ago(250)), entry(7, ago(100)));
    for (const startedAt of [4, 5, 6, 7, 0]) counts.add(given, { ...read, startedAt });
    expect(counts.of('poll').pages).toBe(5);
    expect(durations).toEqual([
      [0.25, 1],
      [0.1, 2],
      [0.25, 1],
    ]);
  });

  test('read the clock again in the next turn of the event loop', async () => {
    const { counts, durations } = bench();
    const given = page(entry(5, ago(250)));
    counts.add(given, read);
    await clock.advance(1_000);
    counts.add(given, read);
    await clock.settle();
    expect(durations).toEqual([[0.25, 1]]);
    expect(counts.of('poll').pages).toBe(2);
    expect(durations.slice(1)).toEqual([[1.25, 1]]);
    expect(clock.pendingTimers).toBe(0);
  });
});

test('buckets are cumulative, and a bound belongs to its bucket', () => {
  const buckets = new Buckets();
  for (const seconds of [0, 0.001, 0.0011, 10]) buckets.record(seconds);
  buckets.record(11, 2);
  const { cumulative, count, sum } = buckets;
  expect(cumulative.slice(0, 2)).toEqual([
    { bound: 0.001, count: 2 },
    { bound: 0.0025, count: 3 },
  ]);
  expect(cumulative.at(-1)).toEqual({ bound: 10, count: 4 });
  expect([count, sum]).toEqual([6, 32.0021]);
});

describe('labels of topics', () => {
  test('are the first declared name that includes the topic, or `other`', () => {
    const topics = new TopicLabels(['orders.eu', 'orders.*'], 'Module');
    const labelOf = (topic: string) => topics.names[topics.indexOf(topic)];
    const labels = ['orders.eu', 'orders.us', 'orders', '$revoked'].map(labelOf);
    expect(labels).toEqual(['orders.eu', 'orders.*', 'other', 'other']);
  });

  test('do not exist without the option', () => {
    expect(new TopicLabels([], 'Module').indexOf('orders')).toBe(-1);
  });
});

test('names in Prometheus have the suffix of their unit, and counters have _total', () => {
  for (const { name, instrument, unit } of METRIC_LIST) {
    const prometheus = prometheusName(name);
    expect(prometheus).toMatch(/^notifications(_[a-z]+)+$/);
    expect(prometheus.endsWith('_total')).toBe(instrument === 'counter');
    expect(prometheus.includes('_seconds')).toBe(unit === 's');
    expect(prometheus.includes('_bytes')).toBe(unit === 'By');
  }
});
