import { describe, expect, test } from '@jest/globals';
import { inDepth } from '../support/depth.js';
import { Random } from '../support/random.js';
import { type EngineKind, ENGINES } from '../support/engines/shared.js';
import { FaultyCluster } from './faulty-cluster.js';
import { Traffic } from './traffic.js';

/** FAULT_SEEDS runs more seeds, FAULT_FIRST_SEED other ones. */
const SEEDS = Number(process.env.FAULT_SEEDS ?? 1);
const FIRST_SEED = Number(process.env.FAULT_FIRST_SEED ?? 1);
const DISTURBANCES = Number(process.env.FAULT_STEPS ?? inDepth(2, 4));
/** Generous: on a busy machine most of a run is the start of processes. */
const RUN_MS_MAX = 60_000 + DISTURBANCES * 60_000;

/** The other engines fail in the suites of their own. */
const FAULTY = inDepth<readonly EngineKind[]>([ENGINES.sqlite, ENGINES.redis], Object.values(ENGINES));

describe.each(FAULTY)('two nodes on $name, behind connections that fail', ({ missing, start }) => {
  const runs = missing() === undefined ? test : test.skip;

  runs.each(Array.from({ length: SEEDS }, (_, at) => FIRST_SEED + at))(
    'lose, double and reorder no notification, and answer as the protocol says (seed %i)',
    async (seed) => {
      const random = new Random(seed);
      const engine = await start();
      const cluster = await FaultyCluster.start(engine, random);
      const traffic = new Traffic(cluster, random).start();
      try {
        const done: string[] = [];
        for (let step = 0; step < DISTURBANCES; step++) {
          const disturbance = random.pick(cluster.disturbances);
          done.push(disturbance);
          await cluster.disturb(disturbance);
          await traffic.progress();
        }
        cluster.heal();
        const wrong = await traffic.finish(cluster.next());
        const { acknowledged, refused } = traffic;
        const suffered = cluster.suffered();
        process.stdout.write(`${JSON.stringify({ proof: 'faults', seed, done, suffered, acknowledged, refused })}\n`);
        expect(wrong).toEqual({ problems: [], surprises: [] });
        expect(Object.keys(suffered).length).toBeGreaterThan(0);
        expect(await cluster.stop()).toEqual([0, 0]);
      } finally {
        await traffic.stop();
        await cluster.stop();
        await engine.stop();
      }
    },
    RUN_MS_MAX,
  );
});
