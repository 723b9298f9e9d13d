import assert from 'node:assert/strict';
import { after, before, describe, it, mock } from 'node:test';
import LibsqlDatabase from 'libsql';
import { type InboxPage, InboxService } from 'nest-notifications/inbox';
import { join } from 'node:path';
import { type Caller, ShopApp } from './shop-app.js';

/** The title of each item, and whether it is read. */
const shown = ({ items }: InboxPage) =>
  items.map(({ notification, read }) => [(notification.data as { title: string }).title, read]);

async function order(caller: Caller, requestId: string): Promise<void> {
  const lines = [{ productId: 'mug', quantity: 1 }];
  const { status } = await caller.ask('POST', '/api/orders', { requestId: `request-of-a-test-${requestId}`, lines });
  assert.equal(status, 201);
}

async function ship(keeper: Caller, orderId: number): Promise<void> {
  const { status } = await keeper.ask('POST', `/api/orders/${orderId}/shipment`, { carrier: 'DHL' });
  assert.equal(status, 204);
}

describe('the inbox', () => {
  const shop = new ShopApp();
  let ann: Caller;
  let ben: Caller;
  let kim: Caller;

  before(async () => {
    await shop.start();
    [ann, ben, kim] = [await shop.signIn('ann'), await shop.signIn('ben'), await shop.signIn('kim')];
  });
  after(() => shop.remove());

  it('has new orders for keepers, and shipments for their customer only', async () => {
    await order(ann, '1');
    assert.deepEqual(shown(await kim.inbox(1)), [['Ann placed order 1', false]]);
    await ship(kim, 1);
    assert.deepEqual(shown(await ann.inbox(1)), [['Order 1 was shipped with DHL', false]]);
    assert.deepEqual(shown(await ben.inbox(0)), []);
    assert.equal((await kim.inbox(1)).counts.total, 1);
  });

  it('has the same state on all devices of its user', async () => {
    const phone = await shop.signIn('ann');
    await ann.ask('POST', '/inbox', { op: 'read', ids: ['order-1.shipped'] });
    assert.equal((await phone.inbox(1)).counts.unread, 0);
    assert.equal((await kim.inbox(1)).counts.unread, 1);
  });

  it('ignores operations on items of other users, and refuses callers without a session', async () => {
    const ids = ['order-1.shipped', 'order-1.placed'];
    const { body } = await ben.ask('POST', '/inbox', { op: 'remove', ids });
    assert.deepEqual((body as { unknown: string[] }).unknown, ids);
    assert.equal((await ann.inbox(1)).counts.total, 1);
    assert.equal((await fetch(`${await shop.app.getUrl()}/inbox`)).status, 401);
  });
});

describe('after a crash', () => {
  const shop = new ShopApp({ keepsFeed: true });

  before(() => shop.start());
  after(() => shop.remove());

  it('sends an item that the process did not send', async () => {
    const isCalled = new Promise<void>((resolve) => {
      mock.method(shop.app.get(InboxService), 'send', () => {
        resolve();
        return Promise.reject(new Error('the process ends'));
      });
    });
    await order(await shop.signIn('ann'), '1');
    await ship(await shop.signIn('kim'), 1);
    await isCalled;
    await shop.stop();
    await shop.start();
    assert.deepEqual(shown(await (await shop.signIn('kim')).inbox(1)), [['Ann placed order 1', false]]);
    assert.deepEqual(shown(await (await shop.signIn('ann')).inbox(1)), [['Order 1 was shipped with DHL', false]]);
  });

  it('sends no item twice, although the process did not save its position', async () => {
    await (await shop.signIn('ann')).ask('POST', '/inbox', { op: 'read', ids: ['order-1.shipped'] });
    await shop.stop();
    const database = new LibsqlDatabase(join(shop.folder, 'shop.db'));
    database.exec('DELETE FROM feed_positions');
    database.close();
    await shop.start();
    const [ann, kim] = [await shop.signIn('ann'), await shop.signIn('kim')];
    await order(ann, '2');
    await ship(kim, 2);
    assert.deepEqual(shown(await ann.inbox(2)), [
      ['Order 2 was shipped with DHL', false],
      ['Order 1 was shipped with DHL', true],
    ]);
    assert.deepEqual(shown(await kim.inbox(2)), [
      ['Ann placed order 2', false],
      ['Ann placed order 1', false],
    ]);
  });
});
