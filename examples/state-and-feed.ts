import { Controller, Get, Module, Post } from '@nestjs/common';
import { NotificationsModule, NotificationsService } from 'nest-notifications';

@Controller('basket')
class BasketController {
  private items = 0;

  constructor(private readonly notifications: NotificationsService) {}

  @Get()
  read() {
    // Cursor first, then the state: changes in between are in the feed after the cursor.
    const cursor = this.notifications.cursor();
    return { items: this.items, cursor };
  }

  @Post()
  async add() {
    this.items += 1;
    await this.notifications.publish('basket', { type: 'basket.changed', data: { items: this.items } });
    return { items: this.items };
  }
}

@Module({
  imports: [NotificationsModule.forRoot({ access: 'public' })],
  controllers: [BasketController],
})
export class AppModule {}
