import { afterEach, expect, test } from '@jest/globals';
import type { HttpAdapterHost } from '@nestjs/core';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { PublishContext } from '../../src/nest/context.js';
import { CLOSING_GRACE_MS } from '../../src/nest/http/closing-responses.js';
import { UnusedConnections } from '../../src/nest/lifecycle/unused-connections.js';
import { ManualClock } from '../../src/testing/index.js';
import { atTestEnd, endTest } from '../support/http/cleanup.js';
import { Connection } from '../support/http/connection.js';
import { until } from '../support/time/until.js';

afterEach(endTest);

async function serve(): Promise<{ server: Server; clock: ManualClock; connections: UnusedConnections }> {
  const server = createServer((_, response) => response.end('answer'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atTestEnd(() => server.close());
  const clock = new ManualClock();
  const host = { httpAdapter: { getHttpServer: () => server } } as unknown as HttpAdapterHost;
  const connections = new UnusedConnections({ clock } as unknown as PublishContext, host);
  connections.onApplicationBootstrap();
  return { server, clock, connections };
}

/** Opens a connection, and waits until the server has it. */
async function open(server: Server): Promise<{ connection: Connection; socket: Socket }> {
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const connection = await Connection.open({ port: (server.address() as AddressInfo).port });
  const [socket] = await accepted;
  return { connection, socket };
}

test('closes connections without a request, and leaves the others open', async () => {
  const { server, clock, connections } = await serve();
  const unused = await open(server);
  const used = await open(server);
  used.connection.send({ path: '/' });
  await used.connection.response();
  await clock.advance(CLOSING_GRACE_MS);
  connections.close();
  await unused.connection.whenClosed();
  expect(used.socket.destroyed).toBe(false);
});

test('does not close a connection whose first bytes have arrived', async () => {
  const { server, clock, connections } = await serve();
  const { connection, socket } = await open(server);
  await clock.advance(CLOSING_GRACE_MS);
  connection.socket.write('GET / HTTP/1.1\r\n');
  await until(() => socket.bytesRead > 0);
  connections.close();
  expect(socket.destroyed).toBe(false);
});

test.each([
  ['during the shutdown', (connections: UnusedConnections) => connections.close(), () => undefined],
  ['just before the shutdown', () => undefined, (connections: UnusedConnections) => connections.close()],
])('gives a connection that opens %s a grace period for its request', async (_, before, after) => {
  const { server, clock, connections } = await serve();
  before(connections);
  const unused = await open(server);
  const used = await open(server);
  after(connections);
  used.connection.send({ path: '/' });
  await used.connection.response();
  await clock.advance(CLOSING_GRACE_MS - 1);
  expect(unused.socket.destroyed).toBe(false);
  await clock.advance(1);
  await unused.connection.whenClosed();
  expect(used.socket.destroyed).toBe(false);
});
