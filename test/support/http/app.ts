import { expect } from '@jest/globals';
import { type INestApplication, Module, type ModuleMetadata, type NestApplicationOptions } from '@nestjs/common';
import {
  type NotificationsCounts,
  NotificationsModule,
  type NotificationsOptions,
  NotificationsService,
} from 'nest-notifications';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Adapter } from './adapters.js';
import { atTestEnd } from './cleanup.js';
import { type Logs, nestLogger } from './logs.js';
import { until } from '../time/until.js';

type ModuleOptions = NonNullable<Parameters<typeof NotificationsModule.forRoot>[0]>;

export interface AppOptions {
  /** Options of `NotificationsModule.forRoot`. Default: every caller may read. */
  readonly notifications?: ModuleOptions;
  /** The imports of the application, in place of `NotificationsModule.forRoot(notifications)`. */
  readonly imports?: ModuleMetadata['imports'];
  readonly controllers?: ModuleMetadata['controllers'];
  readonly providers?: ModuleMetadata['providers'];
  /** Runs before the application starts: prefix, pipes, CORS. */
  readonly configure?: (app: INestApplication) => unknown;
  readonly nest?: NestApplicationOptions;
  /** Default: any free port. */
  readonly port?: number;
}

/** An application that listens on a free port of loopback. */
export interface TestApp {
  readonly nest: INestApplication;
  readonly port: number;
  /** The one feed of the application, or the first of several. */
  readonly service: NotificationsService;
  /**
   * The messages that it logged at warn and error. A test that expects a message removes it from
   * the list. Any other message fails the test.
   */
  readonly logs: Logs;
  /** Connections that its server has open. */
  readonly sockets: ReadonlySet<Socket>;
  counts(): NotificationsCounts;
  /** Closes the application before the end of the test. */
  close(): Promise<void>;
}

const NOTHING: NotificationsCounts = {
  waiters: 0,
  topics: 0,
  subscribers: 0,
  addresses: 0,
  unreadConnections: 0,
  unreadBytes: 0,
};

/** Every caller may read and publish. */
export const OPEN: NotificationsOptions = { access: { read: 'public', publish: 'public' } };

/**
 * Starts an application and closes it after the test. The test fails if the application has not
 * released all resources.
 */
export async function startApp(adapter: Adapter, options: AppOptions = {}): Promise<TestApp> {
  const { notifications = { access: 'public' } } = options;
  const { imports = [NotificationsModule.forRoot({ ...adapter.options, ...notifications })] } = options;
  @Module({ imports, controllers: options.controllers ?? [], providers: options.providers ?? [] })
  class AppModule {}

  const logs: Logs = [];
  const nest = await adapter.create(AppModule, {
    ...options.nest,
    logger: nestLogger(logs),
    logs,
    abortOnError: false,
  });
  await options.configure?.(nest);
  const server = nest.getHttpServer() as Server;
  const sockets = watchSockets(server);
  await nest.listen(options.port ?? 0, '127.0.0.1');
  const service = nest.get<NotificationsService>(NotificationsService, { strict: false });
  let closed: Promise<void> | undefined;
  const app: TestApp = {
    nest,
    port: (server.address() as AddressInfo).port,
    service,
    logs,
    sockets,
    counts: () => service.counts(),
    close: () => (closed ??= nest.close()),
  };
  atTestEnd(() => stop(app));
  return app;
}

/** The test's clients are closed before this step. */
async function stop(app: TestApp): Promise<void> {
  try {
    await until(() => app.counts().waiters + app.counts().topics === 0);
  } finally {
    await app.close();
  }
  expect(app.counts()).toEqual(NOTHING);
  await until(() => app.sockets.size === 0);
  expect(app.logs).toEqual([]);
}

function watchSockets(server: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return sockets;
}
