// Compiled, not run: the published types as an ES module application sees them (types.cts: the same in CommonJS).
import { Injectable, Module } from '@nestjs/common';
import { NotificationsModule, NotificationsService } from 'nest-notifications';
import * as testing from 'nest-notifications/testing';

@Injectable()
export class OrdersService {
  constructor(private readonly notifications: NotificationsService) {}

  async ship(): Promise<void> {
    await this.notifications.publish('orders', { type: 'order.shipped', data: { id: 1 } });
  }

  mistake(): void {
    // @ts-expect-error A draft has a type; were the published types `any`, this would be no error.
    void this.notifications.publish('orders', { data: {} });
  }
}

@Module({ imports: [NotificationsModule.forRoot({ access: 'public' })], providers: [OrdersService] })
export class AppModule {}

// With exactOptionalPropertyTypes an application may pass on a setting that it does not have.
NotificationsModule.forRoot({ access: 'public', isGlobal: undefined, poll: undefined, stream: { retryMs: undefined } });

// @ts-expect-error The options are typed too.
NotificationsModule.forRoot({ access: 42 });

export { testing };
