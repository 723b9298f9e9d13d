import { Injectable, Module } from '@nestjs/common';
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

interface SignedIn {
  readonly request: { readonly user?: { readonly id: string } };
}

@Module({
  imports: [
    InboxModule.forRoot({
      // The owner of the inbox. A guard has set `user`.
      access: { subscriber: ({ request }: SignedIn) => request.user?.id },
      // Broadcasts that each subscriber sees.
      topics: () => ['announcements'],
    }),
  ],
  providers: [CommentsService],
  exports: [CommentsService],
})
export class CommentsModule {}
