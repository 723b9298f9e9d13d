import { afterEach, describe, expect, test } from '@jest/globals';
import type { ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { InboxModule, InboxService } from 'nest-notifications/inbox';
import { NotificationsModule, type NotificationsOptions } from 'nest-notifications';
import { NotificationsPrometheusModule, type PrometheusOptions } from 'nest-notifications/prometheus';
import { register, Registry } from 'prom-client';
import { METRIC_LIST, prometheusName } from '../../src/telemetry/metrics.js';
import { express } from '../support/http/adapters.js';
import { OPEN, startApp, type TestApp } from '../support/http/app.js';
import { request } from '../support/http/connection.js';
import { endTest } from '../support/http/cleanup.js';
import { holdPoll, poll, publish } from '../support/http/feed.js';
import { SseReader } from '../support/http/sse.js';
import { until } from '../support/time/until.js';

interface Setup {
  readonly notifications?: NotificationsOptions;
  readonly options?: PrometheusOptions;
  readonly imports?: ModuleMetadata['imports'];
}

/** An application with metrics, and its registry. */
async function start({ notifications = OPEN, options, imports = [] }: Setup = {}): Promise<[TestApp, Registry]> {
  const registry = new Registry();
  const metrics = NotificationsPrometheusModule.forRoot({ registry, ...options });
  const app = await startApp(express, { imports: [NotificationsModule.forRoot(notifications), metrics, ...imports] });
  return [app, registry];
}

/** The values of a metric, by its labels. */
async function valuesOf(registry: Registry, name: string): Promise<Record<string, number>> {
  const text = await registry.metrics();
  const found = [...text.matchAll(new RegExp(`^${name}\\{(.*)\\} (.+)$`, 'gm'))];
  return Object.fromEntries(found.map(([, labels = '', value]) => [labels.replaceAll('"', ''), Number(value)]));
}

afterEach(endTest);

describe('the metrics of Prometheus', () => {
  test('have every metric with its type and its help, and no others', async () => {
    const [, registry] = await start();
    const text = await registry.metrics();
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]);
    const typeOf = { counter: 'counter', gauge: 'gauge', upDownCounter: 'gauge', histogram: 'histogram' };
    expect(types).toEqual(METRIC_LIST.map(({ name, instrument }) => [prometheusName(name), typeOf[instrument]]));
    for (const { name, help } of METRIC_LIST) expect(text).toContain(`# HELP ${prometheusName(name)} ${help}`);
  });

  test('count publishes and deliveries by transport', async () => {
    const [app, registry] = await start();
    const held = await holdPoll(app, 'topic=orders');
    const stream = await SseReader.open(app, 'topic=orders');
    await stream.opening();
    expect(await valuesOf(registry, 'notifications_waiters')).toEqual({
      'feed=default,transport=poll': 1,
      'feed=default,transport=stream': 1,
      'feed=default,transport=history': 0,
    });
    await publish(app, 'orders', 2);
    const { json } = await held.response();
    await stream.notifications(2);
    expect(await valuesOf(registry, 'notifications_published_total')).toEqual({ 'feed=default': 2 });
    expect(await valuesOf(registry, 'notifications_received_total')).toEqual({ 'feed=default': 2 });
    expect(await valuesOf(registry, 'notifications_delivered_total')).toEqual({
      'feed=default,transport=poll': 2,
      'feed=default,transport=stream': 2,
      'feed=default,transport=history': 0,
    });
    const bytes = (json.notifications as object[]).reduce((sum, one) => sum + JSON.stringify(one).length, 0);
    const sizes = await valuesOf(registry, 'notifications_delivered_size_bytes_total');
    expect(sizes['feed=default,transport=poll']).toBe(bytes);
  });

  test('reset their histograms with the registry', async () => {
    const [app, registry] = await start();
    await publish(app, 'orders', 1);
    const appends = async () =>
      (await valuesOf(registry, 'notifications_store_duration_seconds_count'))['feed=default,operation=append'];
    expect(await appends()).toBe(1);
    registry.resetMetrics();
    expect(await appends()).toBe(0);
    await publish(app, 'orders', 1);
    expect(await appends()).toBe(1);
  });

  test('measure deliveries to connected readers, and no replays', async () => {
    const [app, registry] = await start();
    await publish(app, 'orders', 3);
    await poll(app, 'topic=orders&cursor=earliest');
    const count = async () =>
      (await valuesOf(registry, 'notifications_delivery_duration_seconds_count'))['feed=default,transport=poll'];
    expect(await count()).toBe(0);
    const held = await holdPoll(app, 'topic=orders');
    await publish(app, 'orders', 1);
    await held.response();
    expect(await count()).toBe(1);
    const buckets = await valuesOf(registry, 'notifications_delivery_duration_seconds_bucket');
    expect(buckets['feed=default,transport=poll,le=10']).toBe(1);
    expect(buckets['feed=default,transport=poll,le=+Inf']).toBe(1);
  });

  test('have reads by source, store calls by operation, and the size of the window', async () => {
    const [app, registry] = await start();
    await publish(app, 'orders', 1);
    await poll(app, 'topic=orders&wait=0');
    await poll(app, 'topic=orders&cursor=earliest&wait=0');
    expect(await valuesOf(registry, 'notifications_reads_total')).toEqual({
      'feed=default,source=window': 1,
      'feed=default,source=store': 1,
    });
    const calls = await valuesOf(registry, 'notifications_store_duration_seconds_count');
    expect(calls).toMatchObject({ 'feed=default,operation=append': 1, 'feed=default,operation=read': 1 });
    expect(await valuesOf(registry, 'notifications_window_entries')).toEqual({ 'feed=default': 1 });
    expect(await valuesOf(registry, 'notifications_tail_lag_seconds')).toEqual({ 'feed=default': 0 });
  });

  test('count refusals by code and gaps by reason', async () => {
    const access: NotificationsOptions['access'] = { read: { orders: true } };
    const [app, registry] = await start({ notifications: { access } });
    expect((await poll(app, 'topic=secret')).status).toBe(403);
    expect((await poll(app, 'topic=orders&wait=x')).status).toBe(400);
    expect((await poll(app, '')).status).toBe(400);
    expect(await valuesOf(registry, 'notifications_refusals_total')).toEqual({
      'feed=default,code=forbidden': 1,
      'feed=default,code=wait_invalid': 1,
      'feed=default,code=topic_missing': 1,
    });
    const [other] = await start();
    const cursor = other.service.cursor();
    await poll(app, `topic=orders&wait=0&cursor=${cursor}`);
    expect(await valuesOf(registry, 'notifications_gaps_total')).toEqual({ 'feed=default,reason=reset': 1 });
  });

  test('count tickets, revocations, retractions and operations of inboxes', async () => {
    const inbox = InboxModule.forRoot({ access: { subscriber: () => undefined }, controller: false });
    const access: NotificationsOptions['access'] = { subscriber: () => 'ann', read: 'public' };
    const [app, registry] = await start({ notifications: { access, tickets: {} }, imports: [inbox] });
    const headers = { 'Content-Type': 'application/json' };
    const issued = await request(app, {
      method: 'POST',
      path: '/notifications/tickets',
      headers,
      body: JSON.stringify({ topics: ['orders'] }),
    });
    const stream = await SseReader.open(app, `ticket=${(issued.json as { ticket: string }).ticket}`);
    await stream.opening();
    await app.service.revoke('bob');
    await app.service.retract('orders', 'unknown');
    const inboxes = app.nest.get(InboxService, { strict: false });
    const { id } = await inboxes.send('ann', { type: 'comment' });
    await inboxes.markRead('ann', id);
    expect(await valuesOf(registry, 'notifications_operations_total')).toEqual({
      'feed=default,capability=tickets,operation=issue': 1,
      'feed=default,capability=tickets,operation=use': 1,
      'feed=default,capability=feed,operation=revoke': 1,
      'feed=default,capability=feed,operation=retract': 1,
      'feed=inbox,capability=inbox,operation=read': 1,
    });
    expect(await valuesOf(registry, 'notifications_published_total')).toEqual({ 'feed=default': 0, 'feed=inbox': 1 });
  });

  test('have no label from a request: a topic is `other` unless the application declares it', async () => {
    const [app, registry] = await start({ options: { topics: ['orders', 'user.*'] } });
    const hostile = ['user.ann', 'orders', 'a'.repeat(200), 'x__name__', 'le'];
    for (const topic of hostile) await publish(app, topic, 1);
    await poll(app, `topic=${hostile.join()}&cursor=earliest`);
    for (const query of ['topic=%22%7D', 'cursor=%0A&topic=a', 'wait=%7B%7D&topic=a']) await poll(app, query);
    const polls = Object.fromEntries(
      ['orders', 'user.*', 'other'].map((topic, at) => [
        `feed=default,transport=poll,topic=${topic}`,
        at === 2 ? 3 : 1,
      ]),
    );
    expect(await valuesOf(registry, 'notifications_delivered_total')).toMatchObject(polls);
    expect(await valuesOf(registry, 'notifications_published_total')).toEqual({
      'feed=default,topic=orders': 1,
      'feed=default,topic=user.*': 1,
      'feed=default,topic=other': 3,
    });
    const text = await registry.metrics();
    for (const secret of ['ann', 'aaa', 'x__name__', '%22', '"}"']) expect(text).not.toContain(secret);
  });

  test('label each feed by its name', async () => {
    const named = NotificationsModule.forRoot({ ...OPEN, name: 'audit', path: 'audit' });
    const [, registry] = await start({ imports: [named] });
    expect(Object.keys(await valuesOf(registry, 'notifications_topics'))).toEqual(['feed=default', 'feed=audit']);
  });

  test('measure a feed that only publishes', async () => {
    const registry = new Registry();
    const imports = [
      NotificationsModule.forRoot({ publishOnly: true }),
      NotificationsPrometheusModule.forRoot({ registry }),
    ];
    const app = await startApp(express, { imports });
    await publish(app, 'orders', 1);
    expect(await valuesOf(registry, 'notifications_published_total')).toEqual({ 'feed=default': 1 });
    expect(await valuesOf(registry, 'notifications_waiters')).toEqual({});
    expect(await valuesOf(registry, 'notifications_tail_lag_seconds')).toEqual({});
  });
});

