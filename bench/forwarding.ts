/*
 * Do nodes on NATS append faster if they forward their appends to each other?
 *
 * Three nodes append to one stream without a pause. Each node keeps 200 calls in flight, and each
 * call has one notification with 200 bytes of data. `forwardAppends` takes turns in each round,
 * each time on a new stream. The nodes share this process. Figures are medians of the rounds.
 *
 *   npm run bench:forwarding           prints one JSON object
 */
import { loadavg } from 'node:os';
import { systemClock } from '../src/core/clock.js';
import type { Store } from '../src/core/store.js';
import { natsStore } from '../src/stores/nats/index.js';
import { NatsServer } from '../test/support/engines/nats.js';
import { median } from './median.js';

const NODES = 3;
const IN_FLIGHT = 200;
const ROUNDS = 5;
const ROUND_MS = 3_000;
const VARIANTS = [true, false];
const DATA = 'x'.repeat(200);

interface Result {
  readonly appendsPerS: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

let serial = 0;

/** The times of all calls of one node. */
async function append(store: Store): Promise<number[]> {
  const tookMs: number[] = [];
  const endMs = performance.now() + ROUND_MS;
  const worker = async (): Promise<void> => {
    for (let atMs = performance.now(); atMs < endMs;) {
      const [id, topic] = [`n${serial++}`, `t${serial % 100}`];
      await store.append([{ id, topic, json: JSON.stringify({ id, topic, type: 'bench', time: '', data: DATA }) }]);
      const nowMs = performance.now();
      tookMs.push(nowMs - atMs);
      atMs = nowMs;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  return tookMs;
}

async function round(servers: string, stream: string, forwardAppends: boolean): Promise<Result> {
  const logger = { warn: () => undefined, error: console.error };
  const factory = natsStore({ connection: { servers }, stream, forwardAppends });
  const stores = await Promise.all(Array.from({ length: NODES }, async () => factory({ clock: systemClock, logger })));
  const startMs = performance.now();
  const tookMs = (await Promise.all(stores.map(append))).flat().sort((one, other) => one - other);
  const seconds = (performance.now() - startMs) / 1000;
  await Promise.all(stores.map((store) => store.close()));
  const at = (part: number): number => tookMs[Math.floor(tookMs.length * part)] ?? NaN;
  return { appendsPerS: tookMs.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99) };
}

function medianOf(results: readonly Result[], key: keyof Result): number {
  return Math.round(median(results.map((result) => result[key])));
}

const server = await NatsServer.start();
const results = new Map<boolean, Result[]>(VARIANTS.map((forwards) => [forwards, []]));
for (let at = 0; at < ROUNDS; at++) {
  for (const forwards of at % 2 ? VARIANTS.toReversed() : VARIANTS) {
    results.get(forwards)!.push(await round(server.servers, `round-${at}-${forwards}`, forwards));
  }
}
await server.stop();
const forwardAppends = Object.fromEntries(
  [...results].map(([forwards, all]) => {
    const medians = (['appendsPerS', 'p50Ms', 'p99Ms'] as const).map((key) => [key, medianOf(all, key)]);
    return [forwards, Object.fromEntries(medians) as Record<keyof Result, number>];
  }),
);
console.log(JSON.stringify({ node: process.version, load: loadavg()[0], rounds: ROUNDS, forwardAppends }, null, 2));
