import { Controller, Injectable, Module, Param, Post } from '@nestjs/common';
import { NotificationsModule, NotificationsService } from 'nest-notifications';

@Injectable()
export class OrdersService {
  constructor(private readonly notifications: NotificationsService) {}

  async ship(id: string) {
    await this.notifications.publish('orders', { type: 'order.shipped', data: { id } });
    return { shipped: id };
  }
}

@Controller('orders')
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Post(':id/ship')
  ship(@Param('id') id: string) {
    return this.orders.ship(id);
  }
}

@Module({ controllers: [OrdersController], providers: [OrdersService] })
export class OrdersModule {}

@Module({
  imports: [
    // With isGlobal, OrdersModule and all other modules can inject NotificationsService.
    NotificationsModule.forRoot({ isGlobal: true, access: 'public' }),
    OrdersModule,
  ],
})
export class AppModule {}
