/*
 * What does a delivery cost a server?
 *
 * Every server runs in a process of its own; this one plays its clients. A notification of 200 bytes of data is published, everybody gets
 * it and, if it polls, asks again; when the server has come to rest, the processor time that it has used (the kernel's for it
 * included) is divided by the number of clients. Medians of the cycles, without the first ones; servers alternated in every round; the
 * figure to compare by is the ratio to node:http in the same round.
 *
 *   npm run bench:http [-- CLIENTS ROUNDS]       prints JSON, and writes results/http.json and results/http.svg
 */
import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Bar, chart } from './http/chart.js';
import { Clients } from './http/clients.js';
import { DURABLE, FEED, NAIVE, type Protocol, STREAM_ONLY } from './http/protocols.js';

const CYCLES = 40;
const WARM_UP = 15;
const CYCLE_MS_MAX = 15_000;
/** A server that uses less than this in a pause of this length has come to rest. */
const REST_US = 400;
const REST_MS = 12;

const POLLS: Readonly<Record<string, Protocol>> = {
  'node:http': FEED,
  'nest-notifications, Fastify, direct lane': FEED,
  'nest-notifications, Express, direct lane': FEED,
  'nest-notifications, Fastify': FEED,
  '@durable-streams/server': DURABLE,
  'naive handler, Fastify': NAIVE,
  'nest-notifications, Express': FEED,
  'naive handler, Express': NAIVE,
};
const STREAMS: Readonly<Record<string, Protocol>> = {
  'node:http': FEED,
  'nest-notifications, Fastify': FEED,
  'nest-notifications, Express': FEED,
  'better-sse': STREAM_ONLY,
  'Nest @Sse(), Fastify': NAIVE,
  'Nest @Sse(), Express': NAIVE,
};

interface Used {
  readonly cpuUs: number;
}

interface Run {
  readonly cpuUs: number;
  readonly lost: number;
  readonly doubled: number;
}

const [clients = 1_000, rounds = 3] = process.argv.slice(2).map(Number);
installPeers();
const results = {
  clients,
  rounds,
  node: process.version,
  processor: cpus()[0]?.model,
  polls: await compare(POLLS, false),
  streams: await compare(STREAMS, true),
};
const text = JSON.stringify(results, null, 2);
process.stdout.write(`${text}\n`);
const file = (name: string): string => fileURLToPath(new URL(`results/${name}`, import.meta.url));
writeFileSync(file('http.json'), `${text}\n`);
writeFileSync(
  file('http.svg'),
  chart(
    [
      { title: 'A long poll answered and asked again', bars: bars(results.polls) },
      { title: 'A server-sent event', bars: bars(results.streams) },
    ],
    `CPU time of the server per delivery, as a multiple of node:http in the same run; ${clients} clients of one topic.`,
  ),
);

async function compare(servers: Readonly<Record<string, Protocol>>, isStream: boolean) {
  const runs: Record<string, Run[]> = Object.fromEntries(Object.keys(servers).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, protocol] of Object.entries(servers)) runs[name]?.push(await measure(name, protocol, isStream));
  }
  const raw = runs['node:http'] ?? [];
  return Object.entries(runs).map(([name, of]) => ({
    name,
    cpuUs: round(median(of.map(({ cpuUs }) => cpuUs))),
    ratio: round(median(of.map(({ cpuUs }, index) => cpuUs / (raw[index]?.cpuUs ?? NaN)))),
    ratios: of.map(({ cpuUs }, index) => round(cpuUs / (raw[index]?.cpuUs ?? NaN))),
    lost: of.reduce((sum, { lost }) => sum + lost, 0),
    doubled: of.reduce((sum, { doubled }) => sum + doubled, 0),
  }));
}

async function measure(name: string, protocol: Protocol, isStream: boolean): Promise<Run> {
  const hooks = fileURLToPath(new URL('../scripts/typescript-hooks.mjs', import.meta.url));
  const path = fileURLToPath(new URL('http/server.ts', import.meta.url));
  const server = fork(path, [name], { execArgv: ['--import', hooks] });
  try {
    const { port } = (await once(server, 'message'))[0] as { port: number };
    const audience = await Clients.open(port, clients, protocol, isStream);
    let before = await atRest(server);
    const cycles: number[] = [];
    for (let serial = 1; serial <= CYCLES; serial++) {
      const all = audience.cycle(serial, CYCLE_MS_MAX);
      server.send({ publish: serial });
      await all;
      const after = await atRest(server);
      if (serial > WARM_UP) cycles.push((after.cpuUs - before.cpuUs) / clients);
      before = after;
    }
    audience.close();
    return { cpuUs: median(cycles), lost: audience.lost, doubled: audience.doubled };
  } finally {
    server.disconnect();
    await once(server, 'exit');
  }
}

/** What a server has used by the time it has nothing left to do. */
async function atRest(server: ChildProcess): Promise<Used> {
  for (let before = await used(server); ;) {
    await pause(REST_MS);
    const after = await used(server);
    if (after.cpuUs - before.cpuUs < REST_US) return before;
    before = after;
  }
}

async function used(server: ChildProcess): Promise<Used> {
  server.send({});
  return (await once(server, 'message'))[0] as Used;
}

function installPeers(): void {
  const folder = fileURLToPath(new URL('peers', import.meta.url));
  if (existsSync(`${folder}/node_modules`)) return;
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock'], { cwd: folder, stdio: 'inherit' });
}

function bars(rows: readonly { name: string; ratio: number }[]): Bar[] {
  return rows
    .toSorted((one, other) => one.ratio - other.ratio)
    .map(({ name, ratio }) => ({ name, ratio, isOurs: name.startsWith('nest-notifications') }));
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
