import { describe, expect, test } from '@jest/globals';
import { ADAPTERS_AND_LANE, forEachAdapter } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { holdPoll, poll } from '../support/http/feed.js';

const from = (forwardedFor: string) => ({ 'X-Forwarded-For': forwardedFor });

forEachAdapter((adapter) => {
  describe('behind a trusted proxy', () => {
    const start = (trustProxy?: string[]): Promise<TestApp> =>
      startApp(adapter, {
        notifications: { access: 'public', limits: { waitersPerAddressMax: 1 }, ...(trustProxy && { trustProxy }) },
      });

    test('each client has its own limit', async () => {
      const app = await start(['loopback']);
      await holdPoll(app, 'topic=orders', from('10.1.1.1'));
      await holdPoll(app, 'topic=orders', from('10.2.2.2'));
      expect(app.counts().addresses).toBe(2);
      expect((await poll(app, 'topic=orders', from('10.1.1.1'))).json.code).toBe('address_waiters_too_many');
    });

    test('a client cannot use another address by sending the header itself', async () => {
      const app = await start(['loopback']);
      await holdPoll(app, 'topic=orders', from('9.9.9.9, 10.1.1.1'));
      expect((await poll(app, 'topic=orders', from('8.8.8.8, 10.1.1.1'))).json.code).toBe('address_waiters_too_many');
    });

    test('the header is ignored without trusted proxies', async () => {
      const app = await start();
      await holdPoll(app, 'topic=orders', from('10.1.1.1'));
      expect((await poll(app, 'topic=orders', from('10.2.2.2'))).json.code).toBe('address_waiters_too_many');
    });
  });
}, ADAPTERS_AND_LANE);
