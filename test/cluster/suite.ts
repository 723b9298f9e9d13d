import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { problemsOf } from '../support/history/checker.js';
import { pause, Publisher, readAll, RoamingClient } from './clients.js';
import { Cluster } from './cluster.js';

/** An engine that several nodes share, started for a suite. */
export interface SharedEngine {
  /** Environment of `npm start` that makes a node use it. */
  readonly env: Readonly<Record<string, string>>;
  /** SIGKILL and start again; undefined where there is no process of its own. */
  readonly crash?: (() => Promise<void>) | undefined;
  readonly hang?: (() => void) | undefined;
  readonly goOn?: (() => void) | undefined;
  stop(): Promise<void>;
}

const NODES = 3;
const CRASHES = 20;
const TOPICS = ['a', 'b', 'c', 'd'];
/** What each of the clients follows. */
const INTERESTS = [['a'], ['b'], ['c', 'd'], ['a', 'b', 'c', 'd'], ['a', 'd'], ['b', 'c']];
const SETTLE_MS_MAX = 30_000;

/** What must hold of every store that nodes can share; `missing` is why the engine cannot be had. */
export function clusterSuite(name: string, startEngine: () => Promise<SharedEngine>, missing?: string): void {
  (missing ? describe.skip : describe)(`three nodes on ${name}`, () => {
    let engine: SharedEngine;
    let cluster: Cluster;

    beforeAll(async () => {
      engine = await startEngine();
      cluster = await Cluster.start(NODES, engine.env);
    }, 60_000);

    afterAll(async () => {
      const codes = await cluster.stop();
      await engine.stop();
      expect(codes).toEqual([0, 0, 0]);
    }, 60_000);

    test(`lose and double nothing over ${CRASHES} crashes of nodes and engine under load`, async () => {
      const random = seeded(7);
      const clients = INTERESTS.map((topics) => new RoamingClient(cluster, topics, random).start());
      const publishers = ['p', 'q', 'r'].map((id) => new Publisher(cluster, id, TOPICS).start());
      for (let crash = 0; crash < CRASHES; crash++) {
        if (engine.crash && crash % 2) await engine.crash();
        else await cluster.crash(crash % NODES);
        await progress(publishers, random);
      }
      await Promise.all(publishers.map((publisher) => publisher.stop()));
      const publishes = publishers.flatMap((publisher) => publisher.record.publishes);
      const log = await readAll(
        cluster.next(),
        TOPICS,
        publishes.map(({ id }) => id),
      );
      await caughtUp(clients, log);
      await Promise.all(clients.map((client) => client.stop()));

      expect(log.length).toBeGreaterThan(3 * CRASHES);
      expect(new Set(log.map(({ id }) => id)).size).toBe(log.length);
      const logs = new Map([['the log', log.map(({ id, topic }, at) => ({ id, topic, position: at + 1 }))]]);
      expect(problemsOf({ publishes, clients: clients.map(({ record }) => record), logs })).toEqual([]);
      expect([...clients, ...publishers].flatMap((party) => party.surprises)).toEqual([]);
    }, 180_000);

    test('append a notification that two nodes get at once only once', async () => {
      const publish = (node: number, id: string) =>
        fetch(cluster.feed(node), {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ topic: 'twice', type: 'same', data: node, id }),
        }).then(async (response) => (await response.json()) as { duplicate: boolean });
      for (let i = 0; i < 50; i++) {
        const results = await Promise.all([publish(0, `same-${i}`), publish(1, `same-${i}`)]);
        expect(results.map(({ duplicate }) => duplicate).toSorted()).toEqual([false, true]);
      }
      expect(await readAll(cluster.feed(2), ['twice'])).toHaveLength(50);
    });

    test('refuse while the engine hangs, keep held polls, and recover by themselves', async () => {
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

      let published = await publish();
      for (const end = Date.now() + 15_000; published.status !== 201 && Date.now() < end;) published = await publish();
      expect(published.status).toBe(201);
      expect((await survivor).status).toBe(200);
    }, 60_000);
  });
}

/** Waits until every publisher has had something acknowledged, so that a crash falls into work under way. */
async function progress(publishers: readonly Publisher[], random: () => number): Promise<void> {
  const goals = publishers.map(({ acknowledged }) => acknowledged + 1 + Math.floor(random() * 10));
  await until('every publisher gets on', () =>
    publishers.every(({ acknowledged }, index) => acknowledged >= goals[index]!),
  );
}

async function caughtUp(clients: readonly RoamingClient[], log: readonly { topic: string }[]): Promise<void> {
  await until('every client has seen the whole log', () =>
    clients.every(({ topics, count }) => count >= log.filter(({ topic }) => topics.includes(topic)).length),
  ).catch(() => undefined); // The check that follows says what is missing.
  for (const { record } of clients) record.finished = true;
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const end = performance.now() + SETTLE_MS_MAX;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`Not within ${SETTLE_MS_MAX} ms: ${what}.`);
    await pause(10);
  }
}

/** The same numbers for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
