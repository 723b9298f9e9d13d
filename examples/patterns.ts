import { Controller, Module, Param, Post } from '@nestjs/common';
import { NotificationsModule, NotificationsService } from 'nest-notifications';

interface UserRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
}

@Controller('orders')
class OrdersController {
  constructor(private readonly notifications: NotificationsService) {}

  @Post(':shop/:id/ship')
  ship(@Param('shop') shop: string, @Param('id') id: string) {
    return this.notifications.publish(`orders.${shop}.${id}`, { type: 'order.shipped', data: { id } });
  }
}

@Module({
  imports: [
    NotificationsModule.forRoot({
      // GET /notifications?topic=orders.* reads the orders of all shops that the caller may read.
      patterns: ['orders.*'],
      access: {
        subscriber: ({ request }: { request: UserRequest }) => request.headers['x-user'],
        read: { 'orders.:shop.*': ({ subscriber }, { shop }) => subscriber === 'admin' || subscriber === shop },
      },
    }),
  ],
  controllers: [OrdersController],
})
export class AppModule {}
