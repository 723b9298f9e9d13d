import { describe, expect, test } from '@jest/globals';
import { type AccessRules, memoryStore, type NotificationsOptions, type StoreFactory } from 'nest-notifications';
import { NotificationsError } from 'nest-notifications/store';
import { abilitiesOf } from '../../src/core/abilities.js';
import { systemClock } from '../../src/core/clock.js';
import type { ClaimStore } from '../../src/core/store.js';
import { ManualClock } from '../../src/testing/index.js';
import { forEachAdapter } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { request } from '../support/http/connection.js';
import { numbers, poll, publish } from '../support/http/feed.js';
import { SseReader } from '../support/http/sse.js';

interface UserRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly user?: { readonly role: string };
}
type Rules = AccessRules<UserRequest>;

const STREAM = { Accept: 'text/event-stream' };
const subscriber: Rules['subscriber'] = ({ request }) => request.headers['x-user'];

/** The memory store, with other abilities. */
function storeWith(changes: { claim?: ClaimStore['claim'] | undefined; onClose?: () => void }): StoreFactory {
  return async (runtime) => {
    const store = await memoryStore()(runtime);
    const { onClose = () => undefined, ...abilities } = changes;
    return {
      ...abilitiesOf(store),
      append: (drafts) => store.append(drafts),
      read: (query) => store.read(query),
      tail: (after, onAppended) => store.tail(after, onAppended),
      remove: (query) => store.remove(query),
      close: () => (onClose(), store.close()),
      ...abilities,
    };
  };
}

