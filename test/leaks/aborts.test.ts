import { afterEach, expect, test } from '@jest/globals';
import { Random } from '../support/random.js';
import { Aborts, PHASES, prepare } from './aborts.js';
import { slopeOf } from './linear-fit.js';
import { ADAPTERS, WatchedNode } from './watched-node.js';
import { inDepth } from '../support/depth.js';

/** On each adapter. More with ABORT_CYCLES. */
const CYCLES = Number(process.env.ABORT_CYCLES ?? 400);
const AT_ONCE = 40;
const SAMPLES = Math.min(30, Math.max(6, Math.round(CYCLES / 500)));
/** Until everything has been compiled, and every buffer has the size that it needs. */
const WARM_UP = 250;
/**
 * The allowed growth of the heap. It is never quite still, and code is still compiled. Per cycle it
 * is less than the smallest object that could be left behind.
 */
const GROWTH_BYTES_MAX = 0.75 * 2 ** 20 + 24 * CYCLES;

let node: WatchedNode;

afterEach(() => node.stop());

/** The lane runs on Express. */
const NODES = inDepth<readonly (typeof ADAPTERS)[number][]>(['fastify', 'lane'], ADAPTERS);

test.each(NODES)(
  `${CYCLES} clients that disconnect in any phase leave no memory (%s)`,
  async (adapter) => {
    node = await WatchedNode.start(adapter);
    await prepare(node);
    const aborts = new Aborts(node.port, new Random(1));
    await aborts.run(WARM_UP, AT_ONCE);
    await node.idle();
    const before = await node.state();
    const heap: [cycles: number, bytes: number][] = [];
    for (let sample = 1; sample <= SAMPLES; sample++) {
      const running = aborts.run(Math.ceil(CYCLES / SAMPLES), AT_ONCE);
      await node.publish('busy');
      await running;
      await node.idle();
      heap.push([sample / SAMPLES, (await node.state()).heapBytes]);
    }
    const after = await node.state();
    const growthBytes = Math.round(slopeOf(heap));
    const heapMiB = heap.map(([, bytes]) => Number((bytes / 2 ** 20).toFixed(2)));
    process.stdout.write(
      `${JSON.stringify({ proof: 'aborts', adapter, cycles: CYCLES, growthBytes, heapMiB, phases: aborts.done })}\n`,
    );
    expect(after).toMatchObject({ sockets: 0, timers: before.timers, listeners: before.listeners });
    expect(growthBytes).toBeLessThan(GROWTH_BYTES_MAX);
    for (const phase of PHASES) expect(aborts.done[phase]).toBeGreaterThan(CYCLES / 10);
  },
  120_000 + CYCLES * 60,
);
