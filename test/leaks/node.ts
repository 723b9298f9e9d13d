/**
 * A node that says over IPC what it still holds: `node --expose-gc <bundle of this file>
 * express|fastify|lane`. watched-node.ts starts it and asks.
 */
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { type Clock, systemClock, type Timer } from '../../src/core/clock.js';
import type { Unsubscribable } from 'rxjs';
import type { PageConsumer } from '../../src/core/page-consumer.js';
import { Pages } from '../../src/core/pages.js';
import { Waiter } from '../../src/core/waiter.js';
import { memoryStore, NotificationsModule, type NotificationsOptions, NotificationsService } from '../../src/index.js';
import type { Command, NodeState } from './watched-node.js';

/** Little is kept, so that the memory of the log itself soon stays the same. */
const KEPT = { retainCount: 500, idempotencyCount: 600 };
/**
 * After so many collections, with turns of the event loop in between, nothing goes any more that
 * would go by itself.
 */
const COLLECTIONS = 6;

/** The runtime's clock, which knows how many timers run on it. */
class CountingClock implements Clock {
  readonly running = new Set<Timer>();
  readonly now = systemClock.now;
  readonly monotonic = systemClock.monotonic;
  readonly setImmediate = systemClock.setImmediate;

  setTimeout(task: () => void, delayMs: number): Timer {
    const timer = systemClock.setTimeout(() => {
      this.running.delete(timer);
      task();
    }, delayMs);
    this.running.add(timer);
    return timer;
  }

  clearTimeout(timer: Timer): void {
    this.running.delete(timer);
    systemClock.clearTimeout(timer);
  }
}

/** Weak references to the objects that were created since `watch` was on. */
const watched: { readonly what: string; readonly ref: WeakRef<object> }[] = [];
let isWatching = false;

function watch(what: string, object: object): void {
  if (isWatching) watched.push({ what, ref: new WeakRef(object) });
}

/** Every poll and stream is a subscription to pages, which starts a waiter. */
function watchWaiters(): void {
  const { subscribe } = Pages.prototype;
  Pages.prototype.subscribe = function (this: Pages, observer: PageConsumer) {
    watch('observer', observer);
    return (subscribe as (this: Pages, observer: PageConsumer) => Unsubscribable).call(this, observer);
  } as typeof subscribe;
  const { start } = Waiter.prototype;
  Waiter.prototype.start = function (this: Waiter) {
    watch('waiter', this);
    start.call(this);
  };
}

const [adapter = 'express', options] = process.argv.slice(2);
const clock = new CountingClock();

const WATCHED: NotificationsOptions = {
  access: { read: () => true, subscriber: () => 'somebody' },
  store: memoryStore(KEPT),
  limits: { waitersPerSubscriberMax: 10_000 },
  window: { count: 200 },
};
/** Every limit has its default. */
const DEFAULTS: NotificationsOptions = {
  access: {
    read: 'public',
    subscriber: ({ request }) => (request as IncomingMessage).headers['x-user'] as string | undefined,
  },
};
const warnings: string[] = [];
process.on('warning', ({ name }) => warnings.push(name));

@Module({
  imports: [
    NotificationsModule.forRoot({
      clock,
      ...(options === 'defaults' ? DEFAULTS : WATCHED),
      ...(adapter === 'lane' && { directLane: { grantMs: 60_000 } }),
    }),
  ],
})
class AppModule {}

const framework = adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
watchWaiters();
const app = await NestFactory.create(AppModule, framework, { logger: ['error', 'warn'] });
await app.listen(0, '127.0.0.1');
const server = app.getHttpServer() as Server;
const service = app.get(NotificationsService);
const sockets = new Set<Socket>();
server.on('connection', (socket: Socket) => {
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
});
server.prependListener('request', (request, response) => {
  watch('request', request);
  watch('response', response);
});

async function collect(): Promise<void> {
  for (let round = 0; round < COLLECTIONS; round++) {
    await turn();
    gc?.();
  }
}

async function state(): Promise<NodeState> {
  await collect();
  const alive: Record<string, number> = {};
  for (const { what, ref } of watched) if (ref.deref()) alive[what] = (alive[what] ?? 0) + 1;
  const listeners = [server, process].flatMap((emitter) =>
    emitter.eventNames().map((name) => emitter.listenerCount(name as string)),
  );
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return {
    heapBytes: heapUsed,
    usedBytes: heapUsed + arrayBuffers,
    rssBytes: rss,
    warnings,
    counts: service.counts(),
    sockets: sockets.size,
    timers: clock.running.size,
    listeners: listeners.reduce((sum, count) => sum + count, 0),
    watched: watched.length,
    alive,
  };
}

/** Fills the log, and answers cursors with a notification between each two. */
async function cursors(count: number): Promise<string[]> {
  const all = [service.cursor()];
  const data = 'x'.repeat(8 * 1024);
  while (all.length < count) all.push((await service.publish('orders', { type: 'padded', data })).cursor);
  return all;
}

/** A collection between two turns of those who wait would only show that they wait. */
async function answer(command: Command): Promise<unknown> {
  if (command.kind === 'counts') return { ...service.counts(), sockets: sockets.size };
  if (command.kind === 'heap') {
    gc?.();
    return process.memoryUsage().heapUsed;
  }
  if (command.kind === 'state') return state();
  if (command.kind === 'cursors') return cursors(command.count);
  if (command.kind === 'watch') {
    watched.length = 0;
    isWatching = command.on;
    return true;
  }
  const { topic, bytes, id } = command;
  return service.publish(topic, { type: 'padded', data: 'x'.repeat(bytes), ...(id !== undefined && { id }) });
}

process.on('message', ({ serial, command }: { serial: number; command: Command }) => {
  void answer(command).then((value) => process.send?.({ serial, value }));
});
process.on('disconnect', () => process.exit());
process.send?.({ port: (server.address() as AddressInfo).port });