forEachAdapter((adapter) => {
  const start = (access: Rules, more: NotificationsOptions = {}): Promise<TestApp> =>
    startApp(adapter, { notifications: { tickets: {}, access: { subscriber, ...access }, ...more } });

  async function issue(app: TestApp, topics?: readonly string[], user = 'ann') {
    return request(app, {
      method: 'POST',
      path: '/notifications/tickets',
      headers: { 'Content-Type': 'application/json', 'X-User': user },
      body: JSON.stringify({ topics }),
    });
  }
  const ticketOf = async (app: TestApp, topics?: readonly string[], user?: string): Promise<string> =>
    ((await issue(app, topics, user)).json as { ticket: string }).ticket;
  async function open(app: TestApp, topics?: readonly string[]): Promise<{ stream: SseReader; ticket: string }> {
    const ticket = await ticketOf(app, topics);
    const stream = await SseReader.open(app, `ticket=${ticket}`);
    await stream.opening();
    return { stream, ticket };
  }
  const refusalOf = async (app: TestApp, ticket: string, headers: Record<string, string> = {}) => {
    const { status, json } = await poll(app, `ticket=${ticket}`, { ...STREAM, ...headers });
    return [status, json.code] as const;
  };

  describe('access rules of a ticket', () => {
    test('run before each delivery: the stream ends when its subscriber may no longer read, and the ticket is rejected', async () => {
      const granted = new Set(['ann']);
      const app = await start({ read: (context) => granted.has(context.subscriber ?? '') });
      const { stream, ticket } = await open(app, ['orders']);
      await publish(app, 'orders', 1, 1);
      expect(numbers(await stream.notifications(1))).toEqual([1]);
      granted.clear();
      await publish(app, 'orders', 1, 2);
      await stream.rest();
      expect(stream.text).not.toContain('"n":2');
      expect(await refusalOf(app, ticket, { 'Last-Event-ID': stream.lastId })).toEqual([403, 'forbidden']);
      granted.add('ann');
      const again = await SseReader.open(app, `ticket=${ticket}`, { 'Last-Event-ID': stream.lastId });
      expect(numbers(await again.notifications(1))).toEqual([2]);
    });

    test('run at its first use, and a rejected ticket is not used up', async () => {
      const granted = new Set(['ann']);
      const app = await start({ read: (context) => Promise.resolve(granted.has(context.subscriber ?? '')) });
      const ticket = await ticketOf(app, ['orders']);
      granted.clear();
      expect(await refusalOf(app, ticket)).toEqual([403, 'forbidden']);
      granted.add('ann');
      expect((await SseReader.open(app, `ticket=${ticket}`)).head.status).toBe(200);
    });

    test('check own topics', async () => {
      let own = ['orders', 'news'];
      const app = await start({ topics: () => own });
      const { stream, ticket } = await open(app);
      own = ['news'];
      await publish(app, 'orders');
      await stream.rest();
      expect(stream.text).not.toContain('numbered');
      expect(await refusalOf(app, ticket, { 'Last-Event-ID': stream.lastId })).toEqual([403, 'forbidden']);
    });

    test('receive the result of `requestFor` as their request at each delivery', async () => {
      const roles = new Map([['ann', 'reader']]);
      const app = await start({
        requestFor: async (id) => Promise.resolve({ headers: {}, user: { role: roles.get(id) ?? 'none' } }),
        read: ({ request }) => request.headers['x-user'] !== undefined || request.user?.role === 'reader',
      });
      const { stream } = await open(app, ['orders']);
      await publish(app, 'orders');
      await stream.notifications(1);
      roles.set('ann', 'guest');
      await publish(app, 'orders', 1, 2);
      await stream.rest();
      expect(stream.text).not.toContain('"n":2');
    });

    test.each([undefined, null])('reject a subscriber if `requestFor` returns %s', async (nobody) => {
      const users = new Map([['ann', { headers: {} }]]);
      const app = await start({ requestFor: (id) => users.get(id) ?? nobody, read: 'public' });
      const { stream, ticket } = await open(app, ['orders']);
      const unused = await ticketOf(app, ['orders']);
      users.clear();
      await publish(app, 'orders');
      await stream.rest();
      expect(stream.text).not.toContain('numbered');
      expect(await refusalOf(app, ticket, { 'Last-Event-ID': stream.lastId })).toEqual([403, 'forbidden']);
      expect(await refusalOf(app, unused)).toEqual([403, 'forbidden']);
    });

    test('reject without a request if they need one, and log the missing option once', async () => {
      const app = await start({ read: ({ request }) => request.headers['x-user'] === 'ann' });
      const ticket = await ticketOf(app, ['orders']);
      expect(await refusalOf(app, ticket)).toEqual([403, 'forbidden']);
      expect(await refusalOf(app, ticket)).toEqual([403, 'forbidden']);
      const reports = app.logs.splice(0).join('\n');
      expect(reports.match(/access\.requestFor/g)).toHaveLength(1);
    });

    test('run after retention has removed revocation records', async () => {
      let granted = true;
      const app = await start({ read: () => granted }, { store: memoryStore({ retainCount: 2 }) });
      const ticket = await ticketOf(app, ['orders']);
      await publish(app, 'others', 10);
      granted = false;
      expect(await refusalOf(app, ticket)).toEqual([403, 'forbidden']);
      granted = true;
      expect((await SseReader.open(app, `ticket=${ticket}`)).head.status).toBe(200);
    });
  });

  describe('`expiresAt` of a ticket', () => {
    test('is called again when the ticket is used', async () => {
      const session: { endsAt?: Date } = {};
      const app = await start({ read: 'public', expiresAt: () => session.endsAt });
      const ticket = await ticketOf(app, ['orders']);
      session.endsAt = new Date();
      const stream = await SseReader.open(app, `ticket=${ticket}`);
      await stream.rest();
      expect(app.counts().waiters).toBe(0);
    });

    test.each<[string, NonNullable<Rules['expiresAt']>]>([
      ['throws', ({ request }) => new Date(Number(request.headers['x-expires']))],
      [
        'returns an invalid date',
        ({ request }) => new Date(Number((request as typeof request | undefined)?.headers['x-expires'])),
      ],
    ])('is the expiry of the ticket’s request if the function %s without a request', async (_, expiresAt) => {
      const clock = new ManualClock();
      const app = await start({ read: 'public', expiresAt }, { clock });
      const { json } = await request(app, {
        method: 'POST',
        path: '/notifications/tickets',
        headers: { 'Content-Type': 'application/json', 'X-User': 'ann', 'X-Expires': String(clock.now() + 200) },
        body: JSON.stringify({ topics: ['orders'] }),
      });
      const stream = await SseReader.open(app, `ticket=${(json as { ticket: string }).ticket}`);
      await stream.opening();
      await clock.advance(200);
      await stream.rest();
      expect(app.counts().waiters).toBe(0);
    });
  });

  describe('a rule that fails at delivery', () => {
    test('ends a stream with a pause, after which the client resumes', async () => {
      let fails = false;
      const app = await start({ read: () => (fails ? Promise.reject(new Error('no database')) : true) });
      const { stream, ticket } = await open(app, ['orders']);
      fails = true;
      await publish(app, 'orders');
      const last = (await stream.rest()).at(-1);
      expect(Number(last?.retry)).toBeGreaterThan(0);
      expect(stream.text).not.toContain('numbered');
      expect(app.logs.splice(0).join()).toContain('no database');
      fails = false;
      const again = await SseReader.open(app, `ticket=${ticket}`, { 'Last-Event-ID': stream.lastId });
      expect(numbers(await again.notifications(1))).toEqual([1]);
    });
  });

  describe('the first use of a ticket', () => {
    test('is remembered after any number of notifications', async () => {
      const app = await start({ read: 'public' }, { store: memoryStore({ idempotencyCount: 2, retainCount: 2 }) });
      const { stream, ticket } = await open(app, ['orders']);
      await publish(app, 'others', 10);
      expect(await refusalOf(app, ticket)).toEqual([401, 'ticket_spent']);
      await stream.close();
      expect(await refusalOf(app, ticket)).toEqual([401, 'ticket_spent']);
    });

    test('appends nothing to the log', async () => {
      const app = await start({ read: 'public' }, { store: memoryStore({ retainCount: 3 }) });
      await publish(app, 'orders', 3);
      for (let n = 0; n < 5; n++) await (await open(app, ['orders'])).stream.close();
      const { json } = await poll(app, 'topic=orders&cursor=earliest');
      expect(numbers(json.notifications)).toEqual([1, 2, 3]);
      expect(json.gap).toBeUndefined();
    });

    test('ends the stream at once, and the client retries, if the store cannot record it', async () => {
      const claim = () => Promise.reject(new NotificationsError('store_unavailable', 'away'));
      const app = await start({ read: 'public' }, { store: storeWith({ claim }) });
      const ticket = await ticketOf(app, ['orders']);
      const stream = await SseReader.open(app, `ticket=${ticket}`);
      expect(stream.head.status).toBe(200);
      const [first] = await stream.rest();
      expect([Number(first?.retry) > 0, first?.id]).toEqual([true, undefined]);
    });

    test('needs a store that can record it: without one, the application does not start', async () => {
      let closed = 0;
      const store = storeWith({ claim: undefined, onClose: () => closed++ });
      await expect(start({ read: 'public' }, { store })).rejects.toThrow(
        /option tickets needs a store with the method claim\(\)/,
      );
      expect(closed).toBe(1);
    });
  });

  describe('tickets are limited per subscriber', () => {
    test('when they are requested', async () => {
      const app = await start({ read: 'public' }, { tickets: { perMinuteMax: 2 } });
      for (let n = 0; n < 2; n++) expect((await issue(app, ['orders'])).status).toBe(201);
      const refused = await issue(app, ['orders']);
      expect([refused.status, (refused.json as { code: string }).code]).toEqual([429, 'tickets_too_fast']);
      expect(Number(refused.header('retry-after'))).toBeGreaterThan(25);
      expect((await issue(app, ['orders'], 'bob')).status).toBe(201);
    });

    test('when streams are opened: the client retries after a pause, and the ticket is not spent', async () => {
      let laterMs = 0;
      const clock = { ...systemClock, monotonic: () => performance.now() + laterMs };
      const app = await start({ read: 'public' }, { clock, tickets: { usesPerMinuteMax: 1 } });
      const [first, second] = [await ticketOf(app, ['orders']), await ticketOf(app, ['orders'])];
      const others = await ticketOf(app, ['orders'], 'bob');
      expect((await SseReader.open(app, `ticket=${first}`)).head.status).toBe(200);
      const away = await SseReader.open(app, `ticket=${second}`);
      const blocks = await away.rest();
      expect(away.head.status).toBe(200);
      expect(Number(blocks.at(-1)?.retry)).toBeGreaterThan(50_000);
      expect(away.lastId).toBe('');
      await (await SseReader.open(app, `ticket=${others}`)).opening();
      laterMs = 60_000;
      const stream = await SseReader.open(app, `ticket=${second}`);
      expect((await stream.opening()).id).not.toBe('');
    });

    test('copies of a used ticket take nothing from the rate of its owner', async () => {
      const app = await start({ read: 'public' }, { tickets: { usesPerMinuteMax: 2 } });
      const { ticket } = await open(app, ['orders']);
      for (let n = 0; n < 5; n++) expect(await refusalOf(app, ticket)).toEqual([401, 'ticket_spent']);
      await open(app, ['orders']);
    });
  });
});
