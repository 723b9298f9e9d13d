import { Controller, Get, Module, Query } from '@nestjs/common';
import { NotificationsModule, NotificationsService } from 'nest-notifications';

@Controller('orders')
class OrdersController {
  constructor(private readonly notifications: NotificationsService) {}

  /** The newest 20 notifications, or the 20 before a cursor. */
  @Get('history')
  history(@Query('before') before?: string) {
    return this.notifications.history({ topics: ['orders'], limit: 20, before });
  }
}

@Module({
  imports: [NotificationsModule.forRoot({ access: 'public' })],
  controllers: [OrdersController],
})
export class AppModule {}
