import { describe, expect, test } from '@jest/globals';
import { ERASURES } from '../../src/core/erasure.js';
import type { LogEntry } from '../../src/core/notification.js';
import type { ObservedRead, ReadKind } from '../../src/core/observer.js';
import type { LogPage } from '../../src/core/page.js';
import {
  DeliveryRecorder,
  PAGE_READERS_MAX,
  STORY_DELIVERIES_MAX,
} from '../../src/inspector/recording/delivery-recorder.js';
import { countOf, difference, Durations, quantileMs } from '../../src/inspector/recording/durations.js';
import { INTERVALS_MAX, Series } from '../../src/inspector/recording/series.js';
import { COUNTED_TOPICS_MAX, TopicCounts } from '../../src/inspector/recording/topic-counts.js';
import { ManualClock } from '../../src/testing/index.js';

const EPOCH = { id: 'e1', secret: 'secret' };

function entryOf(position: number, { topic = 't', time = '' } = {}): LogEntry {
  const json = JSON.stringify({ id: `n${position}`, topic, time });
  return { position, id: `n${position}`, topic, json, bytes: json.length };
}

describe('durations', () => {
  test.each([0.1, 1, 25, 250, 9_000])('have quantiles of %d ms within 10 %%', (ms) => {
    const durations = new Durations();
    for (let count = 0; count < 100; count++) durations.record(ms / 1000);
    durations.record(15);
    const found = quantileMs(durations.counts, 0.5)!;
    expect(Math.abs(found / ms - 1)).toBeLessThan(0.1);
  });

  test('have the quantiles of one interval', () => {
    const durations = new Durations();
    for (let count = 0; count < 99; count++) durations.record(0.001);
    const earlier = durations.counts;
    durations.record(1);
    expect(quantileMs(difference(durations.counts, earlier), 0.5)).toBeGreaterThan(900);
    expect(countOf(durations.counts)).toBe(100);
  });

  test('have no quantile without a duration, and accept every duration', () => {
    const durations = new Durations();
    expect(quantileMs(durations.counts, 0.99)).toBeNull();
    for (const seconds of [0, 1e-9, 1e9]) durations.record(seconds);
    expect(countOf(durations.counts)).toBe(3);
  });
});

describe('the counts of topics', () => {
  const ratesOf = (counts: TopicCounts) => Object.fromEntries(counts.perMinute());

  test('cover one to two minutes', async () => {
    const clock = new ManualClock();
    const counts = new TopicCounts(clock);
    counts.published([entryOf(1), entryOf(2), entryOf(3, { topic: '$revoked' })]);
    expect(ratesOf(counts)).toEqual({ t: 2 });
    await clock.advance(60_000);
    counts.rotate();
    await clock.advance(60_000);
    expect(ratesOf(counts)).toEqual({ t: 1 });
    counts.rotate();
    expect(ratesOf(counts)).toEqual({});
  });

  test('lose a topic that is erased', async () => {
    const clock = new ManualClock();
    const counts = new TopicCounts(clock);
    counts.published([entryOf(1), entryOf(2, { topic: 'other' })]);
    await clock.advance(60_000);
    counts.rotate();
    const erasure = { ...entryOf(3, { topic: ERASURES }), json: JSON.stringify({ data: { topics: ['t'] } }) };
    counts.published([entryOf(4), erasure]);
    expect(Object.keys(ratesOf(counts))).toEqual(['other']);
  });

  test('keep a frequent topic among 100,000 topics that occur once', () => {
    const counts = new TopicCounts(new ManualClock());
    for (let n = 0; n < 100_000; n++) {
      counts.published([entryOf(n, { topic: `user.${n}` })]);
      if (n % 100 === 0) counts.published([entryOf(n, { topic: 'busy' })]);
    }
    const rates = ratesOf(counts);
    expect(Object.keys(rates).length).toBeLessThanOrEqual(COUNTED_TOPICS_MAX);
    expect(rates.busy).toBeGreaterThan(500);
  });
});

