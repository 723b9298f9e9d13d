import { describe, expect, test } from '@jest/globals';
import { MemoryLog } from '../../src/core/memory-log.js';
import { type LogEntry, logEntry } from '../../src/core/notification.js';
import { includesTopic } from '../../src/core/patterns.js';
import type { HistoryQuery, ReadQuery } from '../../src/core/store.js';
import { inDepth } from '../support/depth.js';
import { draft } from '../support/drafts.js';
import { Random } from '../support/random.js';

const WHOLE = { after: 0, limit: 1000, bytesMax: 2 ** 30 };
const TOPICS = ['a', 'b', 'c', 'd'];
/** Positions of a random log. A step compares whole logs, so the cost grows with the square. */
const POSITIONS = inDepth(800, 3_000);

function logOf(topics: readonly string[], floor = 0): MemoryLog {
  const log = new MemoryLog(floor);
  topics.forEach((topic, index) => log.add(logEntry(floor + index + 1, draft(`n${index}`, { topic }))));
  return log;
}

describe('an empty log', () => {
  test.each([0, 42])('continues after %i', (floor) => {
    const log = new MemoryLog(floor);
    expect([log.floor, log.head, log.count, log.bytes, log.topicCount]).toEqual([floor, floor, 0, 0, 0]);
    expect(log.read({ ...WHOLE, topics: ['a'] })).toEqual({ entries: [], more: false });
    expect(log.firstAfter(['a'], 0)).toBeUndefined();
    expect(log.all(0)).toEqual([]);
    log.dropOldest();
    expect([log.floor, log.count]).toEqual([floor, 0]);
  });
});

describe('head and floor', () => {
  test('head moves over positions without entries, and never decreases', () => {
    const log = logOf(['a']);
    log.advance(9);
    expect(log.head).toBe(9);
    log.advance(3);
    expect(log.head).toBe(9);
    log.add(logEntry(20, draft('later')));
    expect(log.head).toBe(20);
  });

  test('floor moves to the last dropped position; topics without entries use no memory', () => {
    const log = logOf(['a', 'b', 'a'], 10);
    expect([log.floor, log.topicCount]).toEqual([10, 2]);
    for (const [floor, count, topicCount] of [
      [11, 2, 2],
      [12, 1, 1],
      [13, 0, 0],
    ]) {
      log.dropOldest();
      expect([log.floor, log.count, log.topicCount]).toEqual([floor, count, topicCount]);
    }
    expect([log.bytes, log.head]).toEqual([0, 13]);
  });
});

test('a topic may have any name', () => {
  const names = ['__proto__', 'constructor', 'toString'];
  const log = logOf(names);
  for (const name of names) expect(log.read({ ...WHOLE, topics: [name] }).entries).toHaveLength(1);
  expect(log.read({ ...WHOLE, topics: ['hasOwnProperty'] }).entries).toEqual([]);
});

describe('skipped entries', () => {
  const COUNT = 10_000;
  /** Counts the tested entries, and skips entries up to a position. */
  const skipper = (upTo: number) => {
    const counter = { tests: 0 };
    const isSkipped = ({ position }: LogEntry): boolean => {
      counter.tests++;
      return position <= upTo;
    };
    return { counter, isSkipped };
  };

  test('are tested once, however often a reader begins before them', () => {
    const log = logOf(Array.from({ length: COUNT }, () => 'a'));
    const { counter, isSkipped } = skipper(COUNT - 1);
    for (let after = 0; after < 1_000; after++) {
      expect(log.firstAfter(['a'], after, isSkipped)).toBe(COUNT);
      expect(log.read({ ...WHOLE, topics: ['a'], after }, isSkipped).entries).toHaveLength(1);
    }
    expect(counter.tests).toBeLessThan(COUNT + 5_000);
  });

  test('still count as entries of the log until they are dropped', () => {
    const log = logOf(Array.from({ length: 100 }, (_, at) => (at % 2 ? 'a' : 'b')));
    const { isSkipped } = skipper(100);
    expect(log.firstAfter(['a', 'b'], 0, isSkipped)).toBeUndefined();
    expect([log.count, log.all(0).length]).toEqual([100, 100]);
    log.add(logEntry(101, draft('live', { topic: 'a' })));
    for (let position = 1; position <= 100; position++) expect(log.dropOldest()?.position).toBe(position);
    expect([log.count, log.topicCount, log.floor]).toEqual([1, 1, 100]);
    expect(log.read({ ...WHOLE, topics: ['a', 'b'] }, isSkipped).entries.map(({ id }) => id)).toEqual(['live']);
  });

  test.each([1, 2, 3])('reads equal a filter of the entries that are not skipped (seed %i)', (seed) => {
    const random = new Random(seed);
    const log = new MemoryLog();
    const skipped = new Set<number>();
    const isSkipped = ({ position }: LogEntry): boolean => skipped.has(position);
    let kept: LogEntry[] = [];
    for (let position = 1; position <= POSITIONS; position++) {
      const entry = logEntry(position, draft(`n${position}`, { topic: TOPICS[random.below(TOPICS.length)]! }));
      log.add(entry);
      kept.push(entry);
      if (random.below(4) === 0) kept = kept.filter((one) => one !== log.dropOldest());
      if (random.below(10) === 0) {
        const from = random.below(position);
        for (let at = from; at < from + random.below(60); at++) skipped.add(at);
      }
      const topics = TOPICS.filter(() => random.below(2) > 0);
      const bounds = { topics, limit: 1 + random.below(20), bytesMax: random.below(3000) };
      const live = kept.filter((one) => !isSkipped(one));
      const after = { ...bounds, after: random.below(position) };
      const before = { ...bounds, before: random.below(position) };
      expect(log.read(after, isSkipped)).toEqual(filtered(live, after));
      expect(log.read(before, isSkipped)).toEqual(filtered(live, before));
      expect(log.firstAfter(topics, after.after, isSkipped)).toBe(
        filtered(live, { ...WHOLE, topics, after: after.after }).entries[0]?.position,
      );
      expect(log.count).toBe(kept.length);
    }
  });
});

