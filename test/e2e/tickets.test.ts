import { describe, expect, test } from '@jest/globals';
import {
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  Injectable,
  UnauthorizedException,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { EventSource } from 'eventsource';
import { isTicketRequest, type NotificationsOptions, redactTicket } from 'nest-notifications';
import { sqliteStore } from 'nest-notifications/stores/sqlite';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ADAPTERS_AND_LANE, forEachAdapter } from '../support/http/adapters.js';
import { type AppOptions, startApp, type TestApp } from '../support/http/app.js';
import { atTestEnd } from '../support/http/cleanup.js';
import { request, type Target } from '../support/http/connection.js';
import { WITH_FETCH } from '../support/http/event-source.js';
import { numbers, poll, publish } from '../support/http/feed.js';
import { SseReader } from '../support/http/sse.js';
import { until } from '../support/time/until.js';
import { TimerClock } from '../support/timer-clock.js';

interface UserRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly url: string;
}

const AS_ANN = { Authorization: 'ann' };
const STREAM = { Accept: 'text/event-stream' };
const seenUrls: string[] = [];

@Injectable()
class HeaderGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<UserRequest>();
    if (!headers.authorization) throw new UnauthorizedException();
    return true;
  }
}

const ACCESS = {
  subscriber: ({ request: { headers } }: { request: UserRequest }) => headers.authorization,
  topics: ({ subscriber }: { subscriber: string | undefined }) => [`user.${subscriber ?? ''}`],
  read: {
    'user.:id': ({ subscriber }: { subscriber: string | undefined }, { id }: Readonly<Record<string, string>>) =>
      id === subscriber,
  },
};
const OPTIONS: NotificationsOptions = { access: ACCESS, tickets: {} };

