import { expect, test } from '@jest/globals';
import type { StoreFactory } from 'nest-notifications';
import { ManualClock } from '../../src/testing/index.js';
import { forEachAdapter, ONE_ADAPTER } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { request } from '../support/http/connection.js';
import { numbers, poll, publish } from '../support/http/feed.js';
import { SseReader } from '../support/http/sse.js';
import { ScriptedStore } from '../support/scripted-store.js';

forEachAdapter((adapter) => {
  async function start(): Promise<{ app: TestApp; store: ScriptedStore; ticket: string }> {
    const store = await ScriptedStore.open({}, new ManualClock());
    const opened: StoreFactory = () => Promise.resolve(store);
    const access = { subscriber: () => 'ann', read: 'public' as const };
    const app = await startApp(adapter, { notifications: { store: opened, tickets: {}, access } });
    await publish(app, 'orders', 3);
    const { json } = await request(app, {
      method: 'POST',
      path: '/notifications/tickets',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ topics: ['orders'] }),
    });
    return { app, store, ticket: (json as { ticket: string }).ticket };
  }

  test('a ticket opens a stream after a failover that lost nothing', async () => {
    const { app, store, ticket } = await start();
    await store.failOver(3);
    expect((await SseReader.open(app, `ticket=${ticket}`)).head.status).toBe(200);
  });

  test('a stream of a ticket resumes without a gap after a failover that lost nothing', async () => {
    const { app, store, ticket } = await start();
    const stream = await SseReader.open(app, `ticket=${ticket}&cursor=earliest`);
    await stream.notifications(3);
    await stream.close();
    await store.failOver(3);
    await publish(app, 'orders', 1, 4);
    const again = await SseReader.open(app, `ticket=${ticket}`, { 'Last-Event-ID': stream.lastId });
    expect(again.head.status).toBe(200);
    expect(numbers(await again.notifications(1))).toEqual([4]);
    expect(again.text).not.toContain('event: gap');
  });

  test.each([
    ['that lost entries', 3, true],
    ['to a log that ends before the ticket was issued', 2, false],
  ])('a ticket is refused after a failover %s', async (_, upTo, isLossKnown) => {
    const { app, store, ticket } = await start();
    await store.failOver(upTo, { isLossKnown });
    const { status, json } = await poll(app, `ticket=${ticket}`, { Accept: 'text/event-stream' });
    expect([status, (json as { code: string }).code]).toEqual([401, 'ticket_invalid']);
  });
}, ONE_ADAPTER);
