import { Injectable, Module } from '@nestjs/common';
import { NotificationsModule, NotificationsService } from 'nest-notifications';
import { z } from 'zod';

/** Maps each topic to its types, and each type to its data. A topic may be a template. */
interface AppNotifications {
  orders: { 'order.shipped': { id: number; carrier: string } };
  [user: `user.${string}`]: { mention: { by: string } };
}

@Injectable()
export class Shipping {
  constructor(private readonly notifications: NotificationsService<AppNotifications>) {}

  ship(id: number, carrier: string) {
    return this.notifications.publish('orders', { type: 'order.shipped', data: { id, carrier } });
  }

  mention(user: string, by: string) {
    return this.notifications.publish(`user.${user}`, { type: 'mention', data: { by } });
  }
}

@Module({
  imports: [
    NotificationsModule.forRoot({
      // Any Standard Schema; enforced on every publish, in process and over HTTP.
      schemas: { 'order.shipped': z.object({ id: z.number().int(), carrier: z.string().min(1) }) },
    }),
  ],
  providers: [Shipping],
})
export class AppModule {}
