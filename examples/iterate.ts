import { Injectable } from '@nestjs/common';
import { NotificationsService } from 'nest-notifications';

@Injectable()
export class OrderSubscriptions {
  constructor(private readonly notifications: NotificationsService) {}

  /**
   * A subscription of GraphQL: one value per notification. Its waiter is released when the client
   * leaves.
   */
  orderChanged(cursor?: string) {
    return this.notifications.iterate({ topics: ['orders'], cursor });
  }

  /**
   * A plain loop. Keep the cursor when a notification has been handled, and start from it next
   * time.
   */
  async handleOrders(handle: (data: unknown, cursor: string) => Promise<void>, signal: AbortSignal) {
    for await (const { data, cursor } of this.notifications.iterate({ topics: ['orders'], signal })) {
      await handle(data, cursor);
    }
  }
}
