/*
 * Does reading a page cost more in a longer log?
 *
 * Fills a store with notifications of 10,000 topics and reads the same pages three times: when the
 * log holds 10,000, 100,000 and 1,000,000. The engine is started here with its data in a temporary
 * folder. The medians are of the same process, one after the other. Compare the ratio of the last
 * two: at 10,000 each topic has a single notification, so that a page is also the end of its
 * topic.
 *
 *   npm run bench:pages [-- STORE...]           prints one JSON object
 */
import type { Store } from '../src/core/store.js';
import { systemClock } from '../src/core/clock.js';
import { openSubject, SHARED } from './subjects.js';

const TOPICS = 10_000;
const SIZES = [10_000, 100_000, 1_000_000];
const BATCH = 1_000;
const READS = 300;

/** The newest ten of one topic, and of twenty. */
const PAGES = { oneTopic: 1, twentyTopics: 20 };

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

async function medianMs(store: Store, topicCount: number): Promise<number> {
  const tookMs: number[] = [];
  for (let read = 0; read < READS; read++) {
    const topics = Array.from({ length: topicCount }, (_, index) => `t${(read * 37 + index * 101) % TOPICS}`);
    const startMs = performance.now();
    const { entries } = await store.read({ topics, after: 0, limit: 1, bytesMax: 1 << 20 });
    tookMs.push(performance.now() - startMs);
    if (entries.length !== 1) throw new Error(`a page has ${entries.length} entries`);
  }
  return tookMs.toSorted((a, b) => a - b)[READS >> 1]!;
}

const names = process.argv.length > 2 ? process.argv.slice(2) : SHARED;
const report: Record<string, unknown> = {};
for (const name of names) {
  const subject = await openSubject(name);
  const store = await subject.factory({ clock: systemClock, logger: { warn: () => undefined, error: console.error } });
  const medians: Record<string, number[]> = { oneTopic: [], twentyTopics: [] };
  let filled = 0;
  for (const size of SIZES) {
    await fill(store, filled, size);
    filled = size;
    for (const [page, topicCount] of Object.entries(PAGES)) medians[page]!.push(await medianMs(store, topicCount));
  }
  await store.close();
  await subject.stop();
  report[name] = Object.fromEntries(
    Object.entries(medians).map(([page, [small = NaN, middle = NaN, large = NaN]]) => [
      page,
      {
        msAt10k: Number(small.toFixed(3)),
        msAt100k: Number(middle.toFixed(3)),
        msAt1M: Number(large.toFixed(3)),
        ratio: Number((large / middle).toFixed(2)),
      },
    ]),
  );
  console.error(`${name}: ${JSON.stringify(report[name])}`);
}
console.log(JSON.stringify({ node: process.version, topics: TOPICS, sizes: SIZES, stores: report }, null, 2));
