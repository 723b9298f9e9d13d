import { describe, expect, test } from '@jest/globals';
import { type CanActivate, type NestInterceptor, UnauthorizedException, UseInterceptors } from '@nestjs/common';
import type { NotificationsOptions } from 'nest-notifications';
import type { Request as ExpressRequest, Response } from 'express';
import { systemClock } from '../../src/core/clock.js';
import { DirectLane } from '../../src/nest/direct-lane/direct-lane.js';
import { DIRECT_LANE } from '../../src/nest/module/tokens.js';
import { forEachAdapter } from '../support/http/adapters.js';
import { type AppOptions, startApp } from '../support/http/app.js';
import { CERTIFICATE } from '../support/http/certificate.js';
import { Connection } from '../support/http/connection.js';
import { numbers, publish } from '../support/http/feed.js';
import { LANE, Poller, startCounting } from '../support/http/lane.js';
import type { Message } from '../support/http/message.js';
import { turn, until } from '../support/time/until.js';

interface UserRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
}

forEachAdapter((adapter) => {
  describe('a poll that repeats on its connection', () => {
    test('is answered without the framework from the third on, with the same bytes', async () => {
      const { app, wholeWays } = await startCounting(adapter, LANE, (_, response) => {
        response.setHeader('X-Application', ['one', 'two']);
      });
      const poller = await Poller.open(app);
      const answers: Message[] = [];
      for (let n = 0; n < 5; n++) answers.push(await poller.turn());
      expect(wholeWays()).toBe(2);
      const heads = answers.map(({ rawHeaders }) =>
        // Headers of different names have no order (RFC 9110, 5.3).
        rawHeaders
          .filter(([name]) => name !== 'Date')
          .toSorted(([one], [other]) => (one < other ? -1 : Number(one > other))),
      );
      expect(heads[0]).toContainEqual(['X-Application', 'two']);
      for (const head of heads) expect(head).toEqual(heads[0]);
      for (const { json } of answers) expect(json).toMatchObject({ more: false, notifications: [{ data: { n: 1 } }] });
    });

    test('is held, and gets the same empty and full pages as through the framework', async () => {
      const { app, wholeWays } = await startCounting(adapter, { ...LANE, poll: { waitMs: 50 } });
      const poller = await Poller.open(app);
      await poller.turns(2);
      const start = poller.cursor;
      const empty = await poller.answer();
      expect(empty.json).toMatchObject({ notifications: [], more: false });
      await publish(app, 'orders', 3);
      poller.cursor = start;
      expect(numbers((await poller.answer()).json.notifications)).toEqual([1, 2, 3]);
      expect(wholeWays()).toBe(2);
    });

    test('is answered there over TLS, too', async () => {
      const { app, wholeWays } = await startCounting(adapter, LANE, undefined, { nest: { httpsOptions: CERTIFICATE } });
      const poller = await Poller.open({ ...app, isSecure: true });
      await poller.turns(5);
      expect(wholeWays()).toBe(2);
      poller.send();
      await until(() => app.counts().waiters === 1);
      await poller.connection.destroy();
      await until(() => app.counts().waiters === 0);
    });

    test('releases its resources when its client disconnects', async () => {
      const { app, wholeWays } = await startCounting(adapter);
      const poller = await Poller.open(app);
      await poller.turns(2);
      poller.send();
      await until(() => app.counts().waiters === 1);
      await poller.connection.destroy();
      await until(() => app.counts().waiters === 0);
      expect(wholeWays()).toBe(2);
    });

    test.each<[string, (poller: Poller) => Promise<Message>]>([
      ['another query', (poller) => poller.answer('&wait=0')],
      ['another header', (poller) => poller.answer('', { 'X-Other': '1' })],
      ['an invalid cursor', (poller) => ((poller.cursor = 'A'.repeat(36)), poller.answer())],
      [
        'other topics instead of the cursor',
        (poller) => ((poller.cursor = `earliest&topic=${'x'.repeat(21)}`), poller.answer()),
      ],
      ['a short cursor', (poller) => ((poller.cursor = 'A'), poller.answer())],
    ])('goes through the framework with %s', async (_, ask) => {
      const { app, wholeWays } = await startCounting(adapter, { ...LANE, poll: { waitMs: 0 } });
      const poller = await Poller.open(app);
      for (let n = 0; n < 3; n++) poller.cursor = ((await poller.answer()).json as { cursor: string }).cursor;
      expect(wholeWays()).toBe(2);
      await ask(poller);
      expect(wholeWays()).toBe(3);
    });

    test('on another connection is treated as another client’s poll', async () => {
      const { app, wholeWays } = await startCounting(adapter);
      const first = await Poller.open(app);
      await first.turns(3);
      const second = await Poller.open(app);
      await second.turns(1);
      expect(wholeWays()).toBe(3);
    });

    test('goes through the framework by default', async () => {
      const { app, wholeWays } = await startCounting(adapter, { access: 'public' });
      await (await Poller.open(app)).turns(4);
      expect(wholeWays()).toBe(4);
    });

    test('exists only if it is on', async () => {
      const off = await startApp(adapter, { notifications: { access: 'public' } });
      expect(off.nest.get<unknown>(DIRECT_LANE)).toBeUndefined();
      const on = await startApp(adapter, { notifications: LANE });
      expect(on.nest.get<unknown>(DIRECT_LANE)).toBeInstanceOf(DirectLane);
    });

    test.each<[string, (request: ExpressRequest, response: Response) => void]>([
      ['sets a header that changes', (_, response) => response.setHeader('X-Request-Id', Math.random())],
      ['sets a cookie', (_, response) => response.setHeader('Set-Cookie', 'session=1')],
      [
        'wraps the response',
        (_, response) => {
          const raw = (response as Response & { raw?: Response }).raw ?? response;
          const end = raw.end.bind(raw) as (...written: unknown[]) => Response;
          raw.end = (...written: unknown[]) => end(...written);
        },
      ],
    ])('goes through the framework if middleware %s', async (_, middleware) => {
      const { app, wholeWays } = await startCounting(adapter, LANE, middleware);
      await (await Poller.open(app)).turns(4);
      expect(wholeWays()).toBe(4);
    });
  });

  describe('on the direct lane', () => {
    const access = {
      subscriber: ({ request }: { request: UserRequest }) => request.headers['x-user'],
      read: (context: { subscriber: string | undefined }) =>
        context.subscriber !== undefined && !banned.has(context.subscriber),
    };
    const banned = new Set<string>();
    const AS_ANN = { 'X-User': 'ann' };
    const options = (more: NotificationsOptions = {}) => ({ access, directLane: LANE.directLane, ...more });

    test('guards are called again after the time of the grant', async () => {
      let asked = 0;
      let isOpen = true;
      class Counting implements CanActivate {
        canActivate(): boolean {
          asked++;
          if (!isOpen) throw new UnauthorizedException();
          return true;
        }
      }
      let laterMs = 0;
      const clock = { ...systemClock, monotonic: () => performance.now() + laterMs };
      const { app } = await startCounting(adapter, { ...LANE, clock, guards: [Counting] });
      const poller = await Poller.open(app);
      await poller.turns(4);
      expect(asked).toBe(2);
      isOpen = false;
      laterMs = LANE.directLane.grantMs;
      expect((await poller.answer()).status).toBe(401);
      expect(asked).toBe(3);
    });

    test('`read` is called before a poll is held, and again before it is answered', async () => {
      const { app, wholeWays } = await startCounting(adapter, options());
      const poller = await Poller.open(app, AS_ANN);
      await poller.turns(3);
      expect(wholeWays()).toBe(2);
      poller.send();
      await until(() => app.counts().waiters === 1);
      banned.add('ann');
      await publish(app, 'orders');
      expect((await poller.connection.response()).json.notifications).toEqual([]);
      expect((await poller.answer()).status).toBe(403);
      expect(wholeWays()).toBe(3);
      banned.clear();
    });

    test('a revocation ends the grant at once, for the held poll and the next one', async () => {
      const { app, wholeWays } = await startCounting(adapter, options());
      const poller = await Poller.open(app, AS_ANN);
      await poller.turns(2);
      poller.send();
      await until(() => app.counts().waiters === 1);
      expect(wholeWays()).toBe(2);
      await app.service.revoke('ann');
      expect((await poller.connection.response()).json.notifications).toEqual([]);
      await poller.turns(1);
      expect(wholeWays()).toBe(3);
    });

    test('expired credentials end the grant', async () => {
      let endsAtMs = Infinity;
      const expiring = { ...access, expiresAt: () => new Date(endsAtMs) };
      const { app, wholeWays } = await startCounting(adapter, options({ access: expiring }));
      const poller = await Poller.open(app, AS_ANN);
      // The token lives long enough for the two polls that pass the framework, also on a busy
      // machine.
      endsAtMs = Date.now() + 2_000;
      await poller.turns(2);
      const empty = await poller.answer();
      expect(empty.json).toMatchObject({ notifications: [] });
      expect(Date.now()).toBeGreaterThanOrEqual(endsAtMs - 1);
      expect(wholeWays()).toBe(2);
      await poller.answer();
      expect(wholeWays()).toBe(3);
    });

    test('a limit refuses with the same text as through the framework', async () => {
      const { app, wholeWays } = await startCounting(adapter, { ...LANE, limits: { waitersMax: 1 } });
      const poller = await Poller.open(app);
      await poller.turns(2);
      const other = await Connection.open(app);
      other.send({ path: '/notifications?topic=others' });
      await until(() => app.counts().waiters === 1);
      const refused = await poller.answer();
      expect(refused.status).toBe(503);
      expect(refused.json).toMatchObject({ code: 'waiters_too_many' });
      expect(refused.header('retry-after')).toMatch(/^[1-3]$/);
      expect(wholeWays()).toBe(4);
    });

    test('a shutdown answers held polls, and refuses new ones', async () => {
      const { app } = await startCounting(adapter);
      const poller = await Poller.open(app);
      await poller.turns(2);
      poller.send();
      await until(() => app.counts().waiters === 1);
      const closed = app.close();
      const last = await poller.connection.response();
      expect(last.json).toMatchObject({ notifications: [], cursor: poller.cursor });
      expect(last.header('connection')).toBe('close');
      await closed;
    });

    test('the lane waits for an asynchronous rule', async () => {
      const slow = { ...access, read: async () => Promise.resolve(true) };
      const { app, wholeWays } = await startCounting(adapter, options({ access: slow }));
      await (await Poller.open(app, AS_ANN)).turns(4);
      expect(wholeWays()).toBe(2);
    });
  });

  const interceptor: NestInterceptor = { intercept: (_, next) => next.handle() };
  test.each<[where: string, options: AppOptions]>([
    ['global', { notifications: LANE, configure: (nest) => nest.useGlobalInterceptors(interceptor) }],
    ['in `decorators`', { notifications: { ...LANE, decorators: [UseInterceptors(interceptor)] } }],
  ])('an application whose interceptors are %s does not start with a direct lane', async (_, options) => {
    await expect(startApp(adapter, options)).rejects.toThrow(
      'option directLane.grantMs is 30000; it must be 0, because the feed has interceptors or exception filters (global, or in `decorators`)',
    );
    await turn();
  });
});
