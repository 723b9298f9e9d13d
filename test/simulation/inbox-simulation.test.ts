import { expect, test } from '@jest/globals';
import { inDepth } from '../support/depth.js';
import { InboxWorld } from './inbox-world.js';

/** The number of seeds: INBOX_SEEDS=1000 npm test -- inbox-simulation */
const SEEDS = Number(process.env.INBOX_SEEDS ?? inDepth(4, 300));
/** The first seed. INBOX_FROM=123 INBOX_SEEDS=1 runs one. */
const FROM = Number(process.env.INBOX_FROM ?? 1);
/** Enough operations for several snapshots. */
const STEPS = 600;

test('all nodes agree about an inbox, under races, crashes and failovers', async () => {
  const sum = { operations: 0, checks: 0, removed: 0, failovers: 0 };
  for (let seed = FROM; seed < FROM + SEEDS; seed++) {
    try {
      const outcome = await new InboxWorld(seed).run(STEPS);
      for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += outcome[name];
    } catch (error) {
      throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
    }
  }
  process.stdout.write(`${JSON.stringify(sum)}\n`);
  if (SEEDS >= 4) for (const count of Object.values(sum)) expect(count).toBeGreaterThan(0);
}, 600_000);
