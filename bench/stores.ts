/*
 * The speed of each store on this machine: publishes a second, the delay to a client of another
 * node, and a node's recovery after its engine was killed.
 *
 * Two nodes in this process share one log. Each node has its own store and feed. The engine runs on
 * the same machine with its data in a temporary folder, as durable as possible. Redis has
 * `appendfsync always`, PostgreSQL `fsync on`, SQLite `synchronous FULL`. NATS 2.9 can only flush
 * in the background. 200 bytes of data, 100 topics. The stores take turns in each round. The
 * results are medians. `flushesPerS` is the raw limit: how often the disk of this folder can flush
 * a small write, one after another, measured in the same rounds. Pages hold 1,000 notifications of
 * 1, 10 and 50 topics. `manyPerS` is a `publishMany` to 50,000 topics. `ofRaw1` compares one
 * publish in flight, without the other node, with single inserts into the engine without the store.
 *
 *   npm run bench:stores            prints a line for each round and JSON at the end
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/core/clock.js';
import { Feed } from '../src/core/feed.js';
import type { Draft } from '../src/core/notification.js';
import type { Store } from '../src/core/store.js';
import { pause } from '../test/support/time/pause.js';
import { until } from '../test/support/time/until.js';
import { publishManyPerS } from './publish-many.js';
import { openSubject, STORES, type Subject } from './subjects.js';

const ROUNDS = 3;
const RATE_MS = 3_000;
const LATENCY_MS = 4_000;
/** The longest wait for the last notifications of a measurement. */
const LATE_MS_MAX = 30_000;
const PAGE_READS = 21;
const LATENCY_PER_S = 1_000;
const TOPICS = 100;
const FEED_LIMITS = {
  waitersMax: 1_000,
  waitersPerSubscriberMax: 10_000,
  waitersPerAddressMax: 10_000,
  pageBytesMax: 1 << 20,
  windowCount: 10_000,
  windowBytes: 1 << 24,
};

