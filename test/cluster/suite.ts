import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { inDepth } from '../support/depth.js';
import { Random } from '../support/random.js';
import { until } from '../support/time/until.js';
import { readAll } from './clients.js';
import { Cluster } from './cluster.js';
import { Traffic } from './traffic.js';
import type { EngineKind, SharedEngine } from '../support/engines/shared.js';

const NODES = 3;
const CRASHES = inDepth(2, 20);

/** The tests that every shared store must pass. */
export function clusterSuite({ name, missing, start }: EngineKind): void {
  (missing() ? describe.skip : describe)(`three nodes on ${name}`, () => {
    let engine: SharedEngine;
    let cluster: Cluster;

    beforeAll(async () => {
      engine = await start();
      cluster = await Cluster.start(NODES, () => ({ STORE: engine.store() }));
    }, 60_000);

    afterAll(async () => {
      const codes = await cluster.stop();
      await engine.stop();
      expect(codes).toEqual([0, 0, 0]);
    }, 60_000);

    test(`lose and double no notification over ${CRASHES} crashes of nodes and engine under load`, async () => {
      const traffic = new Traffic(cluster, new Random(7)).start();
      for (let crash = 0; crash < CRASHES; crash++) {
        if (engine.crash && crash % 2) await engine.crash();
        else await cluster.crash(crash % NODES);
        await traffic.progress();
      }
      expect(await traffic.finish(cluster.next())).toEqual({ problems: [], surprises: [] });
      expect(traffic.acknowledged).toBeGreaterThan(3 * CRASHES);
    }, 180_000);

    test('append once what two nodes receive at the same time', async () => {
      const post = (node: number, topic: string, id: string) =>
        fetch(cluster.feed(node), {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ topic, type: 'same', data: 'same', id }),
        });
      const publish = async (node: number, id: string) =>
        (await (await post(node, 'twice', id)).json()) as { duplicate: boolean };
      // The engine crashed last in the test before. Each node reconnects after a pause of its own.
      for (const node of [0, 1]) await until(async () => (await post(node, 'connected', `node-${node}`)).ok);
      for (let i = 0; i < 50; i++) {
        const results = await Promise.all([publish(0, `same-${i}`), publish(1, `same-${i}`)]);
        expect(results.map(({ duplicate }) => duplicate).toSorted()).toEqual([false, true]);
      }
      expect(await readAll(cluster.feed(2), ['twice'])).toHaveLength(50);
    });

    test('reject publishes while the engine hangs, keep held polls, and recover by themselves', async () => {
      if (!engine.hang || !engine.goOn) return;
      const publish = () =>
        fetch(cluster.feed(0), {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ topic: 'hang', type: 'x', data: null }),
        });
      const held = fetch(`${cluster.feed(1)}?topic=hang&wait=55`);
      expect((await publish()).status).toBe(201);
      expect((await held).status).toBe(200);
      const { cursor } = (await (await fetch(`${cluster.feed(1)}?topic=hang&wait=0`)).json()) as { cursor: string };

      engine.hang();
      const survivor = fetch(`${cluster.feed(1)}?topic=hang&wait=55&cursor=${cursor}`);
      const refusal = await publish();
      expect(refusal.status).toBe(503);
      expect(Number(refusal.headers.get('retry-after'))).toBeGreaterThan(0);
      engine.goOn();

      await until(async () => (await publish()).status === 201);
      expect((await survivor).status).toBe(200);
    }, 60_000);
  });
}
