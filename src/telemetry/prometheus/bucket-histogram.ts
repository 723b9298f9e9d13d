import { Histogram, type Registry } from 'prom-client';
import { Buckets, type RecordDuration } from '../buckets.js';
import { DURATION_BOUNDS_S, type Labels, type Metric } from '../metrics.js';

type Result = Awaited<ReturnType<Histogram['get']>>;

/** A histogram in a registry of `prom-client`. Its values are in `Buckets`. */
export class BucketHistogram extends Histogram {
  readonly #name: string;
  readonly #help: string;
  readonly #series: { readonly labels: Labels; readonly buckets: Buckets }[] = [];

  constructor(name: string, { help, labels }: Metric, registry: Registry) {
    super({ name, help, labelNames: [...labels], buckets: [...DURATION_BOUNDS_S], registers: [registry] });
    this.#name = name;
    this.#help = help;
  }

  /** Opens a time series. */
  open(labels: Labels): RecordDuration {
    const buckets = new Buckets();
    this.#series.push({ labels, buckets });
    return buckets.record;
  }

  /** Called by `Registry.resetMetrics`, and by the base class before the fields exist. */
  override reset(): void {
    super.reset();
    if (#series in this) for (const { buckets } of this.#series) buckets.clear();
  }

  /** Called by the registry for each scrape. */
  override async get(): Promise<Result> {
    const values = this.#series.flatMap((series) => this.#valuesOf(series));
    // In the typings of `prom-client`, `type` is a number, but a registry writes this text.
    return { name: this.#name, help: this.#help, type: 'histogram', aggregator: 'sum', values } as unknown as Result;
  }

  /** A registry calls this method in place of `get` when it writes the text format. */
  getForPromString(): Promise<Result> {
    return this.get();
  }

  #valuesOf({ labels, buckets }: { readonly labels: Labels; readonly buckets: Buckets }): Result['values'] {
    const { count, sum, cumulative } = buckets;
    const upTo = [...cumulative, { bound: '+Inf', count }];
    return [
      ...upTo.map(({ bound, count: value }) => ({
        metricName: `${this.#name}_bucket`,
        labels: { ...labels, le: bound },
        value,
      })),
      { metricName: `${this.#name}_sum`, labels, value: sum },
      { metricName: `${this.#name}_count`, labels, value: count },
    ];
  }
}
