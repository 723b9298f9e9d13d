import { afterEach, describe, expect, test } from '@jest/globals';
import {
  Controller,
  Get,
  type INestApplication,
  type MiddlewareConsumer,
  Module,
  type NestModule,
  Query,
} from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { NestFactory } from '@nestjs/core';
import { NotificationsModule, type NotificationsOptions } from 'nest-notifications';
import { connect } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { pinoHttp } from 'pino-http';
import { type Adapter, forEachAdapter } from '../support/http/adapters.js';
import { type AppOptions, startApp, type TestApp } from '../support/http/app.js';
import { atTestEnd, endTest } from '../support/http/cleanup.js';
import { Connection, request } from '../support/http/connection.js';
import { SseReader } from '../support/http/sse.js';
import { until } from '../support/time/until.js';

const NOTIFICATIONS: NotificationsOptions = {
  tickets: {},
  access: { subscriber: () => 'ann', topics: () => ['user.ann'], read: 'public' },
};

/** Collects lines of a log. */
class Lines extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/**
 * pino-http with its complete serializers, and a log line when the request arrives.
 */
const pino = (lines: Lines) => {
  const logger = pinoHttp({ quietReqLogger: false }, lines);
  return (...args: Parameters<typeof logger>): void => {
    const [incoming] = args;
    logger(...args);
    incoming.log.info({ req: incoming }, 'arrived');
  };
};

/** A logger that logs the URL, like morgan. */
const morganLike =
  (lines: Lines) =>
  (incoming: { originalUrl?: string; url: string; query?: object }, _response: unknown, next: () => void): void => {
    lines.write(`${incoming.originalUrl} ${incoming.url} ${JSON.stringify(incoming.query)}\n`);
    next();
  };

async function newTicket(app: TestApp): Promise<string> {
  const { json } = await request(app, { method: 'POST', path: '/notifications/tickets' });
  return json.ticket as string;
}

/** Uses a ticket twice, and disconnects. The second use is rejected. */
async function useTicket(app: TestApp, ticket: string, name: string): Promise<void> {
  const stream = await SseReader.open(app, `${name}=${ticket}&x=1`);
  expect(stream.head.status).toBe(200);
  await stream.opening();
  await stream.close();
  await until(() => app.counts().waiters === 0);
  const again = await request(app, {
    path: `/notifications?${name}=${ticket}`,
    headers: { Accept: 'text/event-stream' },
  });
  expect([again.status, again.json.code]).toEqual([401, 'ticket_spent']);
}

type Wire = (lines: Lines, adapter: Adapter) => Pick<AppOptions, 'configure' | 'imports'>;

/** A module that applies middleware for all routes, as `LoggerModule` of nestjs-pino does. */
function loggerModule(lines: Lines) {
  @Module({})
  class LoggerModule implements NestModule {
    configure(consumer: MiddlewareConsumer): void {
      consumer.apply(pino(lines) as never).forRoutes('*path');
    }
  }
  return LoggerModule;
}

const WIRINGS: [string, Wire][] = [
  ['pino-http in app.use', (lines) => ({ configure: (nest: INestApplication) => nest.use(pino(lines)) })],
  [
    'pino-http in a module that is imported first',
    (lines) => ({ imports: [loggerModule(lines), NotificationsModule.forRoot(NOTIFICATIONS)] }),
  ],
  ['a logger of URLs in app.use', (lines) => ({ configure: (nest: INestApplication) => nest.use(morganLike(lines)) })],
];

class Other {
  read(query: object): object {
    return query;
  }
}
Controller('other')(Other);
Get()(Other.prototype, 'read', Object.getOwnPropertyDescriptor(Other.prototype, 'read')!);
Query()(Other.prototype, 'read', 0);

forEachAdapter((adapter) => {
  describe.each(WIRINGS)('with %s', (_, wire) => {
    test.each(['ticket', '%74icket', 'Ticket'])('the log contains no ticket of ?%s=', async (name) => {
      const lines = new Lines();
      const app = await startApp(adapter, { notifications: NOTIFICATIONS, ...wire(lines, adapter) });
      const ticket = await newTicket(app);
      await useTicket(app, ticket, name);
      await until(() => lines.text.includes('redacted'));
      expect(lines.text).not.toContain(ticket.slice(0, 16));
    });
  });

  test('other routes and other parameters are logged unchanged', async () => {
    const app = await startApp(adapter, { notifications: NOTIFICATIONS, controllers: [Other] });
    const { json } = await request(app, { path: '/other?ticket=of-a-concert&x=%20y' });
    expect(json).toEqual({ ticket: 'of-a-concert', x: ' y' });
    const refused = await request(app, {
      path: '/notifications?ticket=forged',
      headers: { Accept: 'text/event-stream' },
    });
    expect([refused.status, refused.json.code]).toEqual([401, 'ticket_invalid']);
  });
});

describe('Fastify', () => {
  afterEach(endTest);

  test('logs no ticket itself, over HTTP/1 and HTTP/2', async () => {
    for (const http2 of [false, true]) {
      const lines = new Lines();
      @Module({ imports: [NotificationsModule.forRoot(NOTIFICATIONS)] })
      class AppModule {}
      const adapter = new FastifyAdapter({
        logger: { level: 'info', stream: lines },
        ...(http2 && { http2 }),
      } as object);
      const nest = await NestFactory.create(AppModule, adapter, { logger: false });
      atTestEnd(() => nest.close());
      await nest.listen(0, '127.0.0.1');
      const { port } = nest.getHttpServer().address() as AddressInfo;
      const ask = http2 ? askHttp2 : askHttp1;
      const { ticket } = JSON.parse(await ask(port, 'POST', '/notifications/tickets')) as { ticket: string };
      expect(await ask(port, 'GET', `/notifications?ticket=${ticket}`)).toContain('event: cursor');
      expect(lines.text).toContain('ticket=redacted');
      expect(lines.text).not.toContain(ticket.slice(0, 16));
    }
  });
});

/** The first part of the answer's body. */
async function askHttp1(port: number, method: string, path: string): Promise<string> {
  const connection = await Connection.open({ port });
  connection.send({ method, path, headers: { Accept: 'text/event-stream' } });
  const head = await connection.head();
  await connection.when(() => head.parts.length > 0, 'a part of the body');
  await connection.destroy();
  return head.text;
}

async function askHttp2(port: number, method: string, path: string): Promise<string> {
  const session = connect(`http://127.0.0.1:${port}`);
  const stream = session.request({ ':method': method, ':path': path, accept: 'text/event-stream' });
  const part = await new Promise<Buffer>((resolve) => stream.once('data', resolve));
  session.destroy();
  return part.toString();
}
