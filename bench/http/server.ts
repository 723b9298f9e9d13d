/*
 * One of the servers that are compared, in a process of its own: `server.ts NAME`. It reports its
 * port. It publishes when the clients' process sends an order.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { go, nchan, type Program } from './programs.js';

/** 200 bytes of data. */
const PADDING = 'x'.repeat(185);

interface Running {
  readonly port: number;
  publish(serial: number, topic: string): unknown;
  /** The current cursor, if the server has cursors. */
  cursor?(): string;
  /** The CPU time in µs, if the server is another process. */
  cpuUs?(): number;
}

const listening = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, resolve));
  return (server.address() as AddressInfo).port;
};

interface Held {
  readonly topics: readonly string[];
  readonly response: ServerResponse;
}

type Floor = Omit<Running, 'port'> & { handle(request: IncomingMessage, response: ServerResponse): void };

/**
 * The best case of node:http. It indexes waiters by topic, and encodes one string for all waiters
 * of a notification. It encodes the list of notifications after a cursor once for all late clients.
 */
function floor(): Floor {
  const held = new Map<string, Held[]>();
  const streams: ServerResponse[] = [];
  const published: { topic: string; json: string }[] = [];
  const bodies = new Map<string, string>();
  const bodyOf = (notifications: string): string =>
    `{"notifications":[${notifications}],"cursor":"${String(published.length).padStart(36, '0')}","more":false}`;
  const answer = (response: ServerResponse, body: string): void => {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
    response.end(body);
  };
  const since = (topics: readonly string[], cursor: number): string => {
    const key = `${topics.join()} ${cursor} ${published.length}`;
    const known = bodies.get(key);
    if (known !== undefined) return known;
    const entries = published.slice(cursor).filter(({ topic }) => topics.includes(topic));
    const body = entries.length > 0 ? bodyOf(entries.map(({ json }) => json).join()) : '';
    if (bodies.size > 100) bodies.clear();
    bodies.set(key, body);
    return body;
  };
  const poll = (url: string, response: ServerResponse): void => {
    const topics: string[] = [];
    let cursor = Infinity;
    for (const part of url.slice(url.indexOf('?') + 1).split('&')) {
      if (part.startsWith('topic=')) topics.push(part.slice(6));
      else if (part.startsWith('cursor=')) cursor = Number(part.slice(7));
    }
    const body = cursor < published.length ? since(topics, cursor) : '';
    if (body !== '') answer(response, body);
    else for (const topic of topics) waitersOf(topic).push({ topics, response });
  };
  const waitersOf = (topic: string): Held[] => {
    let waiters = held.get(topic);
    if (!waiters) held.set(topic, (waiters = []));
    return waiters;
  };
  return {
    handle: (request, response) => {
      if (request.headers.accept !== 'text/event-stream') poll(request.url ?? '', response);
      else {
        response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
        response.write(':\n\n');
        streams.push(response);
      }
    },
    cursor: () => String(published.length).padStart(36, '0'),
    publish: (serial, topic) => {
      const time = new Date().toISOString();
      const json = JSON.stringify({
        id: String(serial),
        topic,
        type: 'created',
        time,
        data: { serial, padding: PADDING },
      });
      published.push({ topic, json });
      const body = bodyOf(json);
      const waiters = held.get(topic) ?? [];
      held.delete(topic);
      for (const { topics, response } of waiters) {
        for (const other of topics) if (other !== topic) held.delete(other);
        answer(response, body);
      }
      const block = Buffer.from(`id: ${published.length}\ndata: ${json}\n\n`);
      for (const response of streams) response.write(block);
    },
  };
}

