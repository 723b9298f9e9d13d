import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { DATABASE, type Database } from '../server/database/schema.js';
import { type Caller, ShopApp } from './shop-app.js';

const REQUEST = 'request-of-a-test-1';
const order = (requestId: string, quantity = 1) => ({ requestId, lines: [{ productId: 'chair', quantity }] });

describe('orders', () => {
  const shop = new ShopApp();
  let ann: Caller;
  let ben: Caller;
  let kim: Caller;

  before(async () => {
    await shop.start();
    [ann, ben, kim] = [await shop.signIn('ann'), await shop.signIn('ben'), await shop.signIn('kim')];
  });
  after(() => shop.remove());

  const placed = ['order.placed', { orderId: 1, customer: 'Ann', totalCents: 12_900 }];

  it('notifies the customer and the keepers, and no other customer', async () => {
    const answer = await ann.ask('POST', '/api/orders', order(REQUEST));
    assert.deepEqual(answer, { status: 201, body: { orderId: 1 } });
    assert.deepEqual(await ann.notifications(), [placed]);
    assert.deepEqual(await kim.notifications(), [placed]);
    assert.deepEqual(await ben.notifications(), []);
  });

  it('creates one order for a repeated request, also for two at the same time', async () => {
    const first = await ann.ask('POST', '/api/orders', order(REQUEST));
    assert.deepEqual(first.body, { orderId: 1 });
    const both = [ben, ben].map((caller) => caller.ask('POST', '/api/orders', order('request-of-a-test-2')));
    const ids = (await Promise.all(both)).map(({ body }) => (body as { orderId: number }).orderId);
    assert.equal(ids[0], ids[1]);
    assert.equal((await ben.notifications()).length, 1);
  });

  it('changes and publishes nothing if the stock is too low', async () => {
    const lines = [
      { productId: 'blanket', quantity: 1 },
      { productId: 'chair', quantity: 20 },
    ];
    const answer = await ann.ask('POST', '/api/orders', { requestId: 'request-of-a-test-3', lines });
    assert.equal(answer.status, 409);
    const { body } = await ann.ask('GET', '/api/products');
    const { products } = body as { products: { id: string; stock: number }[] };
    assert.deepEqual(
      products.filter(({ id }) => id === 'blanket').map(({ stock }) => stock),
      [4],
    );
    assert.equal((await ann.notifications()).length, 1);
  });

  it('ships an order once, and only for a keeper', async () => {
    const ship = (caller: Caller) => caller.ask('POST', '/api/orders/1/shipment', { carrier: 'DHL' });
    assert.equal((await ship(ann)).status, 403);
    const statuses = (await Promise.all([ship(kim), ship(kim)])).map(({ status }) => status);
    assert.deepEqual(statuses.sort(), [204, 409]);
    const shipped = ['order.shipped', { orderId: 1, customer: 'Ann', carrier: 'DHL' }];
    assert.deepEqual(await ann.notifications(), [placed, shipped]);
    assert.deepEqual((await kim.notifications()).at(-1), shipped);
  });

  it('changes the stock only for a keeper', async () => {
    const deliver = (caller: Caller) => caller.ask('POST', '/api/products/chair/deliveries', { quantity: 1 });
    assert.equal((await deliver(ben)).status, 403);
    assert.equal((await deliver(kim)).status, 204);
  });

  it('refuses topics of other users, bodies of another shape, and callers without a session', async () => {
    for (const topic of ['user.ann', 'keepers']) {
      assert.equal((await ben.ask('GET', `/notifications?topic=${topic}&wait=0`)).status, 403);
    }
    for (const body of [{}, order('short'), order('request-of-a-test-4', 0), order('request-of-a-test-4', 1.5)]) {
      assert.equal((await ann.ask('POST', '/api/orders', body)).status, 400);
    }
    const stranger = await fetch(`${await shop.app.getUrl()}/notifications?wait=0`);
    assert.equal(stranger.status, 401);
  });
});

describe('the outbox of SQLite', () => {
  it('publishes the remaining rows once after a crash', async () => {
    const shop = await new ShopApp().start();
    try {
      const data = { orderId: 7, customer: 'Ann', totalCents: 100 };
      const item = JSON.stringify({ topic: 'user.ann', type: 'order.placed', data, id: 'left-by-a-crash' });
      const database = shop.app.get<Database>(DATABASE);
      // A process that is killed after the publish and before the deletion publishes an id twice.
      await database.insertInto('outbox').values([{ item }, { item }]).execute();
      await shop.stop();
      await shop.start();
      const ann = await shop.signIn('ann');
      assert.deepEqual(await ann.notifications(), [['order.placed', data]]);
      const rows = await shop.app.get<Database>(DATABASE).selectFrom('outbox').selectAll().execute();
      assert.deepEqual(rows, []);
    } finally {
      await shop.remove();
    }
  });
});
