import { describe, expect, test } from '@jest/globals';
import { type CallHandler, type CanActivate, Injectable, type NestInterceptor } from '@nestjs/common';
import type { NotificationsOptions } from 'nest-notifications';
import { type Observable, tap } from 'rxjs';
import { ADAPTERS, forEachAdapter } from '../support/http/adapters.js';
import { OPEN, startApp, type TestApp } from '../support/http/app.js';
import { Connection, requestText } from '../support/http/connection.js';
import { backUp, holdPoll, poll, publish } from '../support/http/feed.js';
import { SseReader } from '../support/http/sse.js';
import { ownMs } from '../support/http/timing.js';
import { turn, until } from '../support/time/until.js';

const POLL = { path: '/notifications?topic=orders' };
const STREAM = { ...POLL, headers: { Accept: 'text/event-stream' } };
const NOTHING = { waiters: 0, topics: 0, subscribers: 0, addresses: 0, unreadConnections: 0, unreadBytes: 0 };

/** A gate that requests wait at until it is opened. */
class Gate {
  waiting = 0;
  #open = (): void => undefined;
  readonly #opened = new Promise<void>((resolve) => (this.#open = resolve));

  async pass(): Promise<true> {
    this.waiting++;
    await this.#opened;
    return true;
  }

  open(): void {
    this.#open();
  }
}

/**
 * The application has noticed that the client disconnected. Objects that remain now are leaks.
 */
async function gone(app: TestApp, connection: Connection): Promise<void> {
  await connection.destroy();
  await until(() => app.sockets.size === 0);
  await turn(20);
  expect(app.counts()).toEqual(NOTHING);
}