describe('removed entries', () => {
  const PATTERNS = ['p.*', '*'];
  const NAMES = ['a', 'p.1', 'p.2', 'p.3'];

  test.each([1, 2, 3, 4])('reads equal a filter of the remaining entries (seed %i)', (seed) => {
    const random = new Random(seed);
    const log = new MemoryLog(0, PATTERNS);
    const skipped = new Set<number>();
    const isSkipped = ({ position }: LogEntry): boolean => skipped.has(position);
    let kept: LogEntry[] = [];
    for (let position = 1; position <= POSITIONS; position++) {
      const entry = logEntry(position, draft(`n${position}`, { topic: random.pick(NAMES) }));
      log.add(entry);
      kept.push(entry);
      if (random.below(4) === 0) kept = kept.filter((one) => one !== log.dropOldest());
      if (random.below(12) === 0) {
        const from = random.below(position);
        for (let at = from; at < from + random.below(60); at++) skipped.add(at);
      }
      if (random.below(25) === 0) {
        const topic = random.pick(NAMES);
        const upTo = random.below(position + 2);
        const limit = random.below(3) ? Infinity : random.below(5);
        const removed = log.remove({ topic, upTo }, limit);
        const due = kept.filter((one) => one.topic === topic && one.position <= upTo);
        expect(removed).toHaveLength(Math.min(limit, due.length));
        expect(due).toEqual(expect.arrayContaining([...removed]));
        kept = kept.filter((one) => !removed.includes(one));
      }
      const topics = random.pick([['p.*', 'a'], ['*'], ['p.1', 'p.3'], ['a'], ['p.*']]);
      const bounds = { topics, limit: 1 + random.below(20), bytesMax: random.below(3000) };
      const live = kept.filter((one) => !isSkipped(one));
      const after = { ...bounds, after: random.below(position) };
      const before = { ...bounds, before: random.below(position) };
      expect(log.read(after, isSkipped)).toEqual(filtered(live, after));
      expect(log.read(before, isSkipped)).toEqual(filtered(live, before));
      expect(log.firstAfter(topics, after.after, isSkipped)).toBe(
        filtered(live, { ...WHOLE, topics, after: after.after }).entries[0]?.position,
      );
      expect(log.all(after.after)).toEqual(kept.filter((one) => one.position > after.after));
      expect([log.count, log.bytes]).toEqual([kept.length, kept.reduce((sum, { bytes }) => sum + bytes, 0)]);
      expect(log.topicCount).toBeLessThanOrEqual(NAMES.length);
    }
    for (const topic of NAMES) log.remove({ topic, upTo: Infinity });
    expect([log.count, log.bytes, log.topicCount, log.read({ ...WHOLE, topics: PATTERNS }).entries]).toEqual([
      ...[0, 0, 0],
      [],
    ]);
  });

  test('are found once, if they were skipped before', () => {
    const log = logOf(Array.from({ length: 20 }, () => 'a'));
    log.firstAfter(['a'], 0, ({ position }) => position <= 10);
    expect(log.remove({ topic: 'a', upTo: 15 }).map(({ position }) => position)).toEqual(
      Array.from({ length: 15 }, (_, at) => at + 1),
    );
    expect(log.remove({ topic: 'a', upTo: 15 })).toEqual([]);
    expect([log.count, log.topicCount]).toEqual([5, 1]);
  });

  test('are not found if they were skipped and then dropped', () => {
    const log = logOf(Array.from({ length: 20 }, () => 'a'));
    log.firstAfter(['a'], 0, ({ position }) => position <= 10);
    expect(log.dropOldest()?.position).toBe(1);
    expect(log.remove({ topic: 'a', upTo: 15 }).map(({ position }) => position)).toEqual(
      Array.from({ length: 14 }, (_, at) => at + 2),
    );
  });

  test('of 20,000 topics take as long in any log', () => {
    const topics = Array.from({ length: 20_000 }, (_, at) => `p.${at}`);
    const log = new MemoryLog(0, ['p.*']);
    for (let round = 0; round < 5; round++) {
      for (const topic of topics) log.add(logEntry(log.head + 1, draft('n', { topic })));
    }
    const startMs = performance.now();
    for (const topic of topics) expect(log.remove({ topic, upTo: Infinity }, 9).length).toBe(5);
    // It takes less than a second. If each call visits the whole log, it takes minutes.
    expect(performance.now() - startMs).toBeLessThan(20_000);
    expect(log.count).toBe(0);
  });
});

