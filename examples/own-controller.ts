import { Controller, Get, Module, Param, Query } from '@nestjs/common';
import { NotificationsModule, NotificationsService, type Page, topicOf } from 'nest-notifications';
import { first, map, type Observable, race, timer } from 'rxjs';

@Controller('inbox')
class InboxController {
  constructor(private readonly notifications: NotificationsService) {}

  /** Long polling is a race of arrivals against a timeout. */
  @Get(':user')
  read(@Param('user') user: string, @Query('cursor') cursor?: string): Observable<Page> {
    const start = cursor ?? this.notifications.cursor();
    const nothing: Page = { notifications: [], cursor: start, more: false };

    const arrival$ = this.notifications
      .follow({ topics: [topicOf('user', user)], cursor: start })
      .pipe(first((page) => page.notifications.length > 0 || page.gap !== undefined, nothing));
    const timeout$ = timer(20_000).pipe(map(() => nothing));

    // `notifications.poll({ topics, cursor, waitMs: 20_000 })` is the same in one call. It also
    // moves the cursor of an empty page to the end of the log.
    return race(arrival$, timeout$);
  }
}

@Module({
  imports: [NotificationsModule.forRoot({ controller: false })],
  controllers: [InboxController],
})
export class AppModule {}
