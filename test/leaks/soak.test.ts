import { afterEach, expect, test } from '@jest/globals';
import { inDepth } from '../support/depth.js';
import { problemsOf } from '../support/history/checker.js';
import { PublishRecord } from '../support/history/record.js';
import { endTest } from '../support/http/cleanup.js';
import { Random } from '../support/random.js';
import { RoamingClient } from '../support/http/roaming-client.js';
import { Aborts, prepare } from './aborts.js';
import { slopeOf } from './linear-fit.js';
import { ADAPTERS, WatchedNode } from './watched-node.js';
import { pause } from '../support/time/pause.js';

/** More with SOAK_SECONDS. */
const SECONDS = Number(process.env.SOAK_SECONDS ?? 6);
const SAMPLES = Math.min(20, Math.max(6, Math.round(SECONDS / 5)));
/**
 * Of the samples, those left out: until everything has been compiled and the log is as long as it
 * gets.
 */
const WARM_UP = 0.25;
/**
 * The allowed growth of the heap in the whole soak, of any length. The number of held requests
 * varies.
 */
const GROWTH_BYTES_MAX = 3 * 2 ** 20;
const INTERESTS = [['soak.a'], ['soak.b'], ['soak.a', 'soak.b'], ['soak.a', 'quiet']];
const PUBLISH_EVERY_MS = 50;
const ABORT_EVERY_MS = 15;
const PREPARE_EVERY_MS = 20_000;

/** Clients of one node that poll, stream, leave and reconnect. */
class Load {
  readonly clients: readonly RoamingClient[];
  readonly aborts: Aborts;
  readonly #node: WatchedNode;
  readonly #published = new PublishRecord();
  readonly #running: Promise<void>[] = [];
  readonly #following: Promise<void>[] = [];
  #isStopping = false;
  #isOver = false;

  constructor(node: WatchedNode, random: Random) {
    this.#node = node;
    this.clients = INTERESTS.map((topics) => this.#client(topics, random));
    this.aborts = new Aborts(node.port, random);
  }

  start(): this {
    this.#following.push(...this.clients.map((client) => client.run()));
    this.#running.push(
      this.#repeat(PUBLISH_EVERY_MS, (serial) => this.#publish(serial)),
      this.#repeat(ABORT_EVERY_MS, () => this.aborts.cycle()),
      // Again, before retention has removed it.
      this.#repeat(PREPARE_EVERY_MS, () => prepare(this.#node)),
    );
    return this;
  }

  /** Ends the load when each client has received everything. */
  async finish(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#running);
    this.#isOver = true;
    await Promise.all(this.#following);
  }

  /**
   * The problems of the clients' histories. The computation blocks the event loop for a while.
   */
  problems(): string[] {
    const { publishes } = this.#published;
    const clients = this.clients.map(({ record }) => record);
    return problemsOf({ publishes, clients }).map(({ kind, what }) => `${kind}: ${what}`);
  }

  get published(): number {
    return this.#published.publishes.length;
  }

  #client(topics: readonly string[], random: Random): RoamingClient {
    const [name, over] = [topics.join(), () => this.#isOver];
    return new RoamingClient(this.#node, {
      name,
      topics,
      cursor: 'earliest',
      random,
      transports: ['poll', 'sse'],
      over,
    });
  }

  async #publish(serial: number): Promise<void> {
    const topic = serial % 2 ? 'soak.a' : 'soak.b';
    const acknowledge = this.#published.called(`n${serial}`, topic);
    await this.#node.publish(topic, 200, `n${serial}`);
    acknowledge();
  }

  async #repeat(everyMs: number, task: (serial: number) => Promise<void>): Promise<void> {
    for (let serial = 0; !this.#isStopping; serial++) {
      await task(serial);
      await pause(everyMs);
    }
  }
}

/** The lane runs on Express. */
const NODES = inDepth<readonly (typeof ADAPTERS)[number][]>(['fastify', 'lane'], ADAPTERS);
const nodes: WatchedNode[] = [];
afterEach(async () => {
  await endTest();
  await Promise.all(nodes.map((node) => node.stop()));
});

test(
  `after ${SECONDS} seconds of mixed load, the heap has not grown and no resource remains`,
  async () => {
    for (const adapter of NODES) nodes.push(await WatchedNode.start(adapter));
    const before = await Promise.all(nodes.map((node) => node.state()));
    const loads = nodes.map((node, index) => new Load(node, new Random(index)).start());
    const samples: number[][] = [];
    for (let sample = 0; sample < SAMPLES; sample++) {
      await pause((SECONDS * 1_000) / SAMPLES);
      samples.push(await Promise.all(nodes.map((node) => node.heap())));
    }
    await Promise.all(loads.map((load) => load.finish()));
    for (const [index, load] of loads.entries()) {
      const node = nodes[index]!;
      await node.idle();
      const { sockets, timers, listeners } = await node.state();
      expect({ sockets, timers, listeners }).toEqual({
        sockets: 0,
        timers: before[index]!.timers,
        listeners: before[index]!.listeners,
      });
      const heap = samples.map((bytes, at) => [at / SAMPLES, bytes[index]!] as const);
      const growthBytes = Math.round(slopeOf(heap.slice(Math.floor(SAMPLES * WARM_UP))));
      const aborted = Object.values(load.aborts.done).reduce((sum, count) => sum + count, 0);
      const answered = load.clients.reduce((sum, { record }) => sum + record.events.length, 0);
      const heapMiB = heap.map(([, bytes]) => Number((bytes / 2 ** 20).toFixed(2)));
      const { published } = load;
      const result = { adapter: NODES[index], seconds: SECONDS, published, answered, aborted, growthBytes, heapMiB };
      process.stdout.write(`${JSON.stringify({ proof: 'soak', ...result })}\n`);
      expect(load.problems()).toEqual([]);
      expect(growthBytes).toBeLessThan(GROWTH_BYTES_MAX);
      expect(Math.min(aborted, answered, published)).toBeGreaterThan(SECONDS);
    }
  },
  120_000 + SECONDS * 1_500,
);