forEachAdapter((adapter) => {
  const start = (options: Partial<NotificationsOptions> = {}, more: AppOptions = {}): Promise<TestApp> =>
    startApp(adapter, { notifications: { ...OPTIONS, ...options, guards: [HeaderGuard] }, ...more });

  async function ticketOf(target: Target, body: unknown = {}, headers: Record<string, string> = AS_ANN) {
    const answer = await request(target, {
      method: 'POST',
      path: '/notifications/tickets',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    return { status: answer.status, answer, ...(answer.json as { ticket: string; expiresAt: string; code?: string }) };
  }
  const open = (target: Target, ticket: string, headers: Record<string, string> = {}): Promise<SseReader> =>
    SseReader.open(target, `ticket=${ticket}`, headers);
  const refusalOf = async (target: Target, ticket: string, headers: Record<string, string> = {}) => {
    const { status, json } = await poll(target, `ticket=${ticket}`, { ...STREAM, ...headers });
    return [status, json.code] as const;
  };

  describe('a ticket', () => {
    test('opens a stream without credentials, of its subscriber’s topics alone', async () => {
      const app = await start();
      const { ticket, status, answer } = await ticketOf(app);
      expect([status, answer.header('cache-control')]).toEqual([201, 'no-cache, no-store']);
      const stream = await open(app, ticket);
      await stream.opening();
      await publish(app, 'user.bob', 1, 1);
      await publish(app, 'user.ann', 1, 2);
      expect(numbers(await stream.notifications(1))).toEqual([2]);
      expect(app.counts()).toMatchObject({ waiters: 1, subscribers: 1 });
    });

    test('may be for some topics, if they are allowed', async () => {
      const app = await start();
      expect((await ticketOf(app, { topics: ['user.ann'] })).status).toBe(201);
      expect((await ticketOf(app, { topics: ['user.bob'] })).status).toBe(403);
      expect((await ticketOf(app, { topics: ['a b'] })).status).toBe(400);
      expect((await ticketOf(app, { topics: 'user.ann' })).code).toBe('body_invalid');
      expect((await ticketOf(app, { topics: [] })).code).toBe('topic_missing');
      const misspelt = await ticketOf(app, { topic: ['user.ann'] });
      expect([misspelt.status, misspelt.code]).toEqual([400, 'body_invalid']);
      expect((misspelt.answer.json as { message: string }).message).toBe(
        'unknown field "topic"; the known fields are topics',
      );
      expect((await ticketOf(app, ['user.ann'])).code).toBe('body_invalid');
      expect((await ticketOf(app, {})).status).toBe(201);
    });

    test('is not issued without credentials, or if the feature is off', async () => {
      const app = await start();
      expect((await ticketOf(app, {}, {})).status).toBe(401);
      const without = await startApp(adapter, { notifications: { access: ACCESS, guards: [HeaderGuard] } });
      expect((await ticketOf(without)).status).toBe(404);
      expect(await refusalOf(without, (await ticketOf(app)).ticket)).toEqual([401, 'ticket_invalid']);
    });

    test('is used up by its first stream: a copy is rejected during and after that stream', async () => {
      const app = await start();
      const { ticket } = await ticketOf(app);
      const first = await open(app, ticket);
      await first.opening();
      expect(await refusalOf(app, ticket)).toEqual([401, 'ticket_spent']);
      await first.connection.destroy();
      expect(await refusalOf(app, ticket)).toEqual([401, 'ticket_spent']);
      const { cursor } = (await poll(app, 'wait=0', AS_ANN)).json as { cursor: string };
      expect(await refusalOf(app, ticket, { 'Last-Event-ID': cursor })).toEqual([401, 'ticket_spent']);
    });

    test('admits only one of two clients that use it at the same time', async () => {
      const app = await start();
      const { ticket } = await ticketOf(app);
      const streams = await Promise.all([open(app, ticket), open(app, ticket), open(app, ticket)]);
      expect(streams.map(({ head }) => head.status).sort()).toEqual([200, 401, 401]);
    });

    test('continues from the last event id of its own stream, and of no other', async () => {
      const app = await start();
      const [mine, other] = [await ticketOf(app), await ticketOf(app)];
      const stream = await open(app, mine.ticket);
      const otherStream = await open(app, other.ticket);
      const opening = await stream.opening();
      const otherOpening = await otherStream.opening();
      expect(opening.id!.length).toBeLessThanOrEqual(64);
      await publish(app, 'user.ann', 2);
      const [block] = await stream.nextBlocks(1);
      await stream.connection.destroy();
      const again = await open(app, mine.ticket, { 'Last-Event-ID': block!.id! });
      await again.opening();
      expect(numbers(await again.notifications(1))).toEqual([2]);
      expect(await refusalOf(app, mine.ticket, { 'Last-Event-ID': otherOpening.id! })).toEqual([401, 'ticket_spent']);
    });

    test('opens only event streams, and determines their topics', async () => {
      const app = await start();
      const { ticket } = await ticketOf(app);
      expect((await poll(app, `ticket=${ticket}`)).json.code).toBe('ticket_invalid');
      expect((await poll(app, `ticket=${ticket}&topic=user.bob`, STREAM)).json.code).toBe('topic_invalid');
    });

    test('is rejected when any character has changed', async () => {
      const app = await start();
      const { ticket } = await ticketOf(app);
      for (let at = 0; at < ticket.length; at += 7) {
        const changed = ticket.slice(0, at) + (ticket[at] === 'A' ? 'B' : 'A') + ticket.slice(at + 1);
        expect(await refusalOf(app, changed)).toEqual([401, 'ticket_invalid']);
      }
      for (const none of ['', 'x', ticket.slice(0, 20), `${ticket}A`, `${ticket}=`, 'A'.repeat(5_000)]) {
        expect(await refusalOf(app, none)).toEqual([401, 'ticket_invalid']);
      }
    });

    test('expires earlier if it was not used', async () => {
      const clock = new TimerClock({ startMs: Date.now() });
      const app = await start({ tickets: { ttlMs: 1_000, lifetimeMs: 2_000 }, clock });
      const [used, unused] = [await ticketOf(app), await ticketOf(app)];
      const stream = await open(app, used.ticket);
      const { id } = await stream.opening();
      await clock.advance(1_000);
      expect(await refusalOf(app, unused.ticket)).toEqual([401, 'ticket_expired']);
      // The stream ends when its ticket expires.
      await clock.advance(1_000);
      await stream.rest();
      expect(await refusalOf(app, used.ticket, { 'Last-Event-ID': id! })).toEqual([401, 'ticket_expired']);
    });

    test('is revoked between the check and the stream', async () => {
      let onTheWay = async (): Promise<void> => undefined;
      const configure = (nest: INestApplication): unknown =>
        nest.useGlobalInterceptors({ intercept: (_, next) => onTheWay().then(() => next.handle()) });
      const app = await start({ directLane: { grantMs: 0 } }, { configure });
      const { ticket } = await ticketOf(app);
      onTheWay = () => app.service.revoke('ann');
      const reader = await open(app, ticket);
      await reader.rest();
      expect(app.counts().waiters).toBe(0);
    });

    test('is revoked with its subscriber: the open stream ends and cannot reconnect', async () => {
      const app = await start();
      const [used, unused] = [await ticketOf(app), await ticketOf(app)];
      const stream = await open(app, used.ticket);
      const { id } = await stream.opening();
      await app.service.revoke('ann');
      await stream.rest();
      expect(await refusalOf(app, used.ticket, { 'Last-Event-ID': id! })).toEqual([401, 'ticket_invalid']);
      expect(await refusalOf(app, unused.ticket)).toEqual([401, 'ticket_invalid']);
      expect((await open(app, (await ticketOf(app)).ticket)).head.status).toBe(200);
    });

    test('passes a global guard that accepts tickets on this route, and on no other route', async () => {
      @Injectable()
      class AppGuard extends HeaderGuard {
        override canActivate(context: ExecutionContext): boolean {
          return isTicketRequest(context) || super.canActivate(context);
        }
      }
      const providers = [{ provide: APP_GUARD, useClass: AppGuard }];
      const app = await startApp(adapter, { notifications: OPTIONS, providers });
      const { ticket } = await ticketOf(app);
      expect((await open(app, ticket)).head.status).toBe(200);
      expect((await poll(app, 'ticket=x', STREAM)).status).toBe(401);
      expect((await ticketOf(app, {}, {})).status).toBe(401);
      const forged = await request(app, { method: 'POST', path: '/notifications/tickets?ticket=x' });
      expect(forged.status).toBe(401);
    });

    test('is not in the URL that is logged after the guards', async () => {
      const app = await start(
        {},
        {
          configure: (nest) => {
            nest.use(
              (incoming: UserRequest & { originalUrl?: string }, response: NodeJS.EventEmitter, next: () => void) => {
                response.on('close', () => seenUrls.push(incoming.originalUrl ?? incoming.url, incoming.url));
                next();
              },
            );
          },
        },
      );
      seenUrls.length = 0;
      const { ticket } = await ticketOf(app);
      const stream = await open(app, `${ticket}&x=1`);
      await stream.opening();
      await stream.connection.destroy();
      await until(() => seenUrls.length === 4);
      expect(seenUrls.join()).not.toContain(ticket.slice(0, 12));
      expect(seenUrls.join()).toContain('ticket=redacted&x=1');
    });

    test('stays valid after a restart and on another node, for an EventSource that reconnects', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'nest-notifications-tickets-'));
      atTestEnd(() => {
        rmSync(folder, { recursive: true, force: true });
      });
      const node = () =>
        start({ store: sqliteStore({ path: join(folder, 'log.db') }), stream: { retryMs: 10 } }, { nest: WITH_FETCH });
      const [near, far] = [await node(), await node()];
      const { ticket } = await ticketOf(near);
      let port = near.port;
      const heard: number[] = [];
      const source = new EventSource(`http://127.0.0.1:1/notifications?ticket=${ticket}`, {
        fetch: (url, init) => fetch(String(url).replace(':1/', `:${port}/`), init),
      });
      atTestEnd(() => {
        source.close();
      });
      source.onmessage = ({ data }) => heard.push((JSON.parse(data as string) as { data: { n: number } }).data.n);
      await until(() => near.counts().waiters === 1);
      await publish(near, 'user.ann', 1, 1);
      await until(() => heard.length === 1);
      port = far.port;
      await near.close();
      await publish(far, 'user.ann', 1, 2);
      await until(() => heard.length === 2);
      // A start begins an epoch, which continues the one that sealed the ticket.
      const later = await node();
      port = later.port;
      await far.close();
      await publish(later, 'user.ann', 1, 3);
      await until(() => heard.length === 3);
      expect(heard).toEqual([1, 2, 3]);
      expect(await refusalOf(later, ticket)).toEqual([401, 'ticket_spent']);
      source.close();
    });
  });
}, ADAPTERS_AND_LANE);

test('redactTicket removes a ticket from a URL, and keeps the rest', () => {
  expect(redactTicket('/notifications?ticket=abc&x=1')).toBe('/notifications?ticket=redacted&x=1');
  expect(redactTicket('/notifications?a=b&ticket=abc')).toBe('/notifications?a=b&ticket=redacted');
  expect(redactTicket('/notifications?Ticket=abc#top')).toBe('/notifications?Ticket=redacted#top');
  expect(redactTicket('/notifications?topic=ticket')).toBe('/notifications?topic=ticket');
  expect(redactTicket('/notifications?%74icket=abc&x=%20y+z')).toBe('/notifications?%74icket=redacted&x=%20y+z');
  expect(redactTicket('/n?a=1&ti%63ket=abc&ticket=d')).toBe('/n?a=1&ti%63ket=redacted&ticket=redacted');
  expect(redactTicket('/ticket=abc')).toBe('/ticket=abc');
  expect(redactTicket('/n#?ticket=abc')).toBe('/n#?ticket=abc');
});
