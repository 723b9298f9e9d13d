/*
 * One of the servers that are compared, in a process of its own: `server.ts NAME`. It tells its port, publishes when it is told to, and
 * says how much processor time it has used.
 */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** 200 bytes of data. */
const PADDING = 'x'.repeat(185);

interface Running {
  readonly port: number;
  publish(serial: number): unknown;
}

const listening = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, resolve));
  return (server.address() as AddressInfo).port;
};

/** What node:http can do at best: waiters in an array, and one string for all of them. */
async function raw(): Promise<Running> {
  let held: ServerResponse[] = [];
  const streams: ServerResponse[] = [];
  let cursor = 0;
  const server = createServer((request, response) => {
    if (request.headers.accept !== 'text/event-stream') held.push(response);
    else {
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
      response.write(':\n\n');
      streams.push(response);
    }
  });
  return {
    port: await listening(server),
    publish: (serial) => {
      const time = new Date().toISOString();
      const data = { serial, padding: PADDING };
      const json = JSON.stringify({ id: String(serial), topic: 'orders', type: 'created', time, data });
      const body = `{"notifications":[${json}],"cursor":"${String(++cursor).padStart(36, '0')}","more":false}`;
      const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
      for (const response of held.splice(0)) {
        response.writeHead(200, headers);
        response.end(body);
      }
      held = [];
      const block = Buffer.from(`id: ${cursor}\ndata: ${json}\n\n`);
      for (const response of streams) response.write(block);
    },
  };
}

type Platform = 'express' | 'fastify';

async function nest(platform: Platform, module: object, logger: ['error'] = ['error']) {
  const { NestFactory } = await import('@nestjs/core');
  const { ExpressAdapter } = await import('@nestjs/platform-express');
  const { FastifyAdapter } = await import('@nestjs/platform-fastify');
  const adapter = platform === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const app = await NestFactory.create(module as never, adapter, { logger });
  await app.listen(0, '127.0.0.1');
  return { app, port: ((app.getHttpServer() as Server).address() as AddressInfo).port };
}

/** The handler of the usual article: an event raced against a timer; and Nest's own `@Sse()`. */
async function naive(platform: Platform): Promise<Running> {
  const { Controller, Get, Module, Sse } = await import('@nestjs/common');
  const { map, race, Subject, take, timer } = await import('rxjs');
  const events = new Subject<object>();

  @Controller()
  class NaiveController {
    @Get('notifications')
    poll() {
      return race(events.pipe(take(1)), timer(30_000).pipe(map(() => ({ message: 'timeout' }))));
    }

    @Sse('stream')
    stream() {
      return events.pipe(map((data) => ({ data })));
    }
  }
  @Module({ controllers: [NaiveController] })
  class AppModule {}

  const { port } = await nest(platform, AppModule);
  const publish = (serial: number): void => {
    events.next({ id: String(serial), topic: 'orders', type: 'created', data: { serial, padding: PADDING } });
  };
  return { port, publish };
}

async function ours(platform: Platform, grantMs: number): Promise<Running> {
  const { Module } = await import('@nestjs/common');
  const { NotificationsModule, NotificationsService } = await import('../../src/index.js');
  const limits = { waitersMax: 100_000, waitersPerAddressMax: 100_000 };
  @Module({ imports: [NotificationsModule.forRoot({ access: 'public', limits, directLane: { grantMs } })] })
  class AppModule {}

  const { app, port } = await nest(platform, AppModule);
  const service = app.get(NotificationsService);
  const publish = (serial: number) =>
    service.publish('orders', { type: 'created', data: { serial, padding: PADDING } });
  return { port, publish };
}

async function betterSse(): Promise<Running> {
  const { createChannel, createSession } = await peer<{
    createChannel(): { register(session: unknown): void; broadcast(data: unknown): void };
    createSession(request: unknown, response: unknown): Promise<unknown>;
  }>('better-sse');
  const channel = createChannel();
  const server = createServer((request, response) => {
    void createSession(request, response).then((session) => {
      channel.register(session);
    });
  });
  const publish = (serial: number): void => {
    channel.broadcast({ id: String(serial), topic: 'orders', type: 'created', data: { serial, padding: PADDING } });
  };
  return { port: await listening(server), publish };
}

async function durableStreams(): Promise<Running> {
  const { DurableStreamTestServer } = await peer<{
    DurableStreamTestServer: new (options: object) => { start(): Promise<string> };
  }>('@durable-streams/server');
  const url = await new DurableStreamTestServer({ port: 0, host: '127.0.0.1', compression: false }).start();
  const stream = `${url}/v1/stream/orders`;
  const headers = { 'Content-Type': 'application/json' };
  await fetch(stream, { method: 'PUT', headers });
  const publish = (serial: number) =>
    fetch(stream, { method: 'POST', headers, body: JSON.stringify({ serial, padding: PADDING }) });
  return { port: Number(new URL(url).port), publish };
}

/** From bench/peers, where it is installed by itself. */
async function peer<T>(name: string): Promise<T> {
  const { createRequire } = await import('node:module');
  const { pathToFileURL } = await import('node:url');
  const require = createRequire(new URL('../peers/package.json', import.meta.url));
  return (await import(pathToFileURL(require.resolve(name)).href)) as T;
}

const SERVERS: Readonly<Record<string, () => Promise<Running>>> = {
  'node:http': raw,
  'naive handler, Fastify': () => naive('fastify'),
  'naive handler, Express': () => naive('express'),
  'nest-notifications, Fastify': () => ours('fastify', 0),
  'nest-notifications, Express': () => ours('express', 0),
  'nest-notifications, Fastify, direct lane': () => ours('fastify', 30_000),
  'nest-notifications, Express, direct lane': () => ours('express', 30_000),
  '@durable-streams/server': durableStreams,
  'better-sse': betterSse,
  'Nest @Sse(), Fastify': () => naive('fastify'),
  'Nest @Sse(), Express': () => naive('express'),
};

const server = await SERVERS[process.argv[2] ?? '']?.();
if (!server) throw new Error(`there is no server ${process.argv[2]}`);
process.on('message', ({ publish }: { publish?: number }) => {
  if (publish !== undefined) void server.publish(publish);
  else {
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuUs: user + system });
  }
});
process.on('disconnect', () => process.exit(0));
process.send?.({ port: server.port });
