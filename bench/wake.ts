/*
 * Two processes share one SQLite file. How long does a notification take from the call of `append`
 * in one process to the tail of the other, and how much processor time does an idle reader take?
 *
 * `signal` is the store as it is. `polls` has a file that cannot be watched, so the reader only
 * polls every 25 ms. Both take turns in each round, each time with a new file and a new process.
 * `quiet` publishes once in 20 ms on average, at random times. `busy` publishes 1,000 times a
 * second. Figures are medians of the rounds.
 *
 *   npm run bench:wake           prints one JSON object
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../src/core/clock.js';
import { sqliteStore } from '../src/stores/sqlite/index.js';
import { pause } from '../test/support/time/pause.js';

const MODES = ['signal', 'polls'] as const;
const ROUNDS = 3;
const IDLE_MS = 4_000;
const SENDING_MS = 4_000;
const QUIET_PAUSE_MS = 40;
const BUSY_PER_MS = 1;
const REST = 'x'.repeat(180);

type Phase = 'quiet' | 'busy';
interface Output {
  /** Milliseconds of processor time a second, without any publish. */
  readonly idleCpuMsPerS: number;
  readonly tookMs: Record<Phase, number[]>;
}

const open = (path: string) =>
  sqliteStore({ path })({ clock: systemClock, logger: { warn: () => undefined, error: console.error } });
/** The time for all processes of this machine. */
const nowMs = (): number => performance.timeOrigin + performance.now();

/** The reader. It measures its idle time, reads until its input ends, and prints the output. */
async function read(path: string): Promise<void> {
  const store = await open(path);
  const tookMs: Output['tookMs'] = { quiet: [], busy: [] };
  await store.tail(0, ({ entries }) => {
    for (const { topic, json } of entries) {
      tookMs[topic as Phase].push(nowMs() - (JSON.parse(json) as { data: { sentMs: number } }).data.sentMs);
    }
  });
  const before = process.cpuUsage();
  await pause(IDLE_MS);
  const { user, system } = process.cpuUsage(before);
  process.send?.('ready');
  await text(process.stdin);
  await store.close();
  const output: Output = { idleCpuMsPerS: (user + system) / IDLE_MS, tookMs };
  process.stdout.write(JSON.stringify(output));
  process.disconnect();
}

async function round(mode: (typeof MODES)[number]): Promise<Output> {
  const folder = mkdtempSync(join(tmpdir(), 'nest-notifications-bench-'));
  const path = join(folder, 'log.db');
  if (mode === 'polls') symlinkSync(join(folder, 'none', 'wake'), `${path}-wake`);
  const args = [...process.execArgv, fileURLToPath(import.meta.url), path];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit', 'ipc'] });
  const output = text(child.stdout!);
  await once(child, 'message');
  const store = await open(path);
  let serial = 0;
  const publish = (topic: Phase): Promise<unknown> => {
    const id = `n${serial++}`;
    const data = { sentMs: nowMs(), rest: REST };
    return store.append([{ id, topic, json: JSON.stringify({ id, topic, type: 'bench', time: '', data }) }]);
  };
  for (const endMs = nowMs() + SENDING_MS; nowMs() < endMs;) {
    await publish('quiet');
    await pause(Math.random() * QUIET_PAUSE_MS);
  }
  const startMs = nowMs();
  for (let sent = 0; nowMs() - startMs < SENDING_MS;) {
    for (const due = (nowMs() - startMs) * BUSY_PER_MS; sent < due; sent++) void publish('busy');
    await pause(1);
  }
  await publish('busy');
  await pause(1_000);
  child.stdin!.end();
  const result = JSON.parse(await output) as Output;
  await store.close();
  rmSync(folder, { recursive: true });
  return result;
}

const at = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * part)]!;
const rounded = (value: number): number => Math.round(value * 100) / 100;

async function main(): Promise<void> {
  const outputs = { signal: [] as Output[], polls: [] as Output[] };
  for (let count = 0; count < ROUNDS; count++) for (const mode of MODES) outputs[mode].push(await round(mode));
  const summary = MODES.map((mode) => {
    const median = (of: (output: Output) => number): number => rounded(at(outputs[mode].map(of), 0.5));
    const figures = {
      idleCpuMsPerS: median(({ idleCpuMsPerS }) => idleCpuMsPerS),
      quietP50Ms: median(({ tookMs }) => at(tookMs.quiet, 0.5)),
      quietP99Ms: median(({ tookMs }) => at(tookMs.quiet, 0.99)),
      busyP50Ms: median(({ tookMs }) => at(tookMs.busy, 0.5)),
      busyP99Ms: median(({ tookMs }) => at(tookMs.busy, 0.99)),
    };
    return [mode, figures];
  });
  const result = { node: process.version, load: rounded(loadavg()[0]!), rounds: ROUNDS };
  console.log(JSON.stringify({ ...result, ...Object.fromEntries(summary) }, null, 2));
}

const [path] = process.argv.slice(2);
await (path === undefined ? main() : read(path));