describe('recorded deliveries', () => {
  const BYTES = 16 * 1024;
  const read = (subscriber?: string, kind: ReadKind = 'stream'): ObservedRead => ({
    ...{ kind, startedAt: 0 },
    request: { topics: ['t'], limit: 1, ...(subscriber !== undefined && { subscriber }) },
  });
  const erasureOf = (...topics: string[]): LogEntry => ({
    ...entryOf(1_000, { topic: ERASURES }),
    json: JSON.stringify({ data: { topics } }),
  });
  const pageOf = (...entries: LogEntry[]): LogPage => ({ epoch: EPOCH, entries, position: 1, more: false });

  function bench(bytesMax = BYTES) {
    const clock = new ManualClock();
    const recorder = new DeliveryRecorder(clock, bytesMax);
    clock.spend(1);
    const now = () => new Date(clock.now()).toISOString();
    const of = (entry: LogEntry, subscriber?: string) => recorder.deliveriesOf({ entry, epoch: EPOCH }, subscriber);
    return { clock, recorder, now, of };
  }

  test('have the time, the transport and the subscriber', () => {
    const { recorder, now, of } = bench();
    const entry = entryOf(1, { time: now() });
    const page = pageOf(entry);
    recorder.delivered(page, read('ann'));
    recorder.delivered(page, read(undefined, 'poll'));
    recorder.delivered(pageOf(entryOf(2)), read('bob'));
    expect(of(entry)).toEqual({
      recorded: 'complete',
      counts: { poll: 1, stream: 1, history: 0 },
      list: [
        { time: now(), transport: 'stream', subscriber: 'ann' },
        { time: now(), transport: 'poll' },
      ],
    });
    expect(of(entry, 'ann').list).toHaveLength(1);
    expect(of(entry, 'bob').list).toEqual([]);
  });

  test('are unknown for a notification that is older than the recording', async () => {
    const { clock, now, of } = bench();
    const time = now();
    const later = new DeliveryRecorder(clock, BYTES);
    await clock.advance(1);
    expect(later.deliveriesOf({ entry: entryOf(1, { time }), epoch: EPOCH }, undefined).recorded).toBe('unknown');
    expect(of(entryOf(1, { time })).recorded).toBe('complete');
  });

  test('belong to one log', () => {
    const { recorder, now } = bench();
    const entry = entryOf(1, { time: now() });
    recorder.delivered(pageOf(entry), read());
    const { list } = recorder.deliveriesOf({ entry, epoch: { id: 'e2', secret: '' } }, undefined);
    expect(list).toEqual([]);
  });

  test('of a page with many readers are counted, and some of them are listed', () => {
    const { recorder, now, of } = bench(2 ** 20);
    const entry = entryOf(1, { time: now() });
    const page = pageOf(entry);
    for (let n = 0; n < 10_000; n++) recorder.delivered(page, read(`user${n}`));
    const { recorded, counts, list } = of(entry);
    expect([recorded, counts.stream, list.length]).toEqual(['sampled', 10_000, STORY_DELIVERIES_MAX]);
    expect(of(entry, `user${PAGE_READERS_MAX - 1}`).list).toHaveLength(1);
    expect(of(entry, `user${PAGE_READERS_MAX}`)).toMatchObject({ recorded: 'sampled', list: [] });
  });

  test('are dropped above the limit of bytes, the oldest first', async () => {
    const { clock, recorder, now, of } = bench();
    const first = entryOf(1, { time: now() });
    recorder.delivered(pageOf(first), read('a'.repeat(200)));
    await clock.advance(1);
    const entries = Array.from({ length: 1_000 }, (_, n) => entryOf(n + 2, { time: now() }));
    for (const entry of entries) recorder.delivered(pageOf(entry), read());
    expect(of(first).recorded).toBe('unknown');
    expect(of(entries.at(-1)!).list).toHaveLength(1);
    const kept = entries.filter((entry) => of(entry).list.length > 0).length;
    expect(kept).toBeGreaterThan(BYTES / 500);
    expect(kept).toBeLessThan(BYTES / 300);
  });

  test('are not complete for a notification of the millisecond of a dropped delivery', () => {
    const { recorder, now, of } = bench();
    const first = entryOf(1, { time: now() });
    recorder.delivered(pageOf(first), read());
    for (let n = 2; n < 100; n++) recorder.delivered(pageOf(entryOf(n, { time: now() })), read());
    expect(of(first)).toMatchObject({ recorded: 'unknown', list: [] });
  });

  test('are not complete for a notification of the turn of a dropped delivery', async () => {
    const { clock, recorder, now, of } = bench();
    recorder.delivered(pageOf(entryOf(1, { time: now() })), read());
    clock.spend(5);
    const second = entryOf(2, { time: now() });
    recorder.delivered(pageOf(second), read());
    await clock.advance(10);
    for (let n = 3; of(second).list.length > 0; n++) recorder.delivered(pageOf(entryOf(n, { time: now() })), read());
    expect(of(second)).toMatchObject({ recorded: 'unknown', list: [] });
  });

  test('are dropped when a topic of their page is erased', () => {
    const { recorder, now, of } = bench();
    const [erased, other] = [entryOf(1, { time: now() }), entryOf(2, { topic: 'other', time: now() })];
    recorder.delivered(pageOf(erased), read('ann'));
    recorder.delivered(pageOf(other), read('ann'));
    recorder.published([erasureOf('t', 'u')]);
    expect(of(erased)).toMatchObject({ recorded: 'unknown', list: [] });
    expect(of(other)).toMatchObject({ recorded: 'sampled', list: [{ subscriber: 'ann' }] });
    recorder.delivered(pageOf(erased), read('bob'));
    expect(of(erased).list).toMatchObject([{ subscriber: 'bob' }]);
  });

  test('lose the name of an erased subscriber, and keep their number', () => {
    const { recorder, now, of } = bench();
    const entry = entryOf(1, { time: now() });
    const page = pageOf(entry);
    for (const name of ['ann', 'bob']) recorder.delivered(page, read(name));
    recorder.forgetSubscriber('ann');
    expect(of(entry)).toMatchObject({ recorded: 'sampled', counts: { stream: 2 }, list: [{ subscriber: 'bob' }] });
    expect(of(entry, 'ann').list).toEqual([]);
  });
});

test('a series keeps the newest intervals, and has a list for each rate', () => {
  const series = new Series(0);
  expect(series.now.published).toBe(0);
  expect(series.all.published).toEqual([]);
  for (let n = 1; n <= INTERVALS_MAX + 5; n++) series.add({ ...series.now, published: n }, n * 1000);
  const { published, deliveryP50Ms, endsAt } = series.all;
  expect([published.length, deliveryP50Ms.length]).toEqual([INTERVALS_MAX, INTERVALS_MAX]);
  expect([published[0], published.at(-1), series.now.published]).toEqual([6, 65, 65]);
  expect(endsAt).toBe('1970-01-01T00:01:05.000Z');
});
