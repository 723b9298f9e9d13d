/*
 * What does a publish without readers cost, and does the cost depend on readers of other topics?
 *
 * Publishes to a topic without readers, on memory stores. The nodes are: one alone, one with polls
 * held on 10,000 other topics, one with metrics of Prometheus, and one with metrics of
 * OpenTelemetry. The nodes take turns, so that other load affects all of them. A figure is the
 * median of the rounds, in µs of CPU.
 *
 *   npm run bench:publish           prints one JSON object
 */
import 'reflect-metadata';
import { type DynamicModule, type INestApplicationContext, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { loadavg } from 'node:os';
import { Registry } from 'prom-client';
import { NotificationsModule, NotificationsService } from '../src/index.js';
import { NotificationsOpenTelemetryModule } from '../src/telemetry/opentelemetry/index.js';
import { NotificationsPrometheusModule } from '../src/telemetry/prometheus/index.js';
import { median } from './median.js';

const WAITERS = 10_000;
const PUBLISHES = 5_000;
const ROUNDS = 15;
const DATA = 'x'.repeat(200);

async function openNode(...metrics: DynamicModule[]): Promise<INestApplicationContext> {
  @Module({ imports: [NotificationsModule.forRoot({ access: 'public' }), ...metrics] })
  class AppModule {}
  return NestFactory.createApplicationContext(AppModule);
}

/** The CPU time of a publish in µs. */
async function cost(service: NotificationsService): Promise<number> {
  const started = process.cpuUsage();
  for (let done = 0; done < PUBLISHES; done++) await service.publish('busy', { type: 'bench', data: DATA });
  const { user, system } = process.cpuUsage(started);
  return (user + system) / PUBLISHES;
}

Logger.overrideLogger(false);
const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const meterProvider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter })] });
const nodes = {
  alone: await openNode(),
  otherReaders: await openNode(),
  prometheus: await openNode(NotificationsPrometheusModule.forRoot({ registry: new Registry() })),
  opentelemetry: await openNode(NotificationsOpenTelemetryModule.forRoot({ meterProvider })),
};
const subjects = Object.entries(nodes).map(([name, node]) => ({
  name,
  service: node.get<NotificationsService>(NotificationsService, { strict: false }),
  costs: [] as number[],
}));
for (let at = 0; at < WAITERS; at++) {
  subjects[1]!.service.poll({ topics: [`other.${at}`], waitMs: 3_600_000 }).subscribe();
}
for (const { service } of subjects) await cost(service);
for (let round = 0; round < ROUNDS; round++) {
  for (const { service, costs } of round % 2 ? subjects.toReversed() : subjects) costs.push(await cost(service));
}
const usPerPublish = Object.fromEntries(subjects.map(({ name, costs }) => [name, Number(median(costs).toFixed(2))]));
console.log(JSON.stringify({ node: process.version, load: loadavg()[0], waiters: WAITERS, usPerPublish }, null, 2));
for (const node of Object.values(nodes)) await node.close();
await meterProvider.shutdown();
