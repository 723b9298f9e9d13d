/*
 * What does a delivery cost a server?
 *
 * Each server runs in its own process. This process runs the clients. Notifications of 200 bytes of
 * data are published. A cycle ends when all clients have received them and polled again, and the
 * server is idle. The result is the server's processor time, with the kernel's, per delivery. A
 * figure is the median of the cycles after the warm-up. Servers take turns in each round. Compare
 * the ratio to node:http in the same round. `http/scenarios.ts` describes each part.
 *
 *   npm run bench:http [-- --rounds=3] [PART …]   prints JSON and writes results/http.{json,svg}
 *
 * A part that is not run keeps the figures that it had.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Bar, chart } from './http/chart.js';
import { DURABLE, FEED, NAIVE, NCHAN, type Protocol, STREAM_ONLY } from './http/protocols.js';
import { isInstalled } from './http/programs.js';
import { burst, catchUp, fanOut, memory, type Run, type Scenario, stall, topicEach } from './http/scenarios.js';
import { median } from './median.js';

type Servers = Readonly<Record<string, Protocol>>;

const OURS: Servers = {
  'node:http': FEED,
  'nest-notifications, Fastify, direct lane': FEED,
  'nest-notifications, Express, direct lane': FEED,
  'nest-notifications, Fastify': FEED,
  'nest-notifications, Express': FEED,
};
const PROGRAMS: Servers = {
  ...(isInstalled.go() && { 'Go net/http': FEED }),
  ...(isInstalled.nchan() && { 'nginx with nchan': NCHAN }),
};
const POLLS: Servers = {
  ...OURS,
  'empty Nest handler, Fastify': FEED,
  'empty Nest handler, Express': FEED,
  '@durable-streams/server': DURABLE,
  ...PROGRAMS,
  'naive handler, Fastify': NAIVE,
  'naive handler, Express': NAIVE,
};
const STREAMS: Servers = {
  'node:http': FEED,
  'nest-notifications, Fastify': FEED,
  'nest-notifications, Express': FEED,
  ...PROGRAMS,
  'better-sse': STREAM_ONLY,
  'Nest @Sse(), Fastify': NAIVE,
  'Nest @Sse(), Express': NAIVE,
};

const PARTS: Readonly<Record<string, readonly [Scenario, Servers]>> = {
  polls: [fanOut(1_000), POLLS],
  streams: [fanOut(1_000, true), STREAMS],
  'polls-10k': [fanOut(10_000), { ...OURS, ...PROGRAMS }],
  'streams-10k': [fanOut(10_000, true), STREAMS],
  'topics-100': [topicEach(100, 1), OURS],
  'topics-1k': [topicEach(1_000, 1), OURS],
  'topics-10k': [topicEach(10_000, 1), OURS],
  'topics-100k': [topicEach(10_000, 10), OURS],
  'burst-at-once': [burst(1_000, 50, { inTurn: false }), OURS],
  burst: [burst(1_000, 50, { inTurn: true }), OURS],
  'catch-up': [catchUp(1_000, 100), OURS],
  memory: [memory(10_000), OURS],
  stall: [stall(15_000), OURS],
};

interface Row {
  readonly name: string;
  readonly figure: number;
  readonly ratio: number;
  readonly ratios: readonly number[];
  readonly lost: number;
  readonly doubled: number;
}

interface Part {
  readonly title: string;
  readonly unit: string;
  readonly rounds: number;
  readonly rows: readonly Row[];
}

const args = process.argv.slice(2);
const rounds = Number(args.find((arg) => arg.startsWith('--rounds='))?.slice('--rounds='.length) ?? 3);
const chosen = args.filter((arg) => !arg.startsWith('--'));
const unknown = chosen.find((name) => !(name in PARTS));
if (unknown !== undefined) throw new Error(`unknown part ${unknown}; the parts are ${Object.keys(PARTS).join(', ')}`);

const file = (name: string): string => fileURLToPath(new URL(`results/${name}`, import.meta.url));
const before = JSON.parse(readFileSync(file('http.json'), 'utf8')) as { parts?: Record<string, Part> };
const parts: Record<string, Part> = before.parts ?? {};

installPeers();
for (const [name, [scenario, servers]] of Object.entries(PARTS)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  const rows = await compare(scenario, servers);
  parts[name] = { title: scenario.title, unit: scenario.unit, rounds, rows };
  const results = { node: process.version, processor: cpus()[0]?.model, parts: inOrder(parts) };
  writeFileSync(file('http.json'), `${JSON.stringify(results, null, 2)}\n`);
  process.stdout.write(`${JSON.stringify({ [name]: parts[name] }, null, 2)}\n`);
}
const panels = [parts.polls, parts.streams].flatMap((part) => (part ? [{ title: part.title, bars: bars(part) }] : []));
const caption = 'CPU time of the server per delivery, as a multiple of node:http in the same run.';
writeFileSync(file('http.svg'), chart(panels, caption));

async function compare(scenario: Scenario, servers: Servers): Promise<Row[]> {
  const runs: Record<string, Run[]> = Object.fromEntries(Object.keys(servers).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, protocol] of Object.entries(servers)) runs[name]?.push(await scenario.run(name, protocol));
  }
  const raw = runs['node:http'] ?? [];
  return Object.entries(runs).map(([name, of]) => {
    const ratios = of.map(({ figure }, round) => rounded(figure / (raw[round]?.figure ?? NaN)));
    return {
      name,
      figure: rounded(median(of.map(({ figure }) => figure))),
      ratio: rounded(median(ratios)),
      ratios,
      lost: of.reduce((sum, { lost }) => sum + lost, 0),
      doubled: of.reduce((sum, { doubled }) => sum + doubled, 0),
    };
  });
}

function inOrder(of: Record<string, Part>): Record<string, Part> {
  return Object.fromEntries(Object.keys(PARTS).flatMap((name) => (of[name] ? [[name, of[name]]] : [])));
}

function installPeers(): void {
  const folder = fileURLToPath(new URL('peers', import.meta.url));
  if (existsSync(`${folder}/node_modules`)) return;
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock'], { cwd: folder, stdio: 'inherit' });
}

function bars({ rows }: Part): Bar[] {
  return rows
    .toSorted((one, other) => one.ratio - other.ratio)
    .map(({ name, ratio }) => ({ name, ratio, isOurs: name.startsWith('nest-notifications') }));
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
