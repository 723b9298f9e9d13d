import { Controller, Get, Module } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { NotificationsModule } from 'nest-notifications';
import { NotificationsHealthIndicator } from 'nest-notifications/terminus';

@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly notifications: NotificationsHealthIndicator,
  ) {}

  /**
   * Liveness: the process answers. The store is not checked, because a restart does not repair it.
   */
  @Get('live')
  live() {
    return { status: 'ok' };
  }

  /** Readiness: the node can serve clients. */
  @Get('ready')
  @HealthCheck()
  ready() {
    return this.health.check([() => this.notifications.isReady()]);
  }
}

@Module({
  imports: [
    NotificationsModule.forRoot({ isGlobal: true, access: 'public', shutdown: { delayMs: 5_000 } }),
    TerminusModule.forRoot(),
  ],
  controllers: [HealthController],
  providers: [NotificationsHealthIndicator],
})
export class AppModule {}
