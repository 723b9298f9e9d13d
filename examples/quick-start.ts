import { Controller, Module, Param, Post } from '@nestjs/common';
import { NotificationsModule, NotificationsService } from 'nest-notifications';

@Controller('orders')
class OrdersController {
  constructor(private readonly notifications: NotificationsService) {}

  @Post(':id/ship')
  async ship(@Param('id') id: string) {
    await this.notifications.publish('orders', { type: 'order.shipped', data: { id } });
    return { shipped: id };
  }
}

@Module({
  imports: [NotificationsModule.forRoot({ access: 'public' })],
  controllers: [OrdersController],
})
export class AppModule {}
