import { afterEach, describe, expect, test } from '@jest/globals';
import { createNoopMeter, type Histogram, type Meter, metrics, type Observable } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  type MetricData,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { ManualClock } from 'nest-notifications/testing';
import { NotificationsModule } from 'nest-notifications';
import { NotificationsOpenTelemetryModule } from 'nest-notifications/opentelemetry';
import { AppModule, startMetrics } from '../../examples/metrics-opentelemetry.js';
import { METRIC_LIST } from '../../src/telemetry/metrics.js';
import { OpenTelemetryMetrics } from '../../src/telemetry/opentelemetry/opentelemetry-metrics.js';
import { Sampler, SAMPLES_PER_SECOND } from '../../src/telemetry/opentelemetry/sampler.js';
import { express } from '../support/http/adapters.js';
import { OPEN, startApp } from '../support/http/app.js';
import { atTestEnd, endTest } from '../support/http/cleanup.js';
import { holdPoll, poll, publish } from '../support/http/feed.js';

afterEach(endTest);

/** An SDK in memory. `collect` returns all metrics of the meter, by their names. */
function startSdk() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = startMetrics(reader);
  atTestEnd(async () => {
    metrics.disable();
    await provider.shutdown();
  });
  const collect = async (): Promise<Map<string, MetricData>> => {
    exporter.reset();
    await reader.forceFlush();
    const scopes = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics);
    return new Map(scopes.flatMap((scope) => scope.metrics).map((metric) => [metric.descriptor.name, metric]));
  };
  return { collect };
}

function valuesOf(metric: MetricData | undefined): unknown[] {
  return metric?.dataPoints.map(({ attributes, value }) => [attributes, value]) ?? [];
}

describe('the metrics of OpenTelemetry', () => {
  test('have the names, units and descriptions of the table', async () => {
    const { collect } = startSdk();
    const app = await startApp(express, { imports: [AppModule] });
    const held = await holdPoll(app, 'topic=orders');
    await publish(app, 'orders', 1);
    await held.response();
    const found = await collect();
    // These have no values without a refusal, a gap, an eviction, an operation or an error.
    const rare = ['gaps', 'refusals', 'evictions', 'operations', 'store.errors'].map((name) => `notifications.${name}`);
    for (const { name, unit, help } of METRIC_LIST) {
      if (!rare.includes(name)) expect(found.get(name)?.descriptor).toMatchObject({ name, unit, description: help });
    }
  });

  test('have values with attributes, and a histogram of deliveries', async () => {
    const { collect } = startSdk();
    const app = await startApp(express, { imports: [AppModule] });
    const held = await holdPoll(app, 'topic=orders');
    await publish(app, 'orders', 1);
    await held.response();
    await poll(app, 'topic=orders&wait=x');
    const found = await collect();
    const feed = { 'notifications.feed': 'default' };
    expect(valuesOf(found.get('notifications.published'))).toContainEqual([
      { ...feed, 'notifications.topic': 'orders' },
      1,
    ]);
    expect(valuesOf(found.get('notifications.refusals'))).toEqual([[{ ...feed, 'error.type': 'wait_invalid' }, 1]]);
    expect(valuesOf(found.get('notifications.delivery.duration'))).toEqual([
      [{ ...feed, 'notifications.transport': 'poll' }, expect.objectContaining({ count: 1 })],
    ]);
  });

  test('leave no callback when the application ends', async () => {
    const callbacks = new Set<unknown>();
    const meter = Object.create(createNoopMeter()) as Meter;
    const instrument = {
      addCallback: (callback: unknown) => callbacks.add(callback),
      removeCallback: (callback: unknown) => callbacks.delete(callback),
    } as unknown as Observable;
    const watched: Meter = Object.assign(meter, {
      createObservableCounter: () => instrument,
      createObservableGauge: () => instrument,
      createObservableUpDownCounter: () => instrument,
    });
    const own = NotificationsOpenTelemetryModule.forRoot({ meterProvider: { getMeter: () => watched } });
    const app = await startApp(express, { imports: [NotificationsModule.forRoot(OPEN), own] });
    expect(callbacks.size).toBe(METRIC_LIST.length - 2);
    await app.close();
    expect(callbacks.size).toBe(0);
  });

  test('change no publish and no delivery if the library fails, and log one line', async () => {
    const meter = Object.create(createNoopMeter()) as Meter;
    const record = (): never => {
      throw new Error('a bug of the library');
    };
    meter.createHistogram = () => ({ record }) as unknown as Histogram;
    const own = NotificationsOpenTelemetryModule.forRoot({ meterProvider: { getMeter: () => meter } });
    const app = await startApp(express, { imports: [NotificationsModule.forRoot(OPEN), own] });
    const held = await holdPoll(app, 'topic=orders');
    await publish(app, 'orders', 1);
    expect((await held.response()).json).toMatchObject({ notifications: [{ topic: 'orders' }] });
    await publish(app, 'orders', 1);
    expect(app.logs.splice(0)).toEqual([
      expect.stringMatching(/^error An observer of the feed, such as the metrics, threw/),
    ]);
  });

  test('cost nothing but counters without an SDK', async () => {
    const app = await startApp(express, { imports: [AppModule] });
    await publish(app, 'orders', 1);
    expect((await poll(app, 'topic=orders&cursor=earliest')).status).toBe(200);
  });
});

describe('the sampler', () => {
  test('uses the clock of the feed', async () => {
    const clock = new ManualClock();
    const meter = Object.create(createNoopMeter()) as Meter;
    const recorded: number[] = [];
    meter.createHistogram = () => ({ record: (seconds: number) => recorded.push(seconds) }) as unknown as Histogram;
    const instruments = new OpenTelemetryMetrics(meter, () => []);
    const labels = { feed: 'default', transport: 'poll' };
    const record = instruments.duration('notifications.delivery.duration', labels, clock);
    for (let count = 0; count <= SAMPLES_PER_SECOND; count++) record(1);
    expect(recorded).toHaveLength(SAMPLES_PER_SECOND);
    await clock.advance(1_000);
    record(2);
    expect(recorded.at(-1)).toBe(2);
  });

  test('takes all records at a low rate, and some at a high rate', () => {
    const sampler = new Sampler();
    const taken = (atMs: number, count: number): number =>
      Array.from({ length: count }, () => sampler.takes(atMs)).filter(Boolean).length;
    expect(taken(0, SAMPLES_PER_SECOND)).toBe(SAMPLES_PER_SECOND);
    expect(taken(500, 4 * SAMPLES_PER_SECOND)).toBe(SAMPLES_PER_SECOND);
    expect(taken(999, 100_000)).toBeLessThan(6 * SAMPLES_PER_SECOND);
    expect(taken(1_000, 10)).toBe(10);
  });
});
