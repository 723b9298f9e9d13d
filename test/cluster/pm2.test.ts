import { afterEach, expect, test } from '@jest/globals';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'nest-notifications';
import { inDepth } from '../support/depth.js';
import { childrenOf, isRunning, signal } from '../support/engines/processes.js';
import { freePort } from '../support/free-port.js';
import { until } from '../support/time/until.js';

/** The part of the example that the test reads. */
interface Ecosystem {
  readonly apps: readonly [{ readonly name: string; readonly script: string }];
}

const ROOT = join(import.meta.dirname, '../..');
const PM2_FOLDER = join(ROOT, 'test/pm2');
const PM2 = join(PM2_FOLDER, 'node_modules/pm2/bin/pm2');
const { apps } = createRequire(import.meta.url)('../../examples/ecosystem.config.cjs') as Ecosystem;
/** The example starts a process for each core. Two are enough here. */
const PROCESSES = 2;
/** A process needs some seconds to start, and more on a busy machine. */
const START_MS_MAX = 120_000;
/** More clients than processes, so that each process serves some. */
const CLIENTS = 8;

/**
 * Why PM2 cannot run. It has its own licence (AGPL) and many dependencies, so only TEST_DEPTH=all
 * installs it: `npm ci --prefix test/pm2 --ignore-scripts` does it by hand.
 */
function pm2Missing(): string | undefined {
  if (!existsSync(PM2) && inDepth(false, true)) {
    const args = ['ci', '--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund', '--prefix', PM2_FOLDER];
    const { status, stderr } = spawnSync('npm', args, { encoding: 'utf8' });
    if (status !== 0 && process.env.CI) throw new Error(stderr);
  }
  return existsSync(PM2) ? undefined : 'PM2 is not installed (npm ci --prefix test/pm2 --ignore-scripts)';
}

const missing = pm2Missing();
if (missing !== undefined) console.warn(missing);

let folder = '';
let feed = '';
let env: NodeJS.ProcessEnv = {};
let daemon: ChildProcess | undefined;
/**
 * A process that ends may close an idle connection just when the client uses it again. Clients
 * repeat such a request. Here each request has its own connection instead.
 */
const OWN_CONNECTION = { Connection: 'close' };
/** The log of PM2 and of all processes. */
let log = '';

afterEach(async () => {
  if (daemon?.pid !== undefined) {
    for (const pid of [...childrenOf(daemon.pid), daemon.pid]) signal(pid, 'SIGKILL');
    if (daemon.exitCode === null && daemon.signalCode === null) await once(daemon, 'exit');
  }
  rmSync(folder, { recursive: true, force: true });
});

/** Starts PM2 with the example, in a project whose script runs the sources. */
async function start(): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'nest-notifications-pm2-'));
  const [app] = apps;
  const script = join(folder, app.script);
  mkdirSync(join(script, '..'));
  const imports = ['scripts/typescript-hooks.mjs', 'test/cluster/pm2-application.ts'];
  const urls = imports.map((path) => JSON.stringify(pathToFileURL(join(ROOT, path)).href));
  writeFileSync(script, `await import(${urls.join(');\nawait import(')});\n`);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const config = { apps: [{ ...app, instances: PROCESSES }] };
  writeFileSync(join(folder, 'ecosystem.config.cjs'), `module.exports = ${JSON.stringify(config)};\n`);
  const port = await freePort();
  feed = `http://127.0.0.1:${port}/notifications`;
  env = {
    ...process.env,
    ...{ PORT: String(port), LOG: join(folder, 'log.db'), NODE_OPTIONS: '' },
    ...{ PM2_HOME: join(folder, 'pm2'), PM2_DISABLE_VERSION_CHECK: 'true' },
  };
  daemon = spawn(process.execPath, [PM2, 'start', 'ecosystem.config.cjs', '--no-daemon'], {
    ...{ cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] },
  });
  for (const stream of [daemon.stdout, daemon.stderr]) stream?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  await until(() => startedCount() === PROCESSES, START_MS_MAX);
}

/** The processes that have started so far. */
const startedCount = (): number => log.split('successfully started').length - 1;

/** Runs a command of PM2 to its end. */
async function pm2(...args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [PM2, ...args], { cwd: folder, env, stdio: ['ignore', 'ignore', 'inherit'] });
  expect(await once(child, 'exit')).toEqual([0, null]);
}

async function poll(cursor: string): Promise<Page> {
  const response = await fetch(`${feed}?topic=news&cursor=${cursor}&wait=${cursor === 'latest' ? 0 : 20}`, {
    headers: OWN_CONNECTION,
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Page;
}

async function publish(data: number): Promise<void> {
  const body = JSON.stringify({ topic: 'news', type: 't', data });
  const headers = { ...OWN_CONNECTION, 'Content-Type': 'application/json' };
  const response = await fetch(feed, { method: 'POST', headers, body });
  expect(response.status).toBe(201);
}

/** Polls until a notification has arrived. Returns the data of all notifications. */
async function readUntil(last: number, from: string): Promise<unknown[]> {
  const read: unknown[] = [];
  for (let cursor = from; !read.includes(last);) {
    const page = await poll(cursor);
    expect(page.gap).toBeUndefined();
    read.push(...page.notifications.map(({ data }) => data));
    ({ cursor } = page);
  }
  return read;
}

(missing === undefined ? test : test.skip)(
  'examples/ecosystem.config.cjs: a reload with PM2 loses no notification and fails no request',
  async () => {
    await start();
    const before = childrenOf(daemon?.pid ?? 0).filter(isRunning);
    expect(before).toHaveLength(PROCESSES);
    const { cursor } = await poll('latest');
    const readers = Array.from({ length: CLIENTS }, () => readUntil(3, cursor));
    const headers = { Accept: 'text/event-stream' };
    const streams = await Promise.all(Array.from({ length: CLIENTS }, () => fetch(`${feed}?topic=news`, { headers })));
    await publish(1);
    const reloaded = pm2('reload', apps[0].name);
    await publish(2);
    // The old processes end their streams before they exit.
    for (const stream of streams) expect(await stream.text()).toMatch(/^retry: \d+$/m);
    await reloaded;
    expect(before.filter(isRunning)).toEqual([]);
    expect(log).not.toContain('SIGKILL');
    await publish(3);
    for (const reader of readers) expect(await reader).toEqual([1, 2, 3]);
    expect(childrenOf(daemon?.pid ?? 0).filter(isRunning)).toHaveLength(PROCESSES);
  },
  3 * START_MS_MAX,
);
