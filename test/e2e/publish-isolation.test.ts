import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { memoryStore, type StoreFactory } from 'nest-notifications';
import { forEachAdapter } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import type { Message } from '../support/http/message.js';
import { poll, post } from '../support/http/feed.js';

const ITEM = { topic: 'orders', type: 'order.shipped', data: { orderId: 7, by: { name: 'dhl' } } };

/** Every caller may read and publish. The header `x-user` names the subscriber. */
const ACCESS = {
  subscriber: ({ request }: { request: { headers: Record<string, string | undefined> } }) => request.headers['x-user'],
  read: 'public' as const,
  publish: 'public' as const,
};

const as = (user: string, key?: string): Record<string, string> => ({
  'x-user': user,
  ...(key !== undefined && { 'Idempotency-Key': key }),
});

async function log(app: TestApp): Promise<{ id: string; topic: string; type: string; data: unknown }[]> {
  return (await poll(app, 'topic=orders,returns,guest.mallory&cursor=earliest&wait=0')).json.notifications;
}

function outcome({ status, json }: Message): [status: number, codeOrDuplicate: unknown] {
  return [status, json.code ?? json.duplicate];
}

const REUSED = [409, 'id_reused'];
const NEW = [201, false];
const REPEAT = [201, true];

/** The memory store without optional methods, like a custom store. */
const plainStore: StoreFactory = async (runtime) => {
  const store = await memoryStore()(runtime);
  return {
    append: (drafts) => store.append(drafts),
    read: (query) => store.read(query),
    tail: (after, onAppended) => store.tail(after, onAppended),
    remove: (query) => store.remove(query),
    close: () => store.close(),
  };
};

/**
 * Blocks until the operating system knows that the client has reset the connection. Node.js does
 * not know it yet.
 */
function untilReset(socket: Socket): void {
  const { _handle } = socket as unknown as { _handle: { getpeername(out: object): number } };
  const endMs = Date.now() + 5_000;
  while (_handle.getpeername({}) === 0) if (Date.now() > endMs) throw new Error('the connection is not reset');
}

