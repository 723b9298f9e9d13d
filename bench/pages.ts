/*
 * Does reading a page cost more in a longer log? Does a page of the history cost more than one in
 * the order of the log?
 *
 * Fills a store with notifications of 10,000 topics and reads the same pages three times: when the
 * log holds 10,000, 100,000 and 1,000,000. The engine is started here with its data in a temporary
 * folder. Pages of both directions are read in turn, so that they have the same conditions. One
 * process measures all sizes, one after another. Compare the ratio of the last two sizes. At 10,000
 * each topic has a single notification, so that a page is also the end of its topic.
 *
 * `patterns` measures pages of a declared pattern instead: see `pattern-pages.ts`.
 *
 *   npm run bench:pages [-- [patterns] STORE...]   prints one JSON object
 */
import type { HistoryQuery, ReadQuery, Store } from '../src/core/store.js';
import { systemClock } from '../src/core/clock.js';
import { patternPages } from './pattern-pages.js';
import { openSubject, SHARED } from './subjects.js';

const TOPICS = 10_000;
const SIZES = [10_000, 100_000, 1_000_000];
const BATCH = 1_000;
const READS = 300;

/** Pages of ten notifications of one topic, and of twenty. */
const PAGES = { oneTopic: 1, twentyTopics: 20 };
const LIMIT = 10;

/** The oldest page, and the newest one. */
const DIRECTIONS = ['forward', 'backward'] as const;
type Direction = (typeof DIRECTIONS)[number];

async function fill(store: Store, from: number, to: number): Promise<number> {
  let head = 0;
  for (let at = from; at < to; at += BATCH) {
    const drafts = Array.from({ length: BATCH }, (_, index) => {
      const [id, topic] = [`n${at + index}`, `t${(at + index) % TOPICS}`];
      return { id, topic, json: JSON.stringify({ id, topic, type: 'bench', time: '', data: 'x'.repeat(100) }) };
    });
    const { appended } = await store.append(drafts);
    head = appended.at(-1)!.position;
  }
  return head;
}

/** The median of each direction. */
async function mediansMs(store: Store, topicCount: number, expected: number): Promise<Record<Direction, number>> {
  const tookMs: Record<Direction, number[]> = { forward: [], backward: [] };
  for (let read = 0; read < READS; read++) {
    const topics = Array.from({ length: topicCount }, (_, index) => `t${(read * 37 + index * 101) % TOPICS}`);
    for (const direction of DIRECTIONS) {
      const bounds = { topics, limit: LIMIT, bytesMax: 1 << 20 };
      const query: ReadQuery | HistoryQuery =
        direction === 'forward' ? { ...bounds, after: 0 } : { ...bounds, before: Number.MAX_SAFE_INTEGER };
      const startMs = performance.now();
      const { entries } = await store.read(query);
      tookMs[direction].push(performance.now() - startMs);
      if (entries.length !== expected) throw new Error(`a page has ${entries.length} entries, not ${expected}`);
    }
  }
  const median = (direction: Direction): number => tookMs[direction].toSorted((a, b) => a - b)[READS >> 1]!;
  return { forward: median('forward'), backward: median('backward') };
}

const areOfPatterns = process.argv[2] === 'patterns';
const given = process.argv.slice(areOfPatterns ? 3 : 2);
const names = given.length > 0 ? given : SHARED;
const report: Record<string, unknown> = {};
for (const name of names) {
  if (areOfPatterns) {
    report[name] = await patternPages(name);
    console.error(`${name}: ${JSON.stringify(report[name])}`);
    continue;
  }
  const subject = await openSubject(name);
  const store = await subject.factory({ clock: systemClock, logger: { warn: () => undefined, error: console.error } });
  const medians: Record<string, Record<Direction, number[]>> = {};
  let filled = 0;
  for (const size of SIZES) {
    await fill(store, filled, size);
    filled = size;
    for (const [page, topicCount] of Object.entries(PAGES)) {
      const found = await mediansMs(store, topicCount, Math.min(LIMIT, (topicCount * size) / TOPICS));
      medians[page] ??= { forward: [], backward: [] };
      for (const direction of DIRECTIONS) medians[page][direction].push(found[direction]);
    }
  }
  await store.close();
  await subject.stop();
  report[name] = Object.fromEntries(
    Object.entries(medians).map(([page, { forward, backward }]) => [
      page,
      { forward: figures(forward), backward: figures(backward), backwardToForward: backward.map(toForward(forward)) },
    ]),
  );
  console.error(`${name}: ${JSON.stringify(report[name])}`);
}
console.log(JSON.stringify({ node: process.version, topics: TOPICS, sizes: SIZES, stores: report }, null, 2));

function figures([small = NaN, middle = NaN, large = NaN]: readonly number[]) {
  return {
    msAt10k: Number(small.toFixed(3)),
    msAt100k: Number(middle.toFixed(3)),
    msAt1M: Number(large.toFixed(3)),
    ratio: Number((large / middle).toFixed(2)),
  };
}

/** The ratio at each size of the log. */
function toForward(forward: readonly number[]): (backward: number, at: number) => number {
  return (backward, at) => Number((backward / (forward[at] ?? NaN)).toFixed(2));
}
