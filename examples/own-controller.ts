import { Controller, Get, Module, Param, Query } from '@nestjs/common';
import { NotificationsModule, NotificationsService, topicOf } from 'nest-notifications';

@Controller('inbox')
class InboxController {
  constructor(private readonly notifications: NotificationsService) {}

  @Get(':user')
  read(@Param('user') user: string, @Query('cursor') cursor?: string) {
    return this.notifications.poll({ topics: [topicOf('user', user)], cursor, waitMs: 20_000 });
  }
}

@Module({
  imports: [NotificationsModule.forRoot({ controller: false })],
  controllers: [InboxController],
})
export class AppModule {}
