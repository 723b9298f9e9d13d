/*
 * What do metrics and the inspector add to the cost of a delivery?
 *
 * One application has event streams, and publishes notifications. Before each publish, other
 * observers are attached to the same feed: none, those of Prometheus, of OpenTelemetry, of an open
 * inspector, and one with an empty method. So all of them have the same connections. The cost of
 * two applications without metrics differs by up to 5 %. `control` has no observer, and shows the
 * error of the measurement.
 *
 * A stream is the cheapest delivery, so the share of the metrics is the highest. The clients are
 * another process. The CPU time is that of this process. A figure is the median of the publishes
 * after a warm-up.
 *
 *   npm run bench:metrics
 */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { Registry } from 'prom-client';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { FeedObserver } from '../src/core/observer.js';
import { NotificationsModule, NotificationsService } from '../src/index.js';
import { FeedRecorder } from '../src/inspector/recording/feed-recorder.js';
import type { ReadContext } from '../src/nest/context.js';
import { CONTEXT } from '../src/nest/module/tokens.js';
import { FeedMetrics, type FeedMetricsOptions } from '../src/telemetry/feed-metrics.js';
import { codeOf, feedStateOf } from '../src/telemetry/nest/feed-state.js';
import type { Instruments } from '../src/telemetry/nest/observed-feeds.js';
import { OpenTelemetryMetrics } from '../src/telemetry/opentelemetry/opentelemetry-metrics.js';
import { PrometheusMetrics } from '../src/telemetry/prometheus/prometheus-metrics.js';
import { TopicLabels } from '../src/telemetry/topic-labels.js';
import { median } from './median.js';

const STREAMS = 200;
const WARM_UP = 300;
const PUBLISHES = 1_500;
const DELIVERY_BYTES_MAX = 4 * 1024 * 1024;

@Module({ imports: [NotificationsModule.forRoot({ access: 'public' })] })
class AppModule {}

if (process.argv[2] === 'client') readStreams(Number(process.argv[3]));
else await measure();

/** Opens the streams and discards what they receive. */
function readStreams(port: number): void {
  for (let index = 0; index < STREAMS; index++) {
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /notifications?topic=bench HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n');
    socket.resume();
  }
}

/** Publishes one notification. Returns the CPU time of a delivery in µs. */
async function publish(service: NotificationsService): Promise<number> {
  const expected = service.totals().delivered + STREAMS;
  const started = process.cpuUsage();
  await service.publish('bench', { type: 'bench', data: 'x'.repeat(150) });
  while (service.totals().delivered < expected) await turn();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / STREAMS;
}

async function measure(): Promise<void> {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const meterProvider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter })] });
  const app = await NestFactory.create(AppModule, { logger: ['error'], forceCloseConnections: true });
  await app.listen(0, '127.0.0.1');
  const service = app.get<NotificationsService>(NotificationsService);
  const context = app.get<ReadContext>(CONTEXT, { strict: false });
  const subjects: Record<string, readonly FeedObserver[]> = {
    none: [],
    prometheus: metrics(context, (feeds) => new PrometheusMetrics(new Registry(), feeds)),
    opentelemetry: metrics(context, (feeds) => new OpenTelemetryMetrics(meterProvider.getMeter('bench'), feeds)),
    inspector: recorders(context),
    empty: [{ delivered: () => undefined }],
    control: [],
  };
  const client = fork(new URL(import.meta.url), ['client', new URL(await app.getUrl()).port], {
    execArgv: process.execArgv,
  });
  while (service.counts().waiters < STREAMS) await turn();
  const all = Object.entries(subjects);
  const results: Record<string, number[]> = Object.fromEntries(all.map(([name]) => [name, []]));
  for (let index = -WARM_UP; index < PUBLISHES; index++) {
    for (const [name, observers] of shuffled(all)) {
      const removals = observers.map((observer) => context.observers.add(observer));
      const us = await publish(service);
      for (const remove of removals) remove();
      if (index >= 0) results[name]!.push(us);
    }
  }
  const noneUs = median(results.none!);
  const report = Object.entries(results).map(([name, values]) => ({
    name,
    medianUs: rounded(median(values)),
    addedPercent: rounded((median(values) / noneUs - 1) * 100),
  }));
  console.log(JSON.stringify(report, undefined, 2));
  const exited = once(client, 'exit');
  client.kill();
  await exited;
  await app.close();
  await meterProvider.shutdown();
}

/** The observer of the metrics, as their modules make it. */
function metrics(
  context: ReadContext,
  instrumentsOf: (feeds: () => readonly FeedMetrics[]) => Instruments,
): readonly FeedObserver[] {
  const all: FeedMetrics[] = [];
  const instruments = instrumentsOf(() => all);
  const { clock } = context;
  const topics = new TopicLabels([], 'bench');
  const duration: FeedMetricsOptions['duration'] = (metric, labels) => instruments.duration(metric, labels, clock);
  all.push(new FeedMetrics({ feed: 'default', clock, topics, state: feedStateOf(context), duration, codeOf }));
  return all;
}

/** The observers of an open inspector. */
function recorders(context: ReadContext): readonly FeedObserver[] {
  const found: FeedObserver[] = [];
  const observers = { add: (observer: FeedObserver) => found.push(observer) };
  const collecting = Object.create(context, { observers: { value: observers } }) as ReadContext;
  new FeedRecorder({ name: 'default', context: collecting, deliveryBytesMax: DELIVERY_BYTES_MAX });
  return found;
}

/** Another order each time, so that no subject always follows the same one. */
function shuffled<T>(items: readonly T[]): T[] {
  const keyed = items.map((item) => ({ item, key: Math.random() }));
  return keyed.sort((one, other) => one.key - other.key).map(({ item }) => item);
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
