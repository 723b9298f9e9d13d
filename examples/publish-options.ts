import { Injectable } from '@nestjs/common';
import { NotificationsService } from 'nest-notifications';

@Injectable()
export class Tracking {
  constructor(private readonly notifications: NotificationsService) {}

  moved(orderId: number, place: string) {
    return this.notifications.publish('orders', {
      type: 'order.moved',
      data: { orderId, place },
      // The next position of this order replaces this one.
      key: `order-${orderId}`,
      // It expires after an hour.
      ttlMs: 3_600_000,
      priority: 'high',
    });
  }
}
