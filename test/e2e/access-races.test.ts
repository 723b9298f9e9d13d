import { describe, expect, test } from '@jest/globals';
import { type CanActivate, Injectable } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { NotificationsOptions } from 'nest-notifications';
import { ADAPTERS_AND_LANE, express, fastify, forEachAdapter } from '../support/http/adapters.js';
import { type AppOptions, startApp, type TestApp } from '../support/http/app.js';
import { Connection, request } from '../support/http/connection.js';
import { publish } from '../support/http/feed.js';
import { Poller, startCounting } from '../support/http/lane.js';
import { until } from '../support/time/until.js';

interface UserRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
}

const AS_ANN = { 'X-User': 'ann' };
const STREAM = { Accept: 'text/event-stream' };

/** A gate. While it is closed, the check with the same name waits. */
class Gate {
  reached = false;
  #open: (() => void) | undefined;
  #closed: { name: string; opened: Promise<void> } | undefined;

  close(name: string): void {
    this.reached = false;
    this.#closed = { name, opened: new Promise((resolve) => (this.#open = resolve)) };
  }

  open(): void {
    this.#open?.();
    this.#closed = undefined;
  }

  async pass(name: string): Promise<void> {
    if (this.#closed?.name !== name || this.reached) return;
    this.reached = true;
    await this.#closed.opened;
  }
}

/**
 * An application in which every check of access can be held. `read` is public, so no rule is called
 * at delivery.
 */
function gated(gate: Gate, more: Partial<NotificationsOptions> = {}): AppOptions & { notifications: object } {
  const guard = (name: string): CanActivate => ({ canActivate: () => gate.pass(name).then(() => true) });
  @Injectable()
  class ApplicationGuard implements CanActivate {
    canActivate(): Promise<boolean> {
      return gate.pass('a guard of the application').then(() => true);
    }
  }
  const access = {
    subscriber: async ({ request }: { request: UserRequest }) => {
      await gate.pass('subscriber');
      return request.headers['x-user'];
    },
    read: 'public' as const,
    expiresAt: () => gate.pass('expiresAt').then(() => undefined),
  };
  return {
    notifications: { access, tickets: {}, ...more, guards: [guard('a guard of the module')] },
    providers: [{ provide: APP_GUARD, useClass: ApplicationGuard }],
  };
}

const CHECKS = ['a guard of the application', 'a guard of the module', 'subscriber', 'expiresAt'];

forEachAdapter((adapter) => {
  /** Revokes while a check is held, publishes, and releases the check. */
  async function revokeMeanwhile(app: TestApp, gate: Gate): Promise<void> {
    await until(() => gate.reached);
    await app.service.revoke('ann');
    await publish(app, 'orders');
    gate.open();
  }

  async function start(more: Partial<NotificationsOptions> = {}) {
    const gate = new Gate();
    return { gate, app: await startApp(adapter, withAdapter(gated(gate, more))) };
  }
  const withAdapter = (options: AppOptions): AppOptions => ({
    ...options,
    notifications: { ...adapter.options, ...options.notifications },
  });

  async function ticketOf(app: TestApp) {
    const { status, json } = await request(app, {
      method: 'POST',
      path: '/notifications/tickets',
      headers: { 'Content-Type': 'application/json', ...AS_ANN },
      body: JSON.stringify({ topics: ['orders'] }),
    });
    return { status, ...(json as { ticket: string }) };
  }

  describe('a revocation during an access check by', () => {
    test.each(CHECKS)('%s takes effect for a poll', async (check) => {
      const { app, gate } = await start();
      const cursor = app.service.cursor();
      gate.close(check);
      const connection = await Connection.open(app);
      connection.send({ path: `/notifications?topic=orders&cursor=${cursor}`, headers: AS_ANN });
      await revokeMeanwhile(app, gate);
      const { status, json } = await connection.response();
      expect({ status, json }).toEqual({ status: 200, json: { notifications: [], cursor, more: false } });
    });

    test.each(CHECKS)('%s ends a poll from `earliest`, which the client retries', async (check) => {
      const { app, gate } = await start();
      gate.close(check);
      const connection = await Connection.open(app);
      connection.send({ path: `/notifications?topic=orders&cursor=earliest`, headers: AS_ANN });
      await revokeMeanwhile(app, gate);
      const answer = await connection.response();
      expect([answer.status, answer.header('retry-after')]).toEqual([503, expect.stringMatching(/^[1-3]$/)]);
    });

    test.each(CHECKS)('%s holds for a stream', async (check) => {
      const { app, gate } = await start();
      const cursor = app.service.cursor();
      gate.close(check);
      const connection = await Connection.open(app);
      const headers = { ...AS_ANN, ...STREAM };
      connection.send({ path: `/notifications?topic=orders&cursor=${cursor}`, headers });
      await revokeMeanwhile(app, gate);
      const { text } = await connection.response();
      expect(text).not.toContain('numbered');
    });

    test.each(CHECKS)('%s holds for a ticket that is issued', async (check) => {
      const { app, gate } = await start();
      gate.close(check);
      const issued = ticketOf(app);
      await revokeMeanwhile(app, gate);
      const { status, ticket } = await issued;
      expect([status, ticket]).toEqual([503, undefined]);
      expect((await ticketOf(app)).status).toBe(201);
    });

    test('does not reject the requests of other subscribers', async () => {
      const { app, gate } = await start();
      const cursor = app.service.cursor();
      gate.close('expiresAt');
      const connection = await Connection.open(app);
      connection.send({ path: `/notifications?topic=orders&cursor=${cursor}`, headers: { 'X-User': 'bob' } });
      await revokeMeanwhile(app, gate);
      expect((await connection.response()).json.notifications).toHaveLength(1);
      const ticket = ticketOf(app);
      await app.service.revoke('bob');
      expect((await ticket).status).toBe(201);
    });

    test('a ticket is invalid when it is used', async () => {
      const { app, gate } = await start();
      const { ticket } = await ticketOf(app);
      gate.close('a guard of the application');
      const connection = await Connection.open(app);
      connection.send({ path: `/notifications?ticket=${ticket}`, headers: STREAM });
      await revokeMeanwhile(app, gate);
      const { status, json } = await connection.response();
      expect([status, json.code]).toEqual([401, 'ticket_invalid']);
    });
  });
}, ADAPTERS_AND_LANE);

describe('on the direct lane', () => {
  forEachAdapter(
    (adapter) => {
      test.each(CHECKS)('a revocation during an access check by %s ends the grant', async (check) => {
        const gate = new Gate();
        const { notifications, providers } = gated(gate, { directLane: { grantMs: 30_000 } });
        const { app, wholeWays } = await startCounting(adapter, notifications, undefined, { providers });
        const poller = await Poller.open(app, AS_ANN);
        await poller.turns(2);
        await app.service.revoke('zoe');
        await poller.turns(1);
        expect(wholeWays()).toBe(2);
        await app.service.revoke('ann');
        gate.close(check);
        poller.send();
        await until(() => gate.reached);
        await app.service.revoke('ann');
        await publish(app, 'orders');
        gate.open();
        expect((await poller.connection.response()).json.notifications).toEqual([]);
        expect((await poller.answer()).json.notifications).toHaveLength(1);
        expect(wholeWays()).toBe(4);
      });
    },
    [express, fastify],
  );
});
