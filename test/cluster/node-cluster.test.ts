import { afterEach, describe, expect, test } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'nest-notifications';
import { bundledProgram } from '../support/bundled-program.js';
import { childrenOf, isRunning } from '../support/engines/processes.js';
import { freePort } from '../support/free-port.js';
import { until } from '../support/time/until.js';

const WORKERS = 2;
/** A worker starts within some seconds, and later on a busy machine. */
const START_MS_MAX = 40_000;
/** More clients than workers, so that each worker serves some. */
const CLIENTS = 8;

let primary: ChildProcess;
let folder = '';
let url = '';
/** The log of all workers. */
let log = '';

afterEach(async () => {
  for (const pid of [...childrenOf(primary.pid!), primary.pid!]) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  if (primary.exitCode === null && primary.signalCode === null) await once(primary, 'exit');
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'nest-notifications-cluster-'));
  const port = await freePort();
  url = `http://127.0.0.1:${port}/notifications`;
  log = '';
  const env = { ...process.env, PORT: String(port), LOG: join(folder, 'log.db'), WORKERS: String(WORKERS) };
  const program = bundledProgram({ entry: 'examples/cluster.ts', sources: ['src'] });
  primary = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  primary.stdout!.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  await until(() => startedCount() === WORKERS, START_MS_MAX);
  // Nest logs the start before the worker listens.
  await until(isListening, START_MS_MAX);
}

async function isListening(): Promise<boolean> {
  return fetch(`${url}?topic=news&wait=0`).then(
    () => true,
    () => false,
  );
}

/** The workers that have started so far. */
const startedCount = (): number => log.split('successfully started').length - 1;

async function poll(cursor: string): Promise<Page> {
  const response = await fetch(`${url}?topic=news&cursor=${cursor}&wait=${cursor === 'latest' ? 0 : 20}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Page;
}

async function publish(data: unknown): Promise<void> {
  const body = JSON.stringify({ topic: 'news', type: 't', data });
  const response = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
  expect(response.status).toBe(201);
}

const dataOf = ({ notifications }: Page): unknown[] => notifications.map(({ data }) => data);

describe('examples/cluster.ts', () => {
  test('delivers a notification to the clients of all workers, also after a worker was killed', async () => {
    await start();
    const { cursor } = await poll('latest');
    const held = Array.from({ length: CLIENTS }, () => poll(cursor));
    await publish(1);
    for (const page of await Promise.all(held)) expect(dataOf(page)).toEqual([1]);
    process.kill(childrenOf(primary.pid!)[0]!, 'SIGKILL');
    await until(() => startedCount() === WORKERS + 1, START_MS_MAX);
    await publish(2);
    expect(dataOf(await poll(cursor))).toEqual([1, 2]);
  });

  test('ends all streams and all workers on SIGTERM', async () => {
    await start();
    const headers = { Accept: 'text/event-stream' };
    const streams = await Promise.all(Array.from({ length: CLIENTS }, () => fetch(`${url}?topic=news`, { headers })));
    const pids = childrenOf(primary.pid!);
    expect(pids).toHaveLength(WORKERS);
    primary.kill('SIGTERM');
    for (const stream of streams) expect(await stream.text()).toMatch(/^retry: \d+$/m);
    expect(await once(primary, 'exit')).toEqual([0, null]);
    expect(pids.filter(isRunning)).toEqual([]);
  });
});