async function raw(): Promise<Running> {
  const { handle, ...running } = floor();
  return { port: await listening(createServer(handle)), ...running };
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

/**
 * The node:http server behind an empty handler of Nest: it shows the cost of the framework alone.
 */
async function emptyHandler(platform: Platform): Promise<Running> {
  const { Controller, Get, Module, Req, Res } = await import('@nestjs/common');
  const { handle, ...running } = floor();

  @Controller()
  class FloorController {
    @Get('notifications')
    poll(@Req() request: { raw?: IncomingMessage }, @Res() response: { raw?: ServerResponse; hijack?(): void }) {
      response.hijack?.();
      handle(request.raw ?? (request as IncomingMessage), response.raw ?? (response as ServerResponse));
    }
  }
  @Module({ controllers: [FloorController] })
  class AppModule {}

  const { port } = await nest(platform, AppModule);
  return { port, ...running };
}

/**
 * The handler that most articles show: it races an event against a timer. Streams use Nest's
 * `@Sse()`.
 */
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
  const publish = (serial: number, topic: string) =>
    service.publish(topic, { type: 'created', data: { serial, padding: PADDING } });
  return { port, publish, cursor: () => service.cursor() };
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

async function beside(program: Program): Promise<Running> {
  const { port, cpuUs } = program;
  const publish = (serial: number, topic: string) =>
    program.post(
      topic,
      JSON.stringify({ id: String(serial), topic, type: 'created', data: { serial, padding: PADDING } }),
    );
  return { port, publish, cpuUs };
}

/** Imports a package of bench/peers, which has its own dependencies. */
async function peer<T>(name: string): Promise<T> {
  const { createRequire } = await import('node:module');
  const { pathToFileURL } = await import('node:url');
  const require = createRequire(new URL('../peers/package.json', import.meta.url));
  return (await import(pathToFileURL(require.resolve(name)).href)) as T;
}

const SERVERS: Readonly<Record<string, () => Promise<Running>>> = {
  'node:http': raw,
  'empty Nest handler, Fastify': () => emptyHandler('fastify'),
  'empty Nest handler, Express': () => emptyHandler('express'),
  'naive handler, Fastify': () => naive('fastify'),
  'naive handler, Express': () => naive('express'),
  'nest-notifications, Fastify': () => ours('fastify', 0),
  'nest-notifications, Express': () => ours('express', 0),
  'nest-notifications, Fastify, direct lane': () => ours('fastify', 30_000),
  'nest-notifications, Express, direct lane': () => ours('express', 30_000),
  '@durable-streams/server': durableStreams,
  'Go net/http': async () => beside(await go()),
  'nginx with nchan': async () => beside(await nchan()),
  'better-sse': betterSse,
  'Nest @Sse(), Fastify': () => naive('fastify'),
  'Nest @Sse(), Express': () => naive('express'),
};

const server = await SERVERS[process.argv[2] ?? '']?.();
if (!server) throw new Error(`there is no server ${process.argv[2]}`);

/** The orders of the clients' process. */
export interface Order {
  /** The notifications to publish at once: serial numbers and topics. */
  readonly publish?: readonly (readonly [serial: number, topic: string])[];
  /**
   * Publishes each notification after the previous one is acknowledged, in its own turn of the
   * event loop, as over HTTP.
   */
  readonly inTurn?: boolean;
  /** Whether to collect garbage before the report. */
  readonly collect?: boolean;
  /** Starts the measurement of pauses of the event loop. */
  readonly watch?: boolean;
}

/** The report after each order. */
export interface Report {
  readonly port: number;
  readonly cpuUs: number;
  readonly cursor: string | undefined;
  readonly rssBytes: number;
  /** The longest pause of the event loop since the last report. */
  readonly blockedMs: number;
}

/** The interval of the measurement. With a shorter interval the server would never be idle. */
const RESOLUTION_MS = 10;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

function report(): void {
  const { user, system } = process.cpuUsage();
  const blockedMs = Math.max(0, delay.max / 1e6 - RESOLUTION_MS);
  delay.reset();
  process.send?.({
    port: server?.port,
    cpuUs: server?.cpuUs?.() ?? user + system,
    cursor: server?.cursor?.(),
    rssBytes: process.memoryUsage.rss(),
    blockedMs,
  });
}

async function publishInTurn(all: NonNullable<Order['publish']>): Promise<void> {
  for (const [serial, topic] of all) {
    await server?.publish(serial, topic);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

process.on('message', ({ publish, inTurn, collect, watch }: Order) => {
  if (watch) delay.enable();
  if (publish && inTurn) void publishInTurn(publish);
  else for (const [serial, topic] of publish ?? []) void server.publish(serial, topic);
  if (collect) globalThis.gc?.();
  if (!publish) report();
});
process.on('disconnect', () => process.exit(0));
report();
