import { Controller, Get, Header, Module } from '@nestjs/common';
import { NotificationsModule } from 'nest-notifications';
import { NotificationsPrometheusModule } from 'nest-notifications/prometheus';
import { register } from 'prom-client';

/** For Prometheus. Add a guard if other callers can reach this route. */
@Controller('metrics')
class MetricsController {
  @Get()
  @Header('Content-Type', register.contentType)
  metrics(): Promise<string> {
    return register.metrics();
  }
}

@Module({
  imports: [
    NotificationsModule.forRoot({ isGlobal: true, access: 'public' }),
    NotificationsPrometheusModule.forRoot({ topics: ['orders', 'user.*'] }),
  ],
  controllers: [MetricsController],
})
export class AppModule {}
