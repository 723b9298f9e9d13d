import { Controller, Get, ServiceUnavailableException } from '@nestjs/common';
import { InjectNotifications, NotificationsService } from 'nest-notifications';
import { Public } from '../auth/signed-in.js';
import { STOCK } from '../feeds/feeds.module.js';

/** For a load balancer: 200 while this node can serve both feeds and the inbox, 503 otherwise. */
@Public()
@Controller('health')
export class HealthController {
  constructor(
    private readonly orders: NotificationsService,
    @InjectNotifications(STOCK) private readonly stock: NotificationsService,
    @InjectNotifications('inbox') private readonly inbox: NotificationsService,
  ) {}

  @Get()
  async read() {
    const feeds = {
      orders: await this.orders.health(),
      stock: await this.stock.health(),
      inbox: await this.inbox.health(),
    };
    if (Object.values(feeds).some((health) => health !== 'ready')) throw new ServiceUnavailableException(feeds);
    return feeds;
  }
}
