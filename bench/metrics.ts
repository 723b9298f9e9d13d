/*
 * What do metrics and the inspector add to the cost of a delivery?
 *
 * Six applications in one process have the same number of event streams. Two have no metrics, one
 * has Prometheus, and one has OpenTelemetry. Two have an inspector: `inspectorIdle` is unused, and
 * `inspectorOpen` records. The second one without metrics, `control`, shows the error of the
 * measurement. They publish in turn, one notification each, so that they have the same conditions.
 * A stream is the cheapest delivery, so the share of the metrics is the highest. The clients are
 * another process. The CPU time is that of this process. A figure is the median of the publishes
 * after a warm-up.
 *
 *   npm run bench:metrics
 */
import 'reflect-metadata';
import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
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
import { NotificationsModule, NotificationsService } from '../src/index.js';
import type { InspectorOptions } from '../src/inspector/index.js';
import { Inspector, INSPECTOR_OPTIONS } from '../src/inspector/inspector.js';
import { NotificationsOpenTelemetryModule } from '../src/telemetry/opentelemetry/index.js';
import { NotificationsPrometheusModule } from '../src/telemetry/prometheus/index.js';

const STREAMS = 200;
const WARM_UP = 300;
const PUBLISHES = 1_500;

if (process.argv[2] === 'client') readStreams(process.argv.slice(3).map(Number));
else await measure();

/** Opens the streams and discards what they receive. */
function readStreams(ports: readonly number[]): void {
  for (const port of ports) {
    for (let index = 0; index < STREAMS; index++) {
      const socket = connect(port, '127.0.0.1');
      socket.write('GET /notifications?topic=bench HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n');
      socket.resume();
    }
  }
}

async function open(imports: ModuleMetadata['imports'] = []) {
  @Module({ imports: [NotificationsModule.forRoot({ access: 'public' }), ...imports] })
  class AppModule {}
  const app = await NestFactory.create(AppModule, { logger: ['error'], forceCloseConnections: true });
  await app.listen(0, '127.0.0.1');
  return { app, service: app.get(NotificationsService), port: Number(new URL(await app.getUrl()).port) };
}

/** The inspector without its page, because only a built package contains the page. */
function inspectorModule(options: InspectorOptions): DynamicModule {
  @Module({})
  class InspectorModule {}
  return { module: InspectorModule, providers: [{ provide: INSPECTOR_OPTIONS, useValue: options }, Inspector] };
}

type Subject = Awaited<ReturnType<typeof open>>;

/** Publishes one notification. Returns the CPU time of a delivery in µs. */
async function publish({ service }: Subject): Promise<number> {
  const expected = service.totals().delivered + STREAMS;
  const started = process.cpuUsage();
  await service.publish('bench', { type: 'bench', data: 'x'.repeat(150) });
  while (service.totals().delivered < expected) await turn();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / STREAMS;
}

async function measure(): Promise<void> {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const subjects = {
    none: await open(),
    prometheus: await open([NotificationsPrometheusModule.forRoot({ registry: new Registry() })]),
    opentelemetry: await open([NotificationsOpenTelemetryModule.forRoot({ meterProvider })]),
    inspectorIdle: await open([inspectorModule({})]),
    inspectorOpen: await open([inspectorModule({ alwaysOn: true })]),
    control: await open(),
  };
  const all = Object.entries(subjects);
  const ports = all.map(([, { port }]) => String(port));
  const client = fork(new URL(import.meta.url), ['client', ...ports], { execArgv: process.execArgv });
  for (const [, { service }] of all) while (service.counts().waiters < STREAMS) await turn();
  const results: Record<string, number[]> = Object.fromEntries(all.map(([name]) => [name, []]));
  for (let index = -WARM_UP; index < PUBLISHES; index++) {
    // Each application is the first one as often as the others.
    for (let at = 0; at < all.length; at++) {
      const [name, subject] = all[(at + index + WARM_UP) % all.length]!;
      const us = await publish(subject);
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
  await Promise.all(all.map(([, { app }]) => app.close()));
  await meterProvider.shutdown();
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
