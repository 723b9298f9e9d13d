/*
 * Does publishing to one topic cost more when others are connected?
 *
 * Publishes to a topic without followers, in two feeds on memory stores: one with no waiter, one
 * with polls held on 10,000 other topics. The two cases take turns, so other load affects both. The
 * result is the ratio of their medians.
 *
 *   npm run build && node bench/publish-isolation.mjs      prints one JSON object
 */
import { Feed } from '../dist/core/feed.js';
import { systemClock } from '../dist/core/clock.js';
import { memoryStore } from '../dist/index.js';

const WAITERS = 10_000;
const PUBLISHES = 20_000;
const ROUNDS = 15;
const LIMITS = { waitersMax: WAITERS, pageBytesMax: 1 << 20, windowCount: 10_000, windowBytes: 1 << 24 };

async function openNode(waiters) {
  const store = await memoryStore()({ clock: systemClock, logger: console });
  const feed = await Feed.open({ store, clock: systemClock, limits: LIMITS });
  for (let i = 0; i < waiters; i++) {
    feed.poll({ topics: [`other.${i}`], after: 'latest', limit: 100, waitMs: 3_600_000 }).subscribe();
  }
  return { store, feed };
}

let serial = 0;
async function publishMany({ store }) {
  const start = process.cpuUsage();
  for (let i = 0; i < PUBLISHES; i++) {
    const id = `n${serial++}`;
    await store.append([{ id, topic: 'busy', json: `{"id":"${id}","data":"${'x'.repeat(200)}"}` }]);
  }
  const { user, system } = process.cpuUsage(start);
  return (user + system) / PUBLISHES;
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

const nodes = { alone: await openNode(0), crowded: await openNode(WAITERS) };
const costs = { alone: [], crowded: [] };
for (const node of Object.values(nodes)) await publishMany(node);
for (let round = 0; round < ROUNDS; round++) {
  for (const name of round % 2 ? ['alone', 'crowded'] : ['crowded', 'alone'])
    costs[name].push(await publishMany(nodes[name]));
}

const aloneUs = median(costs.alone);
const crowdedUs = median(costs.crowded);
console.log(
  JSON.stringify({
    waiters: WAITERS,
    publishesPerRound: PUBLISHES,
    rounds: ROUNDS,
    cpuUsPerPublishAlone: Number(aloneUs.toFixed(2)),
    cpuUsPerPublishCrowded: Number(crowdedUs.toFixed(2)),
    ratio: Number((crowdedUs / aloneUs).toFixed(2)),
  }),
);
for (const { feed, store } of Object.values(nodes)) {
  await feed.close();
  await store.close();
}
