/** Options of the metrics, for Prometheus and for OpenTelemetry. */
export interface MetricsOptions {
  /**
   * Topics, and patterns such as `orders.*`, that become values of the label `topic`. All other
   * topics have the value `other`. At most 16. Without this option there is no such label, because
   * each value is a time series.
   * @default none
   */
  readonly topics?: readonly string[] | undefined;
}
