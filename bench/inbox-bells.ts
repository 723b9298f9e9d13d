/*
 * How much memory does an open bell cost, and how long does a broadcast take to reach all of them?
 *
 * A node of its own holds one event stream of an inbox for each of 10,000 subscribers. A second
 * process has the clients. The results are the memory of the node per open bell, and the time from
 * a broadcast until every bell has it with its own counts. The module has the default options,
 * except for the limits of waiters.
 *
 *   npm run bench:bells [-- BELLS]               prints one JSON object
 */
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Server, type Socket } from 'node:net';
import { InboxModule, InboxService } from '../src/inbox/index.js';

/** Connections that are opened at the same time. */
const BATCH = 200;
const BROADCASTS = 3;
const WAITERS_MAX = 20_000;

interface Memory {
  readonly rssBytes: number;
  readonly heapBytes: number;
}

if (process.send) await serve();
else await measure(Number(process.argv[2] ?? 10_000));

async function serve(): Promise<void> {
  @Module({
    imports: [
      InboxModule.forRoot({
        access: {
          subscriber: ({ request }: { request: { headers: Record<string, string> } }) => request.headers.authorization,
        },
        topics: () => ['announcements'],
        limits: { waitersMax: WAITERS_MAX, waitersPerAddressMax: WAITERS_MAX },
      }),
    ],
  })
  class AppModule {}
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  await app.listen(0, '127.0.0.1');
  const server = app.getHttpServer() as Server;
  const inbox = app.get(InboxService, { strict: false });
  process.on('message', (command: string) => {
    void (async () => {
      if (command === 'send') await inbox.send({ topic: 'announcements' }, { type: 'release', data: { version: 1 } });
      for (let run = 0; run < 3; run++) globalThis.gc?.();
      const { rss, heapUsed } = process.memoryUsage();
      process.send?.({ rssBytes: rss, heapBytes: heapUsed } satisfies Memory);
    })();
  });
  process.send?.({ port: (server.address() as { port: number }).port });
}

async function ask(node: ChildProcess, command: string): Promise<Memory> {
  node.send(command);
  return (await once(node, 'message'))[0] as Memory;
}

async function measure(bells: number): Promise<void> {
  const node = fork(import.meta.filename, { execArgv: [...process.execArgv, '--expose-gc'] });
  const [{ port }] = (await once(node, 'message')) as [{ port: number }];
  const before = await ask(node, 'memory');
  let events = 0;
  let [opened, allReceived] = [0, (): void => undefined];
  const sockets: Socket[] = [];
  const onData = (data: Buffer): void => {
    const text = data.toString('latin1');
    events += text.split('data: {"items"').length - 1;
    if (events === bells) allReceived();
  };
  while (opened < bells) {
    const batch = Array.from({ length: Math.min(BATCH, bells - opened) }, (_, index) => open(port, opened + index));
    sockets.push(...(await Promise.all(batch)));
    opened += batch.length;
  }
  for (const socket of sockets) socket.on('data', onData);
  const open$ = await ask(node, 'memory');
  const times: number[] = [];
  for (let run = 0; run < BROADCASTS; run++) {
    events = 0;
    const received = new Promise<void>((resolve) => (allReceived = resolve));
    const startMs = performance.now();
    node.send('send');
    await received;
    times.push(Math.round(performance.now() - startMs));
  }
  const after = await ask(node, 'memory');
  const kib = (now: Memory, part: keyof Memory): number =>
    Math.round(((now[part] - before[part]) / bells / 1024) * 10) / 10;
  const result = {
    bells,
    openHeapKib: kib(open$, 'heapBytes'),
    openRssKib: kib(open$, 'rssBytes'),
    afterBroadcastsHeapKib: kib(after, 'heapBytes'),
    afterBroadcastsRssKib: kib(after, 'rssBytes'),
    broadcastMs: times,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
  for (const socket of sockets) socket.destroy();
  node.kill();
}

/** Resolves when the stream has begun. */
async function open(port: number, bell: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  const head = `GET /inbox?cursor=latest HTTP/1.1\r\nHost: localhost\r\nAuthorization: subscriber-${bell}\r\n`;
  socket.write(`${head}Accept: text/event-stream\r\n\r\n`);
  await once(socket, 'data');
  return socket;
}
