import { Module } from '@nestjs/common';
import { metrics } from '@opentelemetry/api';
import { MeterProvider, type MetricReader } from '@opentelemetry/sdk-metrics';
import { NotificationsModule } from 'nest-notifications';
import { NotificationsOpenTelemetryModule } from 'nest-notifications/opentelemetry';

/** Call it before Nest starts, or let `NodeSDK` do it. */
export function startMetrics(reader: MetricReader): MeterProvider {
  const provider = new MeterProvider({ readers: [reader] });
  metrics.setGlobalMeterProvider(provider);
  return provider;
}

@Module({
  imports: [
    NotificationsModule.forRoot({ isGlobal: true, access: 'public' }),
    NotificationsOpenTelemetryModule.forRoot({ topics: ['orders', 'user.*'] }),
  ],
})
export class AppModule {}
