/*
 * How long does an append wait while a large topic is erased?
 *
 * One node appends single notifications of other topics, one after another, before the erasure and
 * during it. Another node erases a topic with 100,000 notifications. Each pause between two appends
 * is 5 ms, so that the engine is not busy with the appends alone. The longest append is the figure
 * to look at. The times before the erasure show the load of the machine.
 *
 *   npm run bench:erase [-- STORE...]   prints a line for each store and JSON at the end
 */
import { systemClock } from '../src/core/clock.js';
import { eraseTopics } from '../src/core/erasure.js';
import type { Draft } from '../src/core/notification.js';
import type { Store } from '../src/core/store.js';
import { pause } from '../test/support/time/pause.js';
import { openSubject, STORES } from './subjects.js';

const ERASED = 'user.1';
const ENTRIES = 100_000;
const BATCH = 1_000;
const PAUSE_MS = 5;
/** The time of the appends before the erasure. */
const BEFORE_MS = 5_000;

interface Appends {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly longestMs: number;
}

let serial = 0;

function newDraft(topic: string): Draft {
  const id = `n${serial++}`;
  return { id, topic, json: JSON.stringify({ id, topic, type: 'bench', time: '', data: 'x'.repeat(100) }) };
}

/** Appends until `isDone`, and returns the times of the calls. */
async function append(store: Store, isDone: () => boolean): Promise<Appends> {
  const tookMs: number[] = [];
  while (!isDone()) {
    const startMs = performance.now();
    await store.append([newDraft(`t${serial % 100}`)]);
    tookMs.push(performance.now() - startMs);
    await pause(PAUSE_MS);
  }
  tookMs.sort((a, b) => a - b);
  const at = (part: number): number => Number((tookMs[Math.floor((tookMs.length - 1) * part)] ?? NaN).toFixed(2));
  return { count: tookMs.length, p50Ms: at(0.5), p99Ms: at(0.99), longestMs: at(1) };
}

async function measure(name: string) {
  const subject = await openSubject(name);
  const runtime = { clock: systemClock, logger: { warn: () => undefined, error: console.error } };
  const appending = await subject.factory(runtime);
  const store = subject.alone ? appending : await subject.factory(runtime);
  for (let at = 0; at < ENTRIES; at += BATCH) {
    await store.append(Array.from({ length: BATCH }, () => newDraft(ERASED)));
  }
  const startMs = performance.now();
  const before = await append(appending, () => performance.now() - startMs > BEFORE_MS);
  let isDone = false;
  const meanwhile = append(appending, () => isDone);
  const eraseMs = performance.now();
  const [erased] = await eraseTopics([ERASED], { store, time: new Date(), onRecorded: () => undefined });
  const seconds = (performance.now() - eraseMs) / 1000;
  isDone = true;
  const during = await meanwhile;
  if (erased?.count !== ENTRIES) throw new Error(`${erased?.count} of ${ENTRIES} notifications were erased`);
  await appending.close();
  if (!subject.alone) await store.close();
  await subject.stop();
  return { seconds: Number(seconds.toFixed(2)), erasedPerS: Math.round(ENTRIES / seconds), before, during };
}

const given = process.argv.slice(2);
const stores: Record<string, Awaited<ReturnType<typeof measure>>> = {};
for (const name of given.length > 0 ? given : STORES) {
  stores[name] = await measure(name);
  console.error(`${name}: ${JSON.stringify(stores[name])}`);
}
console.log(JSON.stringify({ node: process.version, entries: ENTRIES, stores }, null, 2));
