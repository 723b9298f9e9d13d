import { Controller, Get, Header, Module } from '@nestjs/common';
import { NotificationsModule, NotificationsService } from 'nest-notifications';

/** The numbers of this node, in the text format of Prometheus. */
@Controller('metrics')
class MetricsController {
  constructor(private readonly notifications: NotificationsService) {}

  @Get()
  @Header('Content-Type', 'text/plain; version=0.0.4')
  metrics(): string {
    const gauges = lines('gauge', { ...this.notifications.counts() });
    const counters = lines('counter', { ...this.notifications.totals() });
    return [...gauges, ...counters, ''].join('\n');
  }
}

function lines(type: 'gauge' | 'counter', numbers: Record<string, number>): string[] {
  return Object.entries(numbers).flatMap(([key, value]) => {
    const name = `notifications_${key.toLowerCase()}${type === 'counter' ? '_total' : ''}`;
    return [`# TYPE ${name} ${type}`, `${name} ${value}`];
  });
}

@Module({
  imports: [NotificationsModule.forRoot({ isGlobal: true, access: 'public' })],
  controllers: [MetricsController],
})
export class AppModule {}
