/*
 * What does an observer cost per delivery, without the delivery itself?
 *
 * A loop reports deliveries to the observers of a feed, as waiters do: each page to one waiter
 * after the other. `shared` has 200 waiters per page. `own` has one waiter per page. A page has one
 * notification of 200 bytes. Each subject runs in its own process, so that the compiler does not
 * optimise for several of them. A figure is the median of the rounds.
 *
 *   npm run bench:observers      prints nanoseconds per page and waiter
 */
import { AggregationTemporality, InMemoryMetricExporter } from '@opentelemetry/sdk-metrics';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { execFileSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Registry } from 'prom-client';
import { systemClock } from '../src/core/clock.js';
import { logEntry } from '../src/core/notification.js';
import { FeedCounter, type ObservedRead } from '../src/core/observer.js';
import { Observers } from '../src/core/observers.js';
import type { LogPage } from '../src/core/page.js';
import { FeedMetrics } from '../src/telemetry/feed-metrics.js';
import type { Instruments } from '../src/telemetry/nest/observed-feeds.js';
import { OpenTelemetryMetrics } from '../src/telemetry/opentelemetry/opentelemetry-metrics.js';
import { PrometheusMetrics } from '../src/telemetry/prometheus/prometheus-metrics.js';
import { TopicLabels } from '../src/telemetry/topic-labels.js';

const WAITERS = 200;
const DELIVERIES = 100_000;
const WARM_UP = 5;
const ROUNDS = 25;
const TOPICS = ['orders', 'user.*'];
const SUBJECTS = ['none', 'prometheus', 'prometheus, topics', 'opentelemetry', 'opentelemetry, topics'];

type Opened = Pick<Instruments, 'duration'>;

function instruments(subject: string): Opened {
  if (subject.startsWith('prometheus')) return new PrometheusMetrics(new Registry(), () => []);
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const provider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter })] });
  return new OpenTelemetryMetrics(provider.getMeter('bench'), () => []);
}

function observersOf(subject: string): Observers {
  const observers = new Observers(() => undefined);
  observers.add(new FeedCounter());
  if (subject === 'none') return observers;
  const topics = new TopicLabels(subject.endsWith('topics') ? TOPICS : [], 'bench');
  const opened = instruments(subject);
  observers.add(
    new FeedMetrics({
      feed: 'default',
      clock: systemClock,
      topics,
      duration: (metric, labels) => opened.duration(metric, labels, systemClock),
      codeOf: String,
    }),
  );
  return observers;
}

function pageAt(position: number): LogPage {
  const time = new Date().toISOString();
  const json = JSON.stringify({ id: `n${position}`, topic: 'orders', type: 'bench', time, data: 'x'.repeat(120) });
  const entries = [logEntry(position, { id: `n${position}`, topic: 'orders', json })];
  return { epoch: { id: 'e', secret: 's' }, entries, position, more: false };
}

/** Nanoseconds per delivery, in each round. */
function run(observers: Observers, waiters: number): number {
  const reads = Array.from({ length: waiters }, (): ObservedRead => ({
    request: { topics: ['orders'], limit: 100 },
    kind: 'stream',
    startedAt: 0,
  }));
  const ns: number[] = [];
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    // A page keeps its count, so each round has new pages.
    const pages = Array.from({ length: DELIVERIES / waiters }, (_, index) => pageAt(index + 1));
    const started = process.cpuUsage();
    for (const page of pages) for (const read of reads) observers.delivered(page, read);
    const { user, system } = process.cpuUsage(started);
    if (round >= 0) ns.push(((user + system) * 1_000) / DELIVERIES);
  }
  return Math.round(ns.toSorted((a, b) => a - b)[ROUNDS >> 1]! * 10) / 10;
}

const [subject] = process.argv.slice(2);
if (subject !== undefined) {
  const observers = observersOf(subject);
  console.log(JSON.stringify({ shared: run(observers, WAITERS), own: run(observers, 1) }));
  process.exit();
}
const program = fileURLToPath(import.meta.url);
const results = SUBJECTS.map((name) => {
  const output = execFileSync(process.execPath, [...process.execArgv, program, name], { encoding: 'utf8' });
  return [name, JSON.parse(output) as unknown];
});
const result = { node: process.version, load: loadavg()[0], nsPerDelivery: Object.fromEntries(results) as unknown };
console.log(JSON.stringify(result, null, 2));
