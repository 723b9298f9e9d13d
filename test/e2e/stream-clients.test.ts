import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import compression from 'compression';
import { forEachAdapter, ONE_ADAPTER } from '../support/http/adapters.js';
import { type AppOptions, startApp, type TestApp } from '../support/http/app.js';
import { atTestEnd } from '../support/http/cleanup.js';
import { Connection } from '../support/http/connection.js';
import { publish, upTo } from '../support/http/feed.js';
import { SseReader } from '../support/http/sse.js';
import { until } from '../support/time/until.js';

interface StreamClient {
  readonly name: string;
  /** The command that checks whether the client is installed. */
  readonly probe: readonly [program: string, ...args: string[]];
  readonly command: (url: string) => readonly [program: string, ...args: string[]];
}

const source = (name: string): string => fileURLToPath(new URL(`../support/stream-clients/${name}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'stream-clients-'));
const goProgram = join(folder, 'follow');

const CLIENTS: readonly StreamClient[] = [
  {
    name: 'requests of Python',
    probe: ['python3', '-c', 'import requests'],
    command: (url) => ['python3', source('follow.py'), url],
  },
  { name: 'net/http of Go', probe: ['go', 'version'], command: (url) => [goProgram, url] },
  {
    name: 'curl',
    probe: ['curl', '--version'],
    command: (url) => ['sh', '-c', 'curl -sN -H "Accept: text/event-stream" "$0" | sed -un "s/^data: //p"', url],
  },
  {
    name: 'curl over HTTP/1.0',
    probe: ['curl', '--version'],
    command: (url) => ['sh', '-c', 'curl -sN0 -H "Accept: text/event-stream" "$0" | sed -un "s/^data: //p"', url],
  },
];

const isInstalled = ({ probe: [program, ...args] }: StreamClient): boolean => spawnSync(program, args).status === 0;

const installed = CLIENTS.filter((client) => process.env.CI === 'true' || isInstalled(client));
for (const { name } of CLIENTS.filter((client) => !installed.includes(client))) {
  process.stdout.write(`${name} is not installed: its tests are skipped\n`);
}

beforeAll(() => {
  if (!installed.some(({ name }) => name.includes('Go'))) return;
  execFileSync('go', ['build', '-o', goProgram, source('follow.go')], {
    env: { ...process.env, GO111MODULE: 'off', GOCACHE: join(folder, 'cache') },
  });
}, 120_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a client until the test ends, and collects the numbers that it prints. */
function follow({ command }: StreamClient, { port }: TestApp): readonly number[] {
  const [program, ...args] = command(`http://127.0.0.1:${port}/notifications?topic=orders`);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  const closed = once(child, 'close');
  atTestEnd(async () => {
    if (child.exitCode === null) process.kill(-child.pid!);
    await closed;
  });
  const numbers: number[] = [];
  createInterface(child.stdout).on('line', (line) => {
    const { data } = JSON.parse(line) as { data?: { n: number } };
    if (data) numbers.push(data.n);
  });
  return numbers;
}

forEachAdapter((adapter) => {
  describe('a stream', () => {
    test.each(installed)('delivers each notification at once to $name', async (client) => {
      const app = await startApp(adapter);
      const numbers = follow(client, app);
      await until(() => app.counts().waiters === 1);
      for (const n of upTo(3)) {
        await publish(app, 'orders', 1, n);
        await until(() => numbers.length === n);
      }
      expect(numbers).toEqual(upTo(3));
    });
  });

  describe('the framing of a stream', () => {
    test('has one chunk per block for HTTP/1.1, and a last chunk', async () => {
      const app = await startApp(adapter, { notifications: { access: 'public', stream: { heartbeatMs: 100 } } });
      const reader = await SseReader.open(app, 'topic=orders');
      expect(reader.head.header('transfer-encoding')).toBe('chunked');
      await reader.opening();
      await publish(app, 'orders', 3);
      await app.service.publish('orders', { type: 'numbered', data: { n: 4, text: 'grüß 😀 \u2028' } });
      expect((await reader.notifications(4)).map(({ data }) => data.n)).toEqual(upTo(4));
      await until(() => reader.text.endsWith(':\n'));
      await app.close();
      await reader.rest();
      expect(reader.ended).toBe(true);
      expect(reader.text).toMatch(/retry: \d+\n$/);
    });

    test('ends with the connection for HTTP/1.0', async () => {
      const app = await startApp(adapter);
      const connection = await Connection.open(app);
      connection.socket.write('GET /notifications?topic=orders HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n');
      const head = await connection.head();
      expect(head.header('transfer-encoding')).toBeUndefined();
      await until(() => app.counts().waiters === 1);
      await publish(app, 'orders');
      await connection.when(() => head.text.includes('"n":1'), 'the notification');
      expect(head.text).toMatch(/^retry: \d+\nevent: cursor\n/);
      await app.close();
      await connection.whenClosed();
      expect(head.complete).toBe(true);
    });

    test('is the framing of node:http if middleware has wrapped the response', async () => {
      const configure: AppOptions['configure'] = (nest) => nest.use(compression());
      const app = await startApp(adapter, { configure });
      const reader = await SseReader.open(app, 'topic=orders');
      await reader.opening();
      await publish(app, 'orders', 2);
      expect((await reader.notifications(2)).map(({ data }) => data.n)).toEqual([1, 2]);
      await app.close();
      await reader.rest();
      expect(reader.ended).toBe(true);
    });
  });
}, ONE_ADAPTER);