/** The result of a filter of the whole log. */
function filtered(entries: readonly LogEntry[], query: ReadQuery | HistoryQuery) {
  const { topics, after = 0, before = Infinity } = query;
  const all = entries.filter(
    (one) => topics.some((name) => includesTopic(name, one.topic)) && one.position > after && one.position < before,
  );
  if (query.before !== undefined) all.reverse();
  let bytes = 0;
  const cut = all.findIndex((entry, index) => {
    bytes += entry.bytes;
    return index >= query.limit || (index > 0 && bytes > query.bytesMax);
  });
  return cut < 0 ? { entries: all, more: false } : { entries: all.slice(0, cut), more: true };
}

test.each([1, 2, 3, 4, 5])('reads equal a filtered copy of the log (seed %i)', (seed) => {
  const random = new Random(seed);
  const log = new MemoryLog();
  const kept: LogEntry[] = [];
  let position = 0;
  for (let step = 0; step < 250; step++) {
    if (random.below(3) > 0) {
      position += 1 + random.below(3);
      const data = 'x'.repeat(random.below(50));
      const entry = logEntry(position, draft(`n${step}`, { topic: TOPICS[random.below(TOPICS.length)]!, data }));
      log.add(entry);
      kept.push(entry);
    } else if (random.below(2) > 0) {
      log.dropOldest();
      kept.shift();
    }
    const topics = TOPICS.filter(() => random.below(2) > 0).concat(random.below(4) > 0 ? [] : 'unknown');
    const query = {
      topics,
      after: random.below(position + 3),
      limit: 1 + random.below(20),
      bytesMax: random.below(3000),
    };
    expect(log.read(query)).toEqual(filtered(kept, query));
    expect(log.firstAfter(topics, query.after)).toBe(filtered(kept, { ...WHOLE, ...query }).entries[0]?.position);
    expect(log.all(query.after)).toEqual(kept.filter((entry) => entry.position > query.after));
    expect([log.count, log.bytes]).toEqual([kept.length, kept.reduce((sum, { bytes }) => sum + bytes, 0)]);
  }
});

describe('patterns', () => {
  const add = (log: MemoryLog, ...topics: readonly string[]): void => {
    for (const topic of topics) log.add(logEntry(log.head + 1, draft(`n${log.head}`, { topic })));
  };
  const positions = (log: MemoryLog, ...topics: readonly string[]) =>
    log.read({ ...WHOLE, topics }).entries.map(({ position }) => position);

  test('a log is indexed by its patterns, also after its oldest entries are dropped', () => {
    const log = new MemoryLog(0, ['a.*', '*']);
    add(log, 'a.1', 'b', 'a.2');
    expect([positions(log, 'a.*'), positions(log, '*'), positions(log, 'c.*')]).toEqual([[1, 3], [1, 2, 3], []]);
    log.dropOldest();
    expect([positions(log, 'a.*'), positions(log, '*')]).toEqual([[3], [2, 3]]);
    log.dropOldest();
    log.dropOldest();
    expect([positions(log, 'a.*'), positions(log, '*'), log.topicCount]).toEqual([[], [], 0]);
  });

  test('an entry that is older than the declaration is not in the index, and dropping it keeps the index', () => {
    const log = logOf(['a.1', 'a.2']);
    log.indexPatterns(['a.*']);
    add(log, 'a.3');
    expect([positions(log, 'a.*'), log.completeAfter(['a.*']), log.completeAfter(['a.1'])]).toEqual([[3], 2, 0]);
    log.dropOldest();
    log.dropOldest();
    expect(positions(log, 'a.*')).toEqual([3]);
    log.dropOldest();
    expect([positions(log, 'a.*'), log.completeAfter(['a.*'])]).toEqual([[], 3]);
  });
});
