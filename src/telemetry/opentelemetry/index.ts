/** The entry `nest-notifications/opentelemetry`. It needs the peer `@opentelemetry/api`. */
export { NotificationsOpenTelemetryModule } from './opentelemetry.module.js';
export type { OpenTelemetryOptions } from './opentelemetry.module.js';
export type { MetricsOptions } from '../nest/metrics-options.js';
export { NotificationsTracesModule } from './traces.module.js';