forEachAdapter((adapter) => {
  const start = (more: object = {}): Promise<TestApp> =>
    startApp(adapter, { notifications: { access: ACCESS, ...more } });

  test('a key that comes over HTTP replaces no notification of another publisher', async () => {
    const app = await start();
    const keyed = { topic: 'orders', type: 't', key: 'k' };
    await app.service.publish('orders', { type: 't', key: 'k', data: 'application' });
    for (const user of ['ann', 'mallory', 'ann']) await post(app, { ...keyed, data: user }, as(user));
    for (const data of ['anyone', 'anyone else']) await post(app, { ...keyed, data });
    const shown = (await log(app)).map(({ data }) => data);
    expect(shown).toEqual(['application', 'mallory', 'ann', 'anyone else']);
    await app.service.publish('orders', { type: 't', key: 'k', data: 'newer' });
    expect((await log(app)).map(({ data }) => data)).toEqual([...shown.slice(1), 'newer']);
  });

  describe('ids that come over HTTP', () => {
    test('do not suppress a notification of the application', async () => {
      const app = await start();
      const claimed = await post(app, { topic: 'guest.mallory', type: 't', id: 'order-42.shipped' }, as('mallory'));
      expect(claimed.status).toBe(201);
      const published = await app.service.publish('orders', {
        type: 'order.shipped',
        data: 42,
        id: 'order-42.shipped',
      });
      expect(published).toMatchObject({ ids: ['order-42.shipped'], duplicate: false });
      expect((await log(app)).filter(({ topic }) => topic === 'orders')).toHaveLength(1);
    });

    test('are not suppressed by an id of the application', async () => {
      const app = await start();
      await app.service.publish('orders', { type: 't', data: 1, id: 'order-1' });
      expect(outcome(await post(app, { ...ITEM, id: 'order-1' }, as('alice')))).toEqual(NEW);
    });

    test('belong to the subscriber and the topic', async () => {
      const app = await start();
      const item = { ...ITEM, id: 'x' };
      expect(outcome(await post(app, item, as('alice')))).toEqual(NEW);
      expect(outcome(await post(app, item, as('bob')))).toEqual(NEW);
      expect(outcome(await post(app, { ...item, topic: 'returns' }, as('alice')))).toEqual(NEW);
      expect(outcome(await post(app, item))).toEqual(NEW);
      expect(outcome(await post(app, item, as('alice')))).toEqual(REPEAT);
      expect(outcome(await post(app, item))).toEqual(REPEAT);
      expect(await log(app)).toHaveLength(4);
    });

    test('cannot equal a derived id of an Idempotency-Key, a caller or an address', async () => {
      const app = await start();
      const keyed = await post(app, ITEM, as('alice', 'k'));
      const [derived] = keyed.json.ids as string[];
      expect(outcome(await post(app, { ...ITEM, id: derived, data: 'forged' }, as('mallory')))).toEqual(NEW);
      expect(outcome(await post(app, { ...ITEM, id: derived, data: 'forged' }, as('alice')))).toEqual(NEW);
      expect(outcome(await post(app, { ...ITEM, id: 'k' }, as('alice')))).toEqual(NEW);
      expect(outcome(await post(app, { ...ITEM, id: 'x' }))).toEqual(NEW);
      expect(outcome(await post(app, { ...ITEM, id: 'x', data: 'forged' }, as('127.0.0.1')))).toEqual(NEW);
    });

    test('are answered and delivered as derived ids', async () => {
      const app = await start();
      const { json } = await post(app, { ...ITEM, id: 'mine' }, as('alice'));
      expect(json.ids).toEqual([expect.stringMatching(/^[\w-]{32}$/)]);
      expect((await log(app)).map(({ id }) => id)).toEqual(json.ids);
    });
  });

  test.each<[when: string, closed: (socket: Socket) => unknown]>([
    ['closes', (socket) => new Promise((resolve) => socket.once('close', resolve))],
    ['is reset, before Node processes the reset,', (socket) => untilReset(socket)],
  ])('the retry is not a second notification if the connection %s before the address is read', async (_, closed) => {
    const served: Promise<unknown>[] = [];
    const subscriber = ({ request }: { request: { socket?: Socket; headers: object } }) => {
      if (!('x-close' in request.headers)) return undefined;
      client.resetAndDestroy();
      const closing = new Promise((resolve) => setImmediate(resolve)).then(() => closed(request.socket!));
      served.push(closing);
      return closing.then(() => undefined);
    };
    const app = await start({ access: { ...ACCESS, subscriber } });
    const client = connect(app.port, '127.0.0.1');
    const body = JSON.stringify({ ...ITEM, id: 'x' });
    const head = ['POST /notifications HTTP/1.1', 'Host: x', 'Content-Type: application/json', 'X-Close: 1'];
    client.write(`${[...head, `Content-Length: ${body.length}`].join('\r\n')}\r\n\r\n${body}`);
    await once(client, 'close');
    await Promise.all(served);
    expect(outcome(await post(app, { ...ITEM, id: 'x' }))).toEqual(NEW);
    expect(await log(app)).toHaveLength(1);
  });

  describe('the same Idempotency-Key', () => {
    test('of two callers makes two notifications', async () => {
      const app = await start();
      expect(outcome(await post(app, ITEM, as('alice', 'k')))).toEqual(NEW);
      expect(outcome(await post(app, ITEM, as('bob', 'k')))).toEqual(NEW);
      expect(await log(app)).toHaveLength(2);
    });
  });

  describe.each<[store: string, options: object]>([
    ['a store that can look ids up', {}],
    ['a store that cannot', { store: plainStore }],
  ])('a reused id on %s', (_, options) => {
    test.each<[what: string, change: object]>([
      ['other data', { data: { orderId: 8, by: { name: 'dhl' } } }],
      ['another type', { type: 'order.lost' }],
      ['no data', { data: undefined }],
    ])('with %s is answered with 409, whether an id or a key names it', async (_, change) => {
      const app = await start(options);
      expect(outcome(await post(app, ITEM, as('alice', 'k')))).toEqual(NEW);
      expect(outcome(await post(app, { ...ITEM, ...change }, as('alice', 'k')))).toEqual(REUSED);
      expect(outcome(await post(app, { ...ITEM, id: 'x' }, as('alice')))).toEqual(NEW);
      const refused = await post(app, { ...ITEM, ...change, id: 'x' }, as('alice'));
      expect(refused.json).toEqual({
        statusCode: 409,
        error: 'Conflict',
        message: 'the id or Idempotency-Key was used before with another type, other options or other data',
        code: 'id_reused',
      });
      expect(await log(app)).toHaveLength(2);
    });

    test('with the same data in another order of keys is a repeat', async () => {
      const app = await start(options);
      await post(app, { ...ITEM, id: 'x' }, as('alice'));
      const reordered = { id: 'x', data: { by: { name: 'dhl' }, orderId: 7 }, type: ITEM.type, topic: ITEM.topic };
      expect(outcome(await post(app, reordered, as('alice')))).toEqual(REPEAT);
    });

    test('twice in one array is a repeat if equal and 409 if not', async () => {
      const app = await start(options);
      const items = [1, 1].map((data) => ({ ...ITEM, id: 'x', data }));
      const { json } = await post(app, items, as('alice'));
      expect(json).toMatchObject({ duplicates: [json.ids[0]], duplicate: false });
      const refused = await post(
        app,
        [1, 2].map((data) => ({ ...ITEM, id: 'y', data })),
        as('alice'),
      );
      expect(outcome(refused)).toEqual(REUSED);
      expect(refused.json.message).toMatch(/^item 1: /);
      expect(await log(app)).toHaveLength(1);
    });

    test('is a repeat also if retention has removed its first notification', async () => {
      const retaining: StoreFactory = async (runtime) =>
        (options as { store?: StoreFactory }).store ? plainStore(runtime) : memoryStore({ retainCount: 1 })(runtime);
      const app = await start({ ...options, store: retaining });
      await post(app, { ...ITEM, id: 'x' }, as('alice'));
      await post(app, ITEM, as('alice'));
      expect((await post(app, { ...ITEM, id: 'x' }, as('alice'))).json).toMatchObject({ duplicate: true });
    });
  });

  describe('an array with a reused id', () => {
    test('is not appended at all', async () => {
      const app = await start();
      await post(app, { ...ITEM, id: 'b' }, as('alice'));
      const items = ['a', 'b', 'c'].map((id) => ({ ...ITEM, id, data: 'other' }));
      const refused = await post(app, items, as('alice'));
      expect(outcome(refused)).toEqual(REUSED);
      expect(refused.json.message).toMatch(/^item 1: /);
      expect(await log(app)).toHaveLength(1);
    });

    test('is not appended at all, even while the request that used the id is pending', async () => {
      const app = await start();
      const answers = await Promise.all(
        [1, 2, 3, 4].map((data) =>
          post(
            app,
            [
              { ...ITEM, data: `own ${data}` },
              { ...ITEM, id: 'x', data },
            ],
            as('a'),
          ),
        ),
      );
      expect(answers.map(outcome).filter(([status]) => status === 201)).toHaveLength(1);
      expect(answers.map(outcome).filter(([status]) => status === 409)).toHaveLength(3);
      expect(await log(app)).toHaveLength(2);
    });

    test('with an Idempotency-Key is refused when items were added or removed', async () => {
      const app = await start();
      await post(app, [ITEM, ITEM], as('alice', 'k'));
      expect(outcome(await post(app, [ITEM, ITEM, ITEM], as('alice', 'k')))).toEqual(REUSED);
      expect(outcome(await post(app, [ITEM], as('alice', 'k')))).toEqual(REUSED);
      expect(outcome(await post(app, [ITEM, ITEM], as('alice', 'k')))).toEqual(REPEAT);
      expect(await log(app)).toHaveLength(2);
    });
  });
});
