import { afterEach, describe, expect, test } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NotificationsModule } from 'nest-notifications';
import { NotificationsPrometheusModule } from 'nest-notifications/prometheus';
import { Registry } from 'prom-client';
import { METRIC_LIST, prometheusName } from '../../src/telemetry/metrics.js';
import { PROMETHEUS, type PrometheusServer, PROMTOOL, startPrometheus } from '../support/engines/prometheus.js';
import { express } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { endTest } from '../support/http/cleanup.js';
import { holdPoll, poll, publish } from '../support/http/feed.js';
import { until } from '../support/time/until.js';

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const RULES = path('../../docs/operations/prometheus-rules.yml');

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}
const dashboard = JSON.parse(readFileSync(path('../../docs/operations/grafana-dashboard.json'), 'utf8')) as Dashboard;
const queries = dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr })));

/** The names of metrics in a text, without the suffixes of histograms. */
function namesIn(text: string): string[] {
  const names = text.match(/\bnotifications_[a-z_]+/g) ?? [];
  return names.map((name) => name.replace(/_(?:bucket|count|sum)$/, ''));
}

afterEach(endTest);

test.each([
  ['the dashboard', queries.map(({ expr }) => expr).join('\n')],
  ['the rules', readFileSync(RULES, 'utf8')],
])('%s have only metrics that exist', (_, text) => {
  const known = METRIC_LIST.map(({ name }) => prometheusName(name));
  expect(namesIn(text).filter((name) => !known.includes(name))).toEqual([]);
  expect(namesIn(text).length).toBeGreaterThan(6);
});

/** On CI these tests fail if the programs are missing. */
const isInstalled = (PROMETHEUS !== undefined && PROMTOOL !== undefined) || process.env.CI !== undefined;
if (!isInstalled) console.log('Not tested: prometheus is not installed.');
const whenInstalled = isInstalled ? describe : describe.skip;

const promtool = (args: string[], input?: string): string =>
  execFileSync(PROMTOOL ?? 'promtool', args, { encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'pipe'] });

/** An application that Prometheus scrapes. Each kind of event has occurred in it. */
async function scrapedApp(): Promise<[TestApp, Registry]> {
  const registry = new Registry();
  @Controller('metrics')
  class MetricsController {
    @Get()
    metrics(): Promise<string> {
      return registry.metrics();
    }
  }
  const notifications = NotificationsModule.forRoot({ access: { read: { orders: true } } });
  const imports = [notifications, NotificationsPrometheusModule.forRoot({ registry })];
  const app = await startApp(express, { imports, controllers: [MetricsController] });
  const held = await holdPoll(app, 'topic=orders');
  await publish(app, 'orders', 1);
  await held.response();
  expect((await poll(app, 'topic=secret')).status).toBe(403);
  const foreign = await startApp(express, { notifications: { access: 'public' } });
  await poll(app, `topic=orders&wait=0&cursor=${foreign.service.cursor()}`);
  await app.service.revoke('ann');
  return [app, registry];
}

async function rulesOf(get: PrometheusServer['get']): Promise<{ name: string; health: string }[]> {
  const { data } = (await get('/api/v1/rules')) as {
    data: { groups: { rules: { name: string; health: string }[] }[] };
  };
  return data.groups.flatMap(({ rules }) => rules);
}

whenInstalled('with a real Prometheus', () => {
  test('the rules are valid, and each alert fires on its failure only', () => {
    expect(promtool(['check', 'rules', RULES])).toContain('7 rules found');
    expect(promtool(['test', 'rules', path('prometheus-rules.test.yml')])).toContain('SUCCESS');
  });

  test('the names and types of all metrics keep the conventions', async () => {
    const [, registry] = await scrapedApp();
    expect(promtool(['check', 'metrics'], await registry.metrics())).toBe('');
  });

  test('it scrapes an application, and each panel has a result', async () => {
    const [app] = await scrapedApp();
    const { query, get } = await startPrometheus(app.port, RULES);
    const scrapes = 'count_over_time(notifications_operations_total[1m])';
    await until(async () => (await query(scrapes)).some((count) => count >= 3), undefined, 50);
    for (const { title, expr } of queries) {
      const asked = expr.replaceAll('$__rate_interval', '1m').replaceAll('$feed', '.*');
      expect([title, (await query(asked)).length > 0]).toEqual([title, true]);
    }
    expect(await query('sum(notifications_delivered_total)')).toEqual([2]);
    await until(async () => (await rulesOf(get)).every(({ health }) => health === 'ok'), undefined, 50);
    expect(await rulesOf(get)).toHaveLength(7);
  });
});
