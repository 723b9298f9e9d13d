import { expect, test } from '@jest/globals';
import { inDepth } from '../support/depth.js';
import { Counters } from './counters.js';
import { shortened, simulate } from './simulate.js';

/** The number of seeds: SIMULATION_SEEDS=100000 npm test -- simulation */
const SEEDS = Number(process.env.SIMULATION_SEEDS ?? inDepth(600, 10_000));
/** The first seed. SIMULATION_FROM=123 SIMULATION_SEEDS=1 runs one. */
const FROM = Number(process.env.SIMULATION_FROM ?? 1);
/** This number of seeds reaches every situation. */
const SEEDS_FOR_ALL = 600;
/** Seeds in one test. */
const CHUNK = 300;
const CHUNK_MS_MAX = 120_000;

const counters = new Counters();
let hasFailed = false;

const firsts = Array.from({ length: Math.ceil(SEEDS / CHUNK) }, (_, at) => FROM + at * CHUNK);

test.each(firsts)(
  'no fault loses a notification silently (seeds from %i)',
  async (first) => {
    for (let seed = first; seed < Math.min(first + CHUNK, FROM + SEEDS); seed++) {
      // One failing seed is enough.
      if (hasFailed) return;
      const outcome = await simulate(seed);
      hasFailed = outcome.problems.length > 0;
      if (hasFailed) throw new Error(await shortened(seed));
      for (const name of Object.keys(counters) as (keyof Counters)[]) counters[name] += outcome.counters[name];
    }
  },
  CHUNK_MS_MAX,
);

test('a seed gives the same run again', async () => {
  const [once, again] = [await simulate(FROM, true), await simulate(FROM, true)];
  expect(again).toEqual(once);
});

(SEEDS < SEEDS_FOR_ALL ? test.skip : test)('every rare situation was reached', () => {
  process.stdout.write(`${JSON.stringify(counters)}\n`);
  const missing = Object.entries(counters).filter(([, count]) => count === 0);
  expect(missing).toEqual([]);
});
