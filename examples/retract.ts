import { Injectable, Module } from '@nestjs/common';
import { NotificationsModule, NotificationsService, topicOf } from 'nest-notifications';

@Injectable()
export class Comments {
  constructor(private readonly notifications: NotificationsService) {}

  /** The id of the notification derives from the comment, so the comment is enough to find it. */
  added(userId: string, commentId: string) {
    const id = `comment:${commentId}`;
    return this.notifications.publish(topicOf('user', userId), { id, type: 'comment.added', data: { commentId } });
  }

  removed(userId: string, commentId: string) {
    return this.notifications.retract(topicOf('user', userId), `comment:${commentId}`);
  }
}

interface SignedIn {
  readonly request: { readonly user?: { readonly id: string } };
}

@Module({
  imports: [
    NotificationsModule.forRoot({
      access: {
        subscriber: ({ request }: SignedIn) => request.user?.id,
        read: { 'user.:id': ({ subscriber }, { id }) => id === subscriber },
        // Only these callers may retract over HTTP: users, on their own topic.
        retract: { 'user.:id': ({ subscriber }, { id }) => id === subscriber },
      },
    }),
  ],
  providers: [Comments],
})
export class AppModule {}
