import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { systemClock } from '../../src/core/clock.js';
import type { LogEntry } from '../../src/core/notification.js';
import { natsStore } from '../../src/stores/nats/index.js';
import { inDepth } from '../support/depth.js';
import { freezeProcess } from '../support/engines/freeze.js';
import { NatsCluster, NatsServer, natsVersions } from '../support/engines/nats.js';
import { everything, STREAM } from '../support/stores/nats.js';
import { until } from '../support/time/until.js';

const here = dirname(fileURLToPath(import.meta.url));
const NODES = 3;
const CYCLES = inDepth(1, 5);
/** Notifications that each node appends between two faults. */
const LOAD = 50;
/** Longer than a forward waits for its answer, and shorter than a call may take. */
const STALL_MS_MAX = 4_000;

/** A node in a process of its own. */
interface Child {
  readonly process: ChildProcess;
  readonly acknowledged: string[];
  /** Ids that the store reported as appended before. They were not. */
  readonly duplicates: string[];
}

/** The engine of a test. */
interface Servers {
  readonly servers: string;
  stop(): Promise<void> | void;
}

const engines: readonly (readonly [string, (binary: string) => Promise<Servers>])[] = [
  ['one server', (binary) => NatsServer.start({ binary })],
  ['a cluster of three', startCluster],
];

async function startCluster(binary: string): Promise<Servers> {
  const cluster = await NatsCluster.start(binary);
  return { servers: cluster.servers(0).join(','), stop: () => cluster.stop() };
}

for (const { name, binary, missing } of natsVersions(inDepth([], ['nats-2.10', 'nats-newest']))) {
  for (const [engine, start] of inDepth(engines.slice(0, 1), engines)) {
    (missing ? describe.skip : describe)(`nats store: the node that others forward to, ${name}, ${engine}`, () => {
      faults(() => start(binary));
    });
  }
}

function faults(start: () => Promise<Servers>): void {
  let engine: Servers;
  let nc: NatsConnection;
  const children = new Map<string, Child>();
  const ended: Child[] = [];
  let started = 0;

  beforeEach(async () => {
    engine = await start();
    nc = await connect({ servers: engine.servers.split(','), waitOnFirstConnect: true });
  });
  afterEach(async () => {
    for (const { process } of children.values()) process.kill('SIGKILL');
    children.clear();
    await nc.close();
    await engine.stop();
  });

  async function startChild(): Promise<void> {
    const hooks = pathToFileURL(join(here, '../../scripts/typescript-hooks.mjs')).href;
    const args = ['--import', hooks, join(here, 'nats-child.ts'), engine.servers, STREAM, `node${started++}`];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [acknowledged, duplicates]: [string[], string[]] = [[], []];
    let rest = '';
    const node = await new Promise<string>((resolve, reject) => {
      child.once('exit', () => {
        reject(new Error('The node has ended.'));
      });
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          const [id = '', duplicate] = line.split(' ');
          if (duplicate === undefined) resolve(id);
          else acknowledged.push(id);
          if (duplicate === 'true') duplicates.push(id);
        }
      });
    });
    children.set(node, { process: child, acknowledged, duplicates });
  }

  /** Runs a fault on the node that a batch is just forwarded to. */
  function onForward(fault: (child: Child, node: string) => void): Promise<void> {
    return new Promise((resolve) => {
      const subscription = nc.subscribe(`${STREAM}.writer.*`, {
        callback: (_, { subject }) => {
          const node = subject.slice(subject.lastIndexOf('.') + 1);
          const child = children.get(node);
          if (!child) return;
          subscription.unsubscribe();
          fault(child, node);
          resolve();
        },
      });
    });
  }

  /** Each running node appends some notifications. Returns the time that this takes. */
  async function progress(nodes: readonly Child[]): Promise<number> {
    const startMs = performance.now();
    const before = nodes.map(({ acknowledged }) => acknowledged.length);
    await until(() => nodes.every(({ acknowledged }, at) => acknowledged.length > before[at]! + LOAD), 60_000);
    return performance.now() - startMs;
  }

  test('loses, doubles and divides nothing when it is killed or suspended in a batch', async () => {
    await Promise.all(Array.from({ length: NODES }, startChild));
    await progress([...children.values()]);
    const stalls: number[] = [];
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      await onForward((child, node) => {
        child.process.kill('SIGKILL');
        children.delete(node);
        ended.push(child);
      });
      stalls.push(await progress([...children.values()]));
      await startChild();
      let suspended: Child | undefined;
      await onForward((child) => {
        freezeProcess(child.process.pid!);
        suspended = child;
      });
      stalls.push(await progress([...children.values()].filter((child) => child !== suspended)));
      suspended!.process.kill('SIGCONT');
      await progress([...children.values()]);
    }
    const all = [...ended, ...children.values()];
    for (const { process } of children.values()) {
      const closed = once(process, 'close');
      process.kill('SIGKILL');
      await closed;
    }
    const log = await read();
    const ids = new Set(log.map(({ id }) => id));
    expect(ids.size).toBe(log.length);
    expect(all.flatMap(({ acknowledged }) => acknowledged).filter((id) => !ids.has(id))).toEqual([]);
    expect(all.flatMap(({ duplicates }) => duplicates)).toEqual([]);
    // An array is in the log as a whole or not at all.
    const arrays = log.filter(({ id }) => id.endsWith('+')).map(({ id }) => id.slice(0, -1));
    expect(arrays.filter((id) => !ids.has(id))).toEqual([]);
    expect(Math.max(...stalls)).toBeLessThan(STALL_MS_MAX);
    console.info(
      `nats: others continued after ${stalls.map((ms) => ms.toFixed(0)).join(', ')} ms, ${log.length} in all`,
    );
  }, 120_000);

  async function read(): Promise<LogEntry[]> {
    const options = { connection: { servers: engine.servers.split(',') }, stream: STREAM, syncAlways: true };
    const store = await natsStore(options)({ clock: systemClock, logger: console });
    const log = await everything(store, ['a', 'b']);
    await store.close();
    return log;
  }
}
