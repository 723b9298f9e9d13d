// Copied into projects as `nest new` makes them, by scripts/new-project-smoke.mjs. Jest and Vitest
// run it.
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { NotificationsModule, NotificationsService } from 'nest-notifications';
import { connect } from 'nest-notifications/client';
import { sqliteStore } from 'nest-notifications/stores/sqlite';
import { ManualClock } from 'nest-notifications/testing';

@Injectable()
class OrdersService {
  constructor(private readonly notifications: NotificationsService) {}

  ship(id: number) {
    return this.notifications.publish('orders', { type: 'order.shipped', data: { id } });
  }
}

describe('OrdersService', () => {
  it('publishes', async () => {
    const module = await Test.createTestingModule({
      imports: [NotificationsModule.forRoot({ access: 'public', serveClient: true })],
      providers: [OrdersService],
    }).compile();
    await module.init();
    expect(await module.get(OrdersService).ship(1)).toMatchObject({ duplicate: false });
    await module.close();
  });

  it('works with a fake', async () => {
    const publish = (topic: string) => Promise.resolve({ topic });
    const module = await Test.createTestingModule({
      providers: [OrdersService, { provide: NotificationsService, useValue: { publish } }],
    }).compile();
    expect(await module.get(OrdersService).ship(1)).toEqual({ topic: 'orders' });
  });

  it('loads the entries', () => {
    expect([connect, sqliteStore, ManualClock].map((one) => typeof one)).toEqual(['function', 'function', 'function']);
  });
});
