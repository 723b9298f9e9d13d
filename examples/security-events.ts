import { Injectable, Logger, Module, type OnModuleInit } from '@nestjs/common';
import { NotificationsModule, NotificationsService, type SecurityEvent } from 'nest-notifications';
import { groupBy, mergeMap, throttleTime } from 'rxjs';

@Injectable()
export class SecurityLog implements OnModuleInit {
  /** For your metrics. The number of names is bounded: one for each code or limit. */
  readonly counts = new Map<string, number>();
  private readonly logger = new Logger('Security');

  constructor(private readonly notifications: NotificationsService) {}

  onModuleInit() {
    const { securityEvents } = this.notifications;
    securityEvents.subscribe((event) => this.counts.set(nameOf(event), (this.counts.get(nameOf(event)) ?? 0) + 1));
    // A caller can cause as many events as it sends requests: log each name once a second.
    securityEvents
      .pipe(
        groupBy(nameOf),
        mergeMap((events) => events.pipe(throttleTime(1_000))),
      )
      .subscribe((event) => this.logger.warn(event));
  }
}

function nameOf(event: SecurityEvent): string {
  if (event.type === 'revoked') return event.type;
  return `${event.type} ${event.type === 'refused' ? event.code : event.limit}`;
}

@Module({
  imports: [NotificationsModule.forRoot({ access: { read: { news: true } } })],
  providers: [SecurityLog],
})
export class AppModule {}