forEachAdapter((adapter) => {
  describe.each([
    ['a poll', POLL],
    ['a stream', STREAM],
  ])('%s leaves no resources after its client disconnects', (_, request) => {
    test('in the middle of its request', async () => {
      const app = await startApp(adapter);
      const text = requestText(request);
      for (const part of [1, 10, text.length - 2]) {
        const connection = await Connection.open(app);
        connection.socket.write(text.slice(0, part));
        await until(() => app.sockets.size === 1);
        await turn(5);
        await gone(app, connection);
      }
    });

    test('right after its request, at any time while it is parsed', async () => {
      const app = await startApp(adapter);
      for (let turns = 0; turns < 30; turns++) {
        const connection = await Connection.open(app);
        connection.send(request);
        await turn(turns % 10);
        await gone(app, connection);
      }
    });

    test('while a guard of the application is pending', async () => {
      const gate = new Gate();
      @Injectable()
      class SlowGuard implements CanActivate {
        canActivate(): Promise<boolean> {
          return gate.pass();
        }
      }
      const app = await startApp(adapter, { notifications: { ...OPEN, guards: [SlowGuard] } });
      await goneAtGate(app, gate);
    });

    test.each([
      ['read', (gate: Gate) => ({ read: () => gate.pass() })],
      ['expiresAt', (gate: Gate) => ({ read: 'public' as const, expiresAt: () => gate.pass().then(() => undefined) })],
    ])('while the access rule %s is pending', async (_name, access) => {
      const gate = new Gate();
      await goneAtGate(await startApp(adapter, { notifications: { access: access(gate) } }), gate);
    });

    test('while the access check is pending, on a node that becomes busy', async () => {
      const gate = new Gate();
      const read = (_context: unknown, topic: string) => topic !== 'orders' || gate.pass();
      const options: NotificationsOptions = { access: { read }, limits: { waitersMax: 1 } };
      const app = await startApp(adapter, { notifications: options });
      const connection = await Connection.open(app);
      connection.send(request);
      await until(() => gate.waiting === 1);
      await holdPoll(app, 'topic=others');
      await connection.destroy();
      await until(() => app.sockets.size === 1);
      gate.open();
      await turn(20);
      expect(app.counts()).toMatchObject({ waiters: 1, topics: 1, subscribers: 0, addresses: 1 });
      expect(await ownMs(() => app.close())).toBeLessThan(1_500);
    });

    async function goneAtGate(app: TestApp, gate: Gate): Promise<void> {
      const connection = await Connection.open(app);
      connection.send(request);
      await until(() => gate.waiting === 1);
      await connection.destroy();
      await until(() => app.sockets.size === 0);
      gate.open();
      await turn(20);
      expect(app.counts()).toEqual(NOTHING);
    }

    test('while it waits', async () => {
      const app = await startApp(adapter);
      const connection = await Connection.open(app);
      connection.send(request);
      await until(() => app.counts().waiters === 1);
      await gone(app, connection);
      await publish(app, 'orders');
    });

    test('while it waits, behind interceptors', async () => {
      class Logging implements NestInterceptor {
        intercept(_context: unknown, next: CallHandler): Observable<unknown> {
          return next.handle().pipe(tap());
        }
      }
      const interceptors = [new Logging(), new Logging()];
      const app = await startApp(adapter, { configure: (nest) => nest.useGlobalInterceptors(...interceptors) });
      const connection = await Connection.open(app);
      connection.send(request);
      await until(() => app.counts().waiters === 1);
      await gone(app, connection);
    });

    test('by a reset', async () => {
      const app = await startApp(adapter);
      const connection = await Connection.open(app);
      connection.send(request);
      await until(() => app.counts().waiters === 1);
      connection.socket.resetAndDestroy();
      await connection.whenClosed();
      await gone(app, connection);
    });

    test('at the moment when it is woken', async () => {
      const app = await startApp(adapter);
      for (let turns = 0; turns < 5; turns++) {
        const connection = await Connection.open(app);
        connection.send(request);
        await until(() => app.counts().waiters === 1);
        await publish(app, 'orders');
        await turn(turns);
        await gone(app, connection);
      }
    });

    test('among a hundred other polls, which are answered', async () => {
      const app = await startApp(adapter);
      const connections = await Promise.all(Array.from({ length: 100 }, () => Connection.open(app)));
      for (const connection of connections) connection.send(request);
      await until(() => app.counts().waiters === 100);
      const published = publish(app, 'orders');
      const [leaving, staying] = [connections.slice(0, 50), connections.slice(50)];
      await Promise.all([...leaving.map((connection) => connection.destroy()), published]);
      for (const connection of staying) {
        const message = await connection.head();
        await connection.when(() => message.text.includes('"n":1'), 'the notification');
      }
      await Promise.all(staying.map((connection) => connection.destroy()));
      await until(() => app.counts().waiters === 0);
    });
  });

  describe('a stream leaves no resources after its client disconnects', () => {
    test('between two notifications', async () => {
      const app = await startApp(adapter);
      const reader = await SseReader.open(app, 'topic=orders');
      await reader.opening();
      await publish(app, 'orders');
      await reader.notifications(1);
      await gone(app, reader.connection);
    });

    test('in the middle of a replay', async () => {
      const app = await startApp(adapter);
      await publish(app, 'orders', 3_000);
      const reader = await SseReader.open(app, 'topic=orders&cursor=earliest&limit=10');
      await reader.opening();
      await reader.notifications(20);
      expect(app.counts().waiters).toBe(1);
      await gone(app, reader.connection);
    });

    test('while it does not read, and the server waits for it', async () => {
      const app = await startApp(adapter);
      const reader = await SseReader.open(app, 'topic=orders');
      await reader.opening();
      reader.connection.socket.pause();
      await backUp(app);
      expect(app.counts().waiters).toBe(1);
      await gone(app, reader.connection);
    });
  });

  test('many sequential or pipelined polls on one connection cause no leak warning', async () => {
    const app = await startApp(adapter);
    const connection = await Connection.open(app);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 25; i++) connection.send(POLL);
      await until(() => app.counts().waiters === 25);
      await publish(app, 'orders');
      for (let i = 0; i < 25; i++) expect((await connection.response()).status).toBe(200);
    }
    expect((await poll(app, 'topic=orders&wait=0')).status).toBe(200);
  });
}, ADAPTERS);
