/*
 * Does reading a pattern cost more if it matches more topics?
 *
 * Half of the notifications are of topics that the pattern matches. The log has 100 such topics at
 * first, and then 100,000. Pages of ten notifications are read at random positions in both
 * directions. Pages of one plain topic are read for comparison. Appends are timed with the pattern
 * and, on a fresh log, without it.
 */
import { abilitiesOf } from '../src/core/abilities.js';
import { systemClock } from '../src/core/clock.js';
import type { Store } from '../src/core/store.js';
import { median } from './median.js';
import { openSubject } from './subjects.js';

const PATTERN = 'p.*';
const TOPICS = [100, 100_000];
const ENTRIES = 100_000;
const BATCH = 1_000;
const READS = 200;
const BOUNDS = { limit: 10, bytesMax: 1 << 20 };

interface Filled {
  readonly positions: readonly number[];
  readonly appendMs: number;
}

/** Appends notifications. Every second one is of a topic that the pattern matches. */
async function fill(store: Store, topics: number, prefix: string): Promise<Filled> {
  const positions: number[] = [];
  const tookMs: number[] = [];
  for (let at = 0; at < 2 * ENTRIES; at += BATCH) {
    const drafts = Array.from({ length: BATCH }, (_, index) => {
      const n = at + index;
      const topic = n % 2 === 0 ? `p.${prefix}${(n >> 1) % topics}` : `o.${n % 10_000}`;
      const id = `${prefix}${n}`;
      return { id, topic, json: JSON.stringify({ id, topic, type: 'bench', time: '', data: 'x'.repeat(100) }) };
    });
    const startMs = performance.now();
    const { appended } = await store.append(drafts);
    tookMs.push(performance.now() - startMs);
    positions.push(...appended.map(({ position }) => position));
  }
  return { positions, appendMs: medianMs(tookMs) };
}

async function readMs(store: Store, topic: string, { positions }: Filled) {
  const tookMs = { forward: [] as number[], backward: [] as number[] };
  for (let read = 0; read < READS; read++) {
    const position = positions[(read * 7919 + 1_000) % (positions.length >> 1)]!;
    for (const [direction, query] of [
      ['forward', { ...BOUNDS, topics: [topic], after: position }],
      ['backward', { ...BOUNDS, topics: [topic], before: position }],
    ] as const) {
      const startMs = performance.now();
      await store.read(query);
      tookMs[direction].push(performance.now() - startMs);
    }
  }
  return { forwardMs: medianMs(tookMs.forward), backwardMs: medianMs(tookMs.backward) };
}

/** The medians of a store with few topics under the pattern, and with many. */
export async function patternPages(name: string): Promise<Record<string, unknown>> {
  const open = async (patterns: readonly string[]) => {
    const subject = await openSubject(name);
    const store = await subject.factory({
      clock: systemClock,
      logger: { warn: () => undefined, error: console.error },
    });
    await abilitiesOf(store).indexPatterns?.(patterns);
    return { store, stop: () => store.close().then(() => subject.stop()) };
  };
  const report: Record<string, unknown> = {};
  for (const topics of TOPICS) {
    const { store, stop } = await open([PATTERN]);
    const filled = await fill(store, topics, 'a');
    report[`${topics} topics`] = {
      pattern: await readMs(store, PATTERN, filled),
      plainTopic: await readMs(store, 'o.1', filled),
      append1000Ms: filled.appendMs,
    };
    await stop();
  }
  const { store, stop } = await open([]);
  report.append1000MsWithoutPattern = (await fill(store, TOPICS.at(-1)!, 'a')).appendMs;
  await stop();
  return report;
}

function medianMs(tookMs: readonly number[]): number {
  return Number(median(tookMs).toFixed(3));
}
