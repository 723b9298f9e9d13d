import { describe, expect, test } from '@jest/globals';
import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { systemClock } from '../../src/core/clock.js';
import { forEachAdapter } from '../support/http/adapters.js';
import type { TestApp } from '../support/http/app.js';
import { requestText } from '../support/http/connection.js';
import { numbers, publish } from '../support/http/feed.js';
import { LANE, Poller, startCounting } from '../support/http/lane.js';
import { turn, until } from '../support/time/until.js';

/**
 * The lane reads a connection in place of node:http. Other requests of the client must have the
 * same answers as without the lane.
 */

const OPEN = { ...LANE, access: { read: 'public', publish: 'public' } } as const;

const serverOf = (app: TestApp): Server => app.nest.getHttpServer() as Server;

forEachAdapter((adapter) => {
  /** A client whose next poll takes the lane. */
  async function startGranted(notifications: Parameters<typeof startCounting>[1] = OPEN) {
    const { app, wholeWays } = await startCounting(adapter, notifications);
    const poller = await Poller.open(app);
    await poller.turns(3);
    expect(wholeWays()).toBe(2);
    return { app, poller, wholeWays };
  }

  const pollText = ({ cursor }: Poller, query = ''): string =>
    requestText({ path: `/notifications?topic=orders&cursor=${cursor}${query}` });

  describe('on a connection of the direct lane', () => {
    test('a poll that is sent before the previous answer is answered after it', async () => {
      const { app, poller, wholeWays } = await startGranted();
      poller.send();
      await until(() => app.counts().waiters === 1);
      poller.send();
      await publish(app, 'orders', 1, 7);
      const first = await poller.connection.response();
      const second = await poller.connection.response();
      for (const { json } of [first, second]) expect(numbers(json.notifications)).toEqual([7]);
      expect(wholeWays()).toBe(2);
    });

    test('two polls in one piece are answered one after the other', async () => {
      const { app, poller, wholeWays } = await startGranted();
      poller.connection.socket.write(pollText(poller) + pollText(poller, '&limit=1'));
      await until(() => wholeWays() === 4);
      await publish(app, 'orders', 1, 7);
      for (let n = 0; n < 2; n++) {
        expect(numbers((await poller.connection.response()).json.notifications)).toEqual([7]);
      }
    });

    test.each([1, 20, 60])('a poll in two pieces goes through the framework (cut after %i bytes)', async (cut) => {
      const { app, poller, wholeWays } = await startGranted();
      const text = pollText(poller);
      const { bytesRead } = [...app.sockets][0]!;
      poller.connection.socket.write(text.slice(0, cut));
      await until(() => [...app.sockets][0]!.bytesRead === bytesRead + cut);
      poller.connection.socket.write(text.slice(cut));
      await until(() => app.counts().waiters === 1);
      expect(wholeWays()).toBe(3);
      await publish(app, 'orders', 1, 7);
      const { json } = await poller.connection.response();
      expect(numbers(json.notifications)).toEqual([7]);
      poller.cursor = json.cursor as string;
      await poller.turns(3);
      // Another poll that arrives in one piece.
      expect(wholeWays()).toBe(4);
    });

    /**
     * The head of a request up to the value of a header. The next bytes are that value, even if
     * they look like a poll.
     */
    const HALF =
      'POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nX-Rest: ';

    /** Writes, and waits until the server has read it. */
    async function write(app: TestApp, { connection }: Poller, text: string): Promise<void> {
      const [socket] = app.sockets;
      const before = socket!.bytesRead;
      connection.socket.write(text);
      await until(() => socket!.bytesRead === before + text.length);
    }

    /**
     * Completes a half-sent request with bytes that look like a poll. Expects one answer, and not a
     * page.
     */
    async function expectHalfToGoOn(app: TestApp, poller: Poller): Promise<void> {
      await write(app, poller, pollText(poller));
      poller.connection.socket.write('ok');
      expect((await poller.connection.response()).status).toBe(404);
      expect([poller.connection.untaken, app.counts().waiters]).toEqual([0, 0]);
    }

    test.each([
      ['in one piece with it', (text: string) => [text + HALF]],
      ['in the next piece', (text: string) => [text, HALF]],
    ])('half a request after a poll through the framework, %s, is answered', async (_, pieces) => {
      let laterMs = 0;
      const clock = { ...systemClock, monotonic: () => performance.now() + laterMs };
      const { app, poller, wholeWays } = await startGranted({ ...OPEN, clock });
      laterMs = LANE.directLane.grantMs;
      for (const piece of pieces(pollText(poller))) await write(app, poller, piece);
      await until(() => app.counts().waiters === 1);
      expect(wholeWays()).toBe(3);
      await publish(app, 'orders');
      poller.cursor = (await poller.connection.response()).json.cursor as string;
      await expectHalfToGoOn(app, poller);
    });

    describe('while the rules are called', () => {
      async function startAsking() {
        const answers: ((allowed: boolean) => void)[] = [];
        let isSlow = false;
        const read = (): boolean | Promise<boolean> =>
          !isSlow || new Promise<boolean>((resolve) => answers.push(resolve));
        const started = await startGranted({ ...LANE, access: { read } });
        isSlow = true;
        started.poller.send();
        await until(() => answers.length === 1);
        isSlow = false;
        return { ...started, refuse: () => answers[0]?.(false), allow: () => answers[0]?.(true) };
      }

      test('the next request waits for its turn', async () => {
        const { app, poller, wholeWays, refuse } = await startAsking();
        await write(app, poller, pollText(poller, '&wait=0'));
        expect(wholeWays()).toBe(2);
        refuse();
        await until(() => wholeWays() === 4);
        await publish(app, 'orders', 1, 7);
        expect(numbers((await poller.connection.response()).json.notifications)).toEqual([7]);
        expect((await poller.connection.response()).status).toBe(200);
      });

      test('half a request is answered after the rules have returned', async () => {
        const { app, poller, refuse } = await startAsking();
        await write(app, poller, HALF);
        refuse();
        await until(() => app.counts().waiters === 1);
        await publish(app, 'orders');
        poller.cursor = (await poller.connection.response()).json.cursor as string;
        await expectHalfToGoOn(app, poller);
      });

      test.each(['allow', 'refuse'] as const)(
        'the lane does not wait for a disconnected client when the rules %s',
        async (answer) => {
          const started = await startAsking();
          const { app, poller, wholeWays } = started;
          await poller.connection.destroy();
          await until(() => app.sockets.size === 0);
          started[answer]();
          await turn();
          expect([app.counts().waiters, wholeWays()]).toEqual([0, 2]);
        },
      );
    });

    test('a body is not parsed as a poll, even if it looks like one', async () => {
      const { poller, wholeWays } = await startGranted();
      const body = pollText(poller);
      const headers = { 'Content-Type': 'text/plain', 'Content-Length': String(body.length) };
      poller.connection.socket.write(requestText({ method: 'POST', path: '/nowhere', headers }));
      await until(() => wholeWays() === 3);
      poller.connection.socket.write(body);
      const answer = await poller.connection.response();
      expect(answer.status).toBe(404);
      expect(poller.connection.untaken).toBe(0);
      await poller.turns(1);
      expect(wholeWays()).toBe(4);
    });

    test('a poll with a body never takes the lane, even if the body arrives later and looks like a poll', async () => {
      const { app, wholeWays } = await startCounting(adapter, { ...OPEN, poll: { waitMs: 0 } });
      const poller = await Poller.open(app);
      const path = (): string => `/notifications?topic=orders&cursor=${poller.cursor}`;
      const head = (length: number): string =>
        requestText({ path: path(), headers: { 'Content-Length': `${length}` } });
      const { length } = head(100);
      const ask = async (text: string): Promise<void> => {
        await write(app, poller, text);
        poller.cursor = (await poller.connection.response()).json.cursor as string;
      };
      for (let n = 1; n <= 3; n++) {
        await ask(head(length) + head(length));
        await ask(head(length));
        await write(app, poller, head(length));
        expect([poller.connection.untaken, wholeWays()]).toEqual([0, 2 * n]);
      }
    });

    test('a poll waits for the answer to the previous poll, with or without the lane', async () => {
      const gates: (() => void)[] = [];
      let isGated = false;
      const read = (): boolean | Promise<boolean> =>
        !isGated ||
        new Promise<boolean>((resolve) =>
          gates.push(() => {
            resolve(true);
          }),
        );
      const { app } = await startCounting(adapter, { ...LANE, access: { read } });
      const poller = await Poller.open(app);
      await write(app, poller, pollText(poller) + pollText(poller));
      await until(() => app.counts().waiters === 2);
      isGated = true;
      await publish(app, 'orders', 1, 7);
      await until(() => gates.length === 2);
      gates[0]!();
      const { json } = await poller.connection.response();
      // The third poll is held behind the second one. Then the second poll is answered.
      await write(app, poller, pollText(poller));
      await until(() => gates.length === 3);
      gates[2]!();
      await until(() => gates.length === 4);
      gates[1]!();
      await poller.connection.response();
      isGated = false;
      poller.cursor = json.cursor as string;
      await write(app, poller, pollText(poller));
      await publish(app, 'orders', 1, 8);
      await turn(10);
      gates[3]!();
      expect(numbers((await poller.connection.response()).json.notifications)).toEqual([7]);
      expect(numbers((await poller.connection.response()).json.notifications)).toEqual([8]);
    });

    test('other requests in between are answered, and the second poll after them takes the lane', async () => {
      const { app, poller, wholeWays } = await startGranted();
      const body = JSON.stringify({ topic: 'orders', type: 'numbered', data: { n: 5 } });
      const headers = { 'Content-Type': 'application/json' };
      poller.connection.send({ method: 'POST', path: '/notifications', headers, body });
      expect((await poller.connection.response()).status).toBe(201);
      const { json } = await poller.answer();
      expect(numbers(json.notifications)).toEqual([5]);
      poller.cursor = json.cursor as string;
      expect(wholeWays()).toBe(4);
      await poller.turns(2);
      expect(wholeWays()).toBe(5);
      expect(app.counts().waiters).toBe(0);
    });

    test('an upgrade gets the connection and all later bytes', async () => {
      const { app, poller } = await startGranted();
      let upgraded: Duplex | undefined;
      serverOf(app).on('upgrade', (_, socket: Duplex) => {
        upgraded = socket;
        socket.on('error', () => undefined);
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
      });
      poller.connection.send({ path: '/', headers: { Connection: 'Upgrade', Upgrade: 'echo' } });
      await until(() => upgraded !== undefined);
      let heard = '';
      upgraded!.on('data', (bytes: Buffer) => (heard += bytes.toString()));
      const text = pollText(poller);
      poller.connection.socket.write(text);
      await until(() => heard === text);
      expect(app.counts().waiters).toBe(0);
      upgraded!.destroy();
    });

    test('a poll may be held longer than the server’s idle timeout, which still applies afterwards', async () => {
      const { app, poller, wholeWays } = await startGranted();
      serverOf(app).keepAliveTimeout = 50;
      await poller.turns(1);
      poller.send();
      await until(() => app.counts().waiters === 1);
      const [socket] = app.sockets;
      expect(socket!.timeout ?? 0).toBe(0);
      await publish(app, 'orders');
      expect((await poller.connection.response()).status).toBe(200);
      expect(socket!.timeout).toBe(50 + 1_000);
      await poller.connection.whenClosed();
      expect(wholeWays()).toBe(2);
    });

    test('an idle connection is kept as long as node:http keeps it', async () => {
      const { app, poller, wholeWays } = await startGranted();
      const [socket] = app.sockets;
      for (const keepAliveTimeout of [3_000, 0]) {
        serverOf(app).keepAliveTimeout = keepAliveTimeout;
        const whole = wholeWays();
        poller.connection.send({ path: '/nowhere' });
        expect((await poller.connection.response()).status).toBe(404);
        const ofNode = socket!.timeout;
        await poller.turns(3);
        expect([wholeWays() - whole, socket!.timeout]).toEqual([3, ofNode]);
      }
    });

    test('the requests that a connection may carry are counted by node:http', async () => {
      const { app, wholeWays } = await startCounting(adapter, OPEN);
      serverOf(app).maxRequestsPerSocket = 10;
      const poller = await Poller.open(app);
      await poller.turns(4);
      expect(wholeWays()).toBe(4);
    });

    test('a poll with `Connection: close` closes its connection', async () => {
      const { app, wholeWays } = await startCounting(adapter, { ...OPEN, poll: { waitMs: 0 } });
      const poller = await Poller.open(app);
      await poller.answer('', { Connection: 'close' });
      await poller.connection.whenClosed();
      expect(wholeWays()).toBe(1);
    });
  });
});
