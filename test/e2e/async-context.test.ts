import { describe, expect, test } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import type { AccessRules, NotificationsOptions } from 'nest-notifications';
import { AsyncLocalStorage } from 'node:async_hooks';
import { tap } from 'rxjs';
import { ADAPTERS_AND_LANE, forEachAdapter } from '../support/http/adapters.js';
import { type AppOptions, startApp, type TestApp } from '../support/http/app.js';
import { request } from '../support/http/connection.js';
import { holdPoll, publish } from '../support/http/feed.js';
import { Poller } from '../support/http/lane.js';
import { SseReader } from '../support/http/sse.js';
import { until } from '../support/time/until.js';

interface UserRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
}

const users = new AsyncLocalStorage<string>();
const AS_ANN = { 'X-User': 'ann' };

/** Runs a request as its user, as middleware of an application does. */
const asUser = (nest: INestApplication): unknown =>
  nest.use((incoming: UserRequest, _: unknown, next: () => void) => {
    users.run(incoming.headers['x-user'] ?? 'nobody', next);
  });

forEachAdapter((adapter) => {
  /** The users that rules have found in the async context, at deliveries. */
  async function start(access: AccessRules<UserRequest>, more: AppOptions = {}): Promise<TestApp> {
    const notifications: NotificationsOptions = { ...adapter.options, access, tickets: {} };
    return startApp(adapter, { configure: asUser, notifications, ...more });
  }
  /** An application whose access depends on the user in the async context alone. */
  async function recording(more: AppOptions = {}) {
    const seen: (string | undefined)[] = [];
    const record = (): true => {
      seen.push(users.getStore());
      return true;
    };
    const access: AccessRules<UserRequest> = {
      subscriber: () => users.getStore(),
      topics: () => (record(), ['orders']),
      read: () => record(),
    };
    const app = await start(access, more);
    const publishAsAdmin = () => users.run('admin', () => publish(app, 'orders'));
    /** Collects the contexts that rules see during the next delivery. */
    const seenAtDelivery = async (): Promise<(string | undefined)[]> => {
      seen.length = 0;
      await publishAsAdmin();
      await until(() => seen.length > 0);
      return [...new Set(seen)];
    };
    return { app, seenAtDelivery, publishAsAdmin };
  }

  describe('at delivery, rules run in the async context of the request', () => {
    test.each(['topic=orders', ''])('of a poll with the query %j', async (query) => {
      const { app, seenAtDelivery } = await recording();
      const held = await holdPoll(app, query, AS_ANN);
      expect(await seenAtDelivery()).toEqual(['ann']);
      expect((await held.response()).json.notifications).toHaveLength(1);
    });

    test('of a stream', async () => {
      const { app, seenAtDelivery } = await recording();
      const stream = await SseReader.open(app, 'topic=orders', AS_ANN);
      await stream.opening();
      expect(await seenAtDelivery()).toEqual(['ann']);
      await stream.notifications(1);
      expect(await seenAtDelivery()).toEqual(['ann']);
    });

    test('of a stream with a ticket', async () => {
      const { app, seenAtDelivery } = await recording();
      const headers = { 'Content-Type': 'application/json', ...AS_ANN };
      const { json } = await request(app, { method: 'POST', path: '/notifications/tickets', headers, body: '{}' });
      const stream = await SseReader.open(app, `ticket=${(json as { ticket: string }).ticket}`);
      await stream.opening();
      expect(await seenAtDelivery()).toEqual(['nobody']);
      await stream.notifications(1);
    });

    test('of the first polls, on the direct lane', async () => {
      const { app, seenAtDelivery, publishAsAdmin } = await recording();
      const poller = await Poller.open(app, AS_ANN);
      for (let turn = 0; turn < 4; turn++) {
        poller.send();
        await until(() => app.counts().waiters === 1);
        expect(await seenAtDelivery()).toEqual(['ann']);
        poller.cursor = ((await poller.connection.response()).json as { cursor: string }).cursor;
      }
      await publishAsAdmin();
    });
  });

  describe('observers run in the async context of their subscription', () => {
    test('of interceptors', async () => {
      const seen: (string | undefined)[] = [];
      const configure = (nest: INestApplication): void => {
        asUser(nest);
        nest.useGlobalInterceptors({
          intercept: (_, next) => next.handle().pipe(tap(() => seen.push(users.getStore()))),
        });
      };
      const { app, publishAsAdmin } = await recording({
        configure,
        notifications: { access: 'public', directLane: { grantMs: 0 } },
      });
      const held = await holdPoll(app, 'topic=orders', AS_ANN);
      await publishAsAdmin();
      await held.response();
      expect(seen).toEqual(['ann']);
    });

    test('in process', async () => {
      const { app, publishAsAdmin } = await recording();
      const seen: (string | undefined)[] = [];
      const note = (): unknown => seen.push(users.getStore());
      const subscription = users.run('ann', () => app.service.follow({ topics: ['orders'] }).subscribe(note));
      users.run('bob', () =>
        app.service.poll({ topics: ['orders'] }).subscribe({ next: note, complete: () => note() }),
      );
      await until(() => app.counts().waiters === 2);
      await publishAsAdmin();
      await until(() => seen.length === 3);
      subscription.unsubscribe();
      expect(seen.toSorted()).toEqual(['ann', 'bob', 'bob']);
    });
  });
}, ADAPTERS_AND_LANE);
