/*
 * How much memory does a stalled client cost?
 *
 * A node of its own holds 1,000 streams with stalled clients and ten with healthy ones. 500
 * notifications of 16 KiB are published. Each is published when the ten healthy streams have
 * received the previous one. A second run has no stalled streams. The results are the node's memory
 * per stalled client, in the process and in the kernel's socket buffers, and the latency of the
 * ten. The module has its default options.
 *
 *   npm run bench:stalled [-- READERS]           prints one JSON object
 */
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Server, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { NotificationsModule, NotificationsService } from '../src/index.js';

const HEALTHY = 10;
const NOTIFICATIONS = 500;
const DATA = 'x'.repeat(16 * 1024);
const PAGE_BYTES = 4_096;

interface Memory {
  readonly rssBytes: number;
  /** The bytes that Node.js holds for stalled sockets. */
  readonly unreadBytes: number;
}

if (process.send) await serve();
else await measure(Number(process.argv[2] ?? 1_000));

async function serve(): Promise<void> {
  @Module({
    imports: [NotificationsModule.forRoot({ access: 'public' })],
  })
  class AppModule {}
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  await app.listen(0, '127.0.0.1');
  const sockets = new Set<Socket>();
  const server = app.getHttpServer() as Server;
  server.on('connection', (socket: Socket) => sockets.add(socket));
  const service = app.get(NotificationsService);
  process.on('message', (command: string) => {
    void (async () => {
      if (command === 'publish') await service.publish('orders', { type: 'padded', data: DATA });
      let unreadBytes = 0;
      for (const { writableLength } of sockets) unreadBytes += writableLength;
      process.send?.({ rssBytes: process.memoryUsage.rss(), unreadBytes } satisfies Memory);
    })();
  });
  process.send?.({ port: (server.address() as { port: number }).port });
}

async function ask(node: ChildProcess, command: string): Promise<Memory> {
  node.send(command);
  return (await once(node, 'message'))[0] as Memory;
}

async function stream(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.write('GET /notifications?topic=orders HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n');
  await once(socket, 'data');
  return socket;
}

async function run(stalledCount: number): Promise<Record<string, number>> {
  const node = fork(import.meta.filename);
  const [{ port }] = (await once(node, 'message')) as [{ port: number }];
  const healthy = await Promise.all(Array.from({ length: HEALTHY }, () => stream(port)));
  const stalled: Socket[] = [];
  while (stalled.length < stalledCount) stalled.push((await stream(port)).pause());
  let received = 0;
  for (const socket of healthy) socket.on('data', (chunk) => (received += chunk.length));
  const before = await ask(node, 'look');
  const kernelBefore = kernelBytes();
  let highest = before;
  const latenciesMs: number[] = [];
  for (let sent = 1; sent <= NOTIFICATIONS; sent++) {
    const startMs = performance.now();
    const memory = await ask(node, 'publish');
    while (received < sent * HEALTHY * DATA.length) await turn();
    latenciesMs.push(performance.now() - startMs);
    if (memory.rssBytes > highest.rssBytes) highest = memory;
  }
  const after = await ask(node, 'look');
  const kernel = kernelBytes() - kernelBefore;
  for (const socket of [...healthy, ...stalled]) socket.destroy();
  node.kill();
  await once(node, 'exit');
  const KIB = 1_024;
  latenciesMs.sort((a, b) => a - b);
  return {
    stalled: stalledCount,
    nodeMib: Math.round((highest.rssBytes - before.rssBytes) / KIB ** 2),
    unreadMib: Math.round(after.unreadBytes / KIB ** 2),
    kernelMib: Math.round(kernel / KIB ** 2),
    healthyP50Ms: Number(latenciesMs[NOTIFICATIONS >> 1]!.toFixed(1)),
    healthyP99Ms: Number(latenciesMs[Math.floor(NOTIFICATIONS * 0.99)]!.toFixed(1)),
  };
}

/** TCP buffers of the whole machine. */
function kernelBytes(): number {
  const pages = /^TCP:.* mem (\d+)/m.exec(readFileSync('/proc/net/sockstat', 'utf8'))?.[1];
  return Number(pages ?? NaN) * PAGE_BYTES;
}

async function measure(readers: number): Promise<void> {
  const report = [await run(0), await run(readers)];
  console.log(JSON.stringify(report, undefined, 2));
}