describe('the module', () => {
  test('uses the default registry, and removes its metrics at shutdown', async () => {
    const imports = [NotificationsModule.forRoot(OPEN), NotificationsPrometheusModule.forRoot()];
    const app = await startApp(express, { imports });
    expect(register.getSingleMetric('notifications_waiters')).toBeDefined();
    await app.close();
    await until(() => register.getMetricsAsArray().length === 0);
  });

  test('has forRootAsync', async () => {
    const registry = new Registry();
    const metrics = NotificationsPrometheusModule.forRootAsync({ useFactory: () => ({ registry }) });
    await startApp(express, { imports: [NotificationsModule.forRoot(OPEN), metrics] });
    expect(registry.getSingleMetric('notifications_waiters')).toBeDefined();
  });

  test.each<[problem: string, options: (registry: Registry) => PrometheusOptions, message: string]>([
    [
      'a registry that has the metrics already',
      (registry) => ({ registry }),
      'the registry already has the metric notifications_published_total; import the module once, and give each application in the process its own registry',
    ],
    [
      'too many topics',
      () => ({ registry: new Registry(), topics: Array.from({ length: 17 }, (_, index) => `topic${index}`) }),
      'NotificationsPrometheusModule: option topics is an array; it must be an array of at most 16 topics and patterns',
    ],
    [
      'a wrong pattern',
      () => ({ registry: new Registry(), topics: ['user.*.orders'] }),
      'NotificationsPrometheusModule: option topics has "user.*.orders"; use a topic, or a pattern such as orders.*',
    ],
    [
      'one topic in place of a list',
      () => ({ registry: new Registry(), topics: 'orders' as never }),
      'NotificationsPrometheusModule: option topics is the string "orders"; it must be an array',
    ],
  ])('rejects %s', async (_, options, message) => {
    const [, registry] = await start();
    const imports = [NotificationsModule.forRoot(OPEN), NotificationsPrometheusModule.forRoot(options(registry))];
    const module = await Test.createTestingModule({ imports }).compile();
    await expect(module.init()).rejects.toThrow(message);
    await module.close().catch(() => undefined);
  });

  test('rejects an application without a feed', async () => {
    const registry = new Registry();
    const imports = [NotificationsPrometheusModule.forRoot({ registry })];
    const module = await Test.createTestingModule({ imports }).compile();
    await expect(module.init()).rejects.toThrow('there is no feed to measure');
    expect(registry.getMetricsAsArray()).toEqual([]);
  });
});
