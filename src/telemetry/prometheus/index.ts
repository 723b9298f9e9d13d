/** The entry `nest-notifications/prometheus`. It needs the peer `prom-client`. */
export { NotificationsPrometheusModule } from './prometheus.module.js';
export type { PrometheusOptions } from './prometheus.module.js';
export type { MetricsOptions } from '../nest/metrics-options.js';
