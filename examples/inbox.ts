import { Injectable, Module } from '@nestjs/common';
import type { Request } from 'express';
import { InboxModule, InboxService } from 'nest-notifications/inbox';

@Injectable()
export class CommentsService {
  constructor(private readonly inbox: InboxService) {}

  async commented(author: string, commentId: number, postId: number) {
    await this.inbox.send(author, {
      id: `comment-${commentId}.${author}`,
      type: 'comment',
      data: { postId, url: `/posts/${postId}` },
    });
  }
}

@Module({
  imports: [
    InboxModule.forRoot({
      // The owner of the inbox. A guard has set `user`.
      access: { subscriber: ({ request }: { request: Request & { user?: { id: string } } }) => request.user?.id },
      // Broadcasts that each subscriber sees.
      topics: () => ['announcements'],
    }),
  ],
  providers: [CommentsService],
  exports: [CommentsService],
})
export class CommentsModule {}
