/*
 * Three processes append to one SQLite file without a pause: how many appends does the machine
 * complete a second, and how long does one call of `append` take?
 *
 * Each process keeps the same number of calls in flight, and each call has one notification with
 * 200 bytes of data. The processes start together, each time on a new file. The times of all
 * processes are merged. `share` is the lowest number of appends of a process, divided by the
 * highest. Figures are medians of five rounds. `p99MsWorst` is the p99 of the worst round.
 *
 *   npm run bench:shared-file           prints one JSON object
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../src/core/clock.js';
import { sqliteStore } from '../src/stores/sqlite/index.js';
import { median } from './median.js';

const PROCESSES = 3;
const IN_FLIGHT = [1, 16, 64];
const ROUNDS = 5;
const ROUND_MS = 2_500;
const DATA = 'x'.repeat(200);

interface Result {
  appendsPerS: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  share: number;
}

/** One of the processes. It begins when its input ends, and prints the time of each call. */
async function append(path: string, name: string, inFlight: number): Promise<void> {
  const logger = { warn: () => undefined, error: console.error };
  const store = await sqliteStore({ path })({ clock: systemClock, logger });
  process.send?.('ready');
  await text(process.stdin);
  const tookMs: number[] = [];
  const startMs = performance.now();
  const worker = async (): Promise<void> => {
    for (let atMs = startMs; atMs - startMs < ROUND_MS;) {
      const [id, topic] = [`${name}-${tookMs.length}-${atMs}`, `t${tookMs.length % 100}`];
      await store.append([{ id, topic, json: JSON.stringify({ id, topic, type: 'bench', time: '', data: DATA }) }]);
      const nowMs = performance.now();
      tookMs.push(nowMs - atMs);
      atMs = nowMs;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  await store.close();
  process.stdout.write(JSON.stringify(tookMs));
  process.disconnect();
}

function startChild(path: string, name: string, inFlight: number): ChildProcess {
  const args = [...process.execArgv, fileURLToPath(import.meta.url), path, name, String(inFlight)];
  return spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit', 'ipc'] });
}

async function round(inFlight: number): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'nest-notifications-bench-'));
  const path = join(folder, 'log.db');
  const children = Array.from({ length: PROCESSES }, (_, at) => startChild(path, `p${at}`, inFlight));
  await Promise.all(children.map((child) => once(child, 'message')));
  const outputs = children.map(async (child) => JSON.parse(await text(child.stdout!)) as number[]);
  for (const child of children) child.stdin!.end();
  const each = await Promise.all(outputs);
  rmSync(folder, { recursive: true });
  const all = each.flat().sort((a, b) => a - b);
  const counts = each.map(({ length }) => length);
  return {
    appendsPerS: all.length / (ROUND_MS / 1000),
    p50Ms: all[Math.floor(all.length * 0.5)]!,
    p99Ms: all[Math.floor(all.length * 0.99)]!,
    maxMs: all.at(-1)!,
    share: Math.min(...counts) / Math.max(...counts),
  };
}

function medianOf(results: readonly Result[], key: keyof Result): number {
  return median(results.map((result) => result[key]));
}

const rounded = (value: number): number => (value < 100 ? Math.round(value * 100) / 100 : Math.round(value));

async function main(): Promise<void> {
  const rounds = new Map<number, Result[]>(IN_FLIGHT.map((inFlight) => [inFlight, []]));
  for (let at = 0; at < ROUNDS; at++) {
    for (const [inFlight, results] of rounds) {
      const result = await round(inFlight);
      results.push(result);
      console.error(`round ${at + 1}, ${inFlight} in flight: ${JSON.stringify(result)}`);
    }
  }
  const inFlight = Object.fromEntries(
    [...rounds].map(([count, results]) => {
      const keys = Object.keys(results[0]!) as (keyof Result)[];
      const medians = Object.fromEntries(keys.map((key) => [key, rounded(medianOf(results, key))]));
      const worst = Math.max(...results.map(({ p99Ms }) => p99Ms));
      return [count, { ...medians, p99MsWorst: rounded(worst) }];
    }),
  );
  console.log(
    JSON.stringify({ node: process.version, load: rounded(loadavg()[0]!), rounds: ROUNDS, inFlight }, null, 2),
  );
}

const [path, name, count] = process.argv.slice(2);
await (path === undefined ? main() : append(path, name ?? '', Number(count)));