interface Result {
  publishesPerS1: number;
  publishesPerS64: number;
  /** Topics a second of a `publishMany` to 50,000 topics, for at most a minute. */
  manyPerS: number;
  latencyP50Ms: number;
  latencyP99Ms: number;
  recoveredMs?: number;
  /** Pages of 1,000 from the log's beginning, by the number of topics. */
  page1Ms: number;
  page10Ms: number;
  page50Ms: number;
  /**
   * One publish in flight without the other node, divided by the inserts of one connection without
   * the store.
   */
  ofRaw1?: number;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
let serial = 0;
const data = 'x'.repeat(200);

function newDraft(): Draft {
  const id = `n${serial++}`;
  const topic = `t${serial % TOPICS}`;
  return { id, topic, json: JSON.stringify({ id, topic, type: 'bench', time: '', data }) };
}

function append(store: Store): Promise<unknown> {
  return store.append([newDraft()]);
}

async function perS(publish: () => Promise<unknown>, inFlight: number): Promise<number> {
  let count = 0;
  const startMs = performance.now();
  const worker = async () => {
    while (performance.now() - startMs < RATE_MS) {
      await publish();
      count++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return count / ((performance.now() - startMs) / 1000);
}

/** The time from the call of `append` on one node to the page on the other node. */
async function latencies(publisher: Store, feed: Feed): Promise<number[]> {
  const sentAtMs = new Map<string, number>();
  const tookMs: number[] = [];
  const topics = Array.from({ length: TOPICS }, (_, index) => `t${index}`);
  const request = { topics, after: 'latest' as const, limit: 1_000, waitMs: 1_000 };
  const subscription = feed.follow(request).subscribe(({ entries }) => {
    for (const { id } of entries) tookMs.push(performance.now() - (sentAtMs.get(id) ?? NaN));
  });
  const startMs = performance.now();
  for (let sent = 0; performance.now() - startMs < LATENCY_MS;) {
    const due = Math.floor(((performance.now() - startMs) / 1000) * LATENCY_PER_S);
    for (; sent < due; sent++) {
      sentAtMs.set(`n${serial}`, performance.now());
      void append(publisher);
    }
    await pause(1);
  }
  await until(() => tookMs.length >= sentAtMs.size, LATE_MS_MAX);
  subscription.unsubscribe();
  return tookMs.sort((a, b) => a - b);
}

async function rawPerS({ openRaw }: Subject): Promise<number | undefined> {
  const raw = await openRaw?.();
  if (!raw) return undefined;
  const rate = await perS(() => {
    const { id, topic, json } = newDraft();
    return raw.insert(id, topic, json);
  }, 1);
  await raw.close();
  return rate;
}

/** The median of some reads of the first page of 1,000. */
async function pageMs(store: Store, topicCount: number): Promise<number> {
  const topics = Array.from({ length: topicCount }, (_, index) => `t${index}`);
  const times: number[] = [];
  for (let round = 0; round < PAGE_READS; round++) {
    const startMs = performance.now();
    await store.read({ topics, after: 0, limit: 1_000, bytesMax: 1 << 24 });
    times.push(performance.now() - startMs);
  }
  return median(times);
}

/** The time from the restart of the engine to the first acknowledged publish. */
async function recoveredMs(store: Store, { kill, startAgain }: Subject): Promise<number | undefined> {
  if (!kill || !startAgain) return undefined;
  await kill();
  await startAgain();
  const startMs = performance.now();
  for (;;) {
    try {
      await append(store);
      return performance.now() - startMs;
    } catch {
      await pause(5);
    }
  }
}

async function measure(name: string): Promise<Result> {
  const subject = await openSubject(name);
  const runtime = { clock: systemClock, logger: { warn: () => undefined, error: console.error } };
  const publisher = await subject.factory(runtime);
  const reader = subject.alone ? publisher : await subject.factory(runtime);
  const feed = await Feed.open({ store: reader, clock: systemClock, limits: FEED_LIMITS });
  const tookMs = await latencies(publisher, feed);
  const result: Result = {
    latencyP50Ms: tookMs[Math.floor(tookMs.length * 0.5)]!,
    latencyP99Ms: tookMs[Math.floor(tookMs.length * 0.99)]!,
    publishesPerS1: await perS(() => append(publisher), 1),
    publishesPerS64: await perS(() => append(publisher), 64),
    manyPerS: await publishManyPerS(publisher, data),
    page1Ms: await pageMs(publisher, 1),
    page10Ms: await pageMs(publisher, 10),
    page50Ms: await pageMs(publisher, 50),
  };
  const recovered = await recoveredMs(publisher, subject);
  if (recovered !== undefined) result.recoveredMs = recovered;
  await feed.close();
  if (!subject.alone) await reader.close();
  const raw = await rawPerS(subject);
  if (raw !== undefined) result.ofRaw1 = (await perS(() => append(publisher), 1)) / raw;
  await publisher.close();
  await subject.stop();
  return result;
}

function flushesPerS(): number {
  const folder = mkdtempSync(join(tmpdir(), 'nest-notifications-bench-'));
  const file = openSync(join(folder, 'raw'), 'w');
  const startMs = performance.now();
  let count = 0;
  for (; performance.now() - startMs < 1_000; count++) {
    writeSync(file, data);
    fdatasyncSync(file);
  }
  closeSync(file);
  rmSync(folder, { recursive: true });
  return count;
}

const rounded = (value: number): number => (value < 100 ? Math.round(value * 100) / 100 : Math.round(value));

const names = process.argv.length > 2 ? process.argv.slice(2) : STORES;
const rounds: Record<string, Result[]> = {};
const flushes: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  flushes.push(flushesPerS());
  for (const name of round % 2 ? names.toReversed() : names) {
    const result = await measure(name);
    (rounds[name] ??= []).push(result);
    console.error(`round ${round + 1} ${name}: ${JSON.stringify(result)}`);
  }
}
const stores = Object.fromEntries(
  names.map((name) => {
    const keys = Object.keys(rounds[name]![0]!) as (keyof Result)[];
    return [name, Object.fromEntries(keys.map((key) => [key, rounded(median(rounds[name]!.map((one) => one[key]!)))]))];
  }),
);
console.log(
  JSON.stringify({ node: process.version, rounds: ROUNDS, flushesPerS: rounded(median(flushes)), stores }, null, 2),
);
