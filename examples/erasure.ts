import { Injectable, Module } from '@nestjs/common';
import { NotificationsModule, NotificationsService, topicOf } from 'nest-notifications';

@Injectable()
export class Accounts {
  constructor(private readonly notifications: NotificationsService) {}

  /** Call it after the account is closed, so that nothing publishes to its topics any more. */
  async close(userId: string): Promise<number> {
    const { count } = await this.notifications.erase({ subscriber: userId });
    return count;
  }
}

@Module({
  imports: [
    NotificationsModule.forRoot({
      access: {
        read: { 'user.:id': ({ subscriber }, { id }) => id === subscriber, news: true },
        ownedTopics: (subscriber) => [topicOf('user', subscriber)],
      },
    }),
  ],
  providers: [Accounts],
})
export class AppModule {}
