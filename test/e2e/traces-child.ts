/**
 * Two nodes of `examples/traces.ts` on one file, with `examples/instrumentation.ts`. It writes the
 * spans of one publish over HTTP as JSON. It runs in a process of its own, because instrumentation
 * replaces functions of Node.js before the application is loaded.
 */
import { type ReadableSpan, InMemorySpanExporter } from '@opentelemetry/sdk-trace-base';
import { startTracing } from '../../examples/instrumentation.js';

const exporter = new InMemorySpanExporter();
const provider = startTracing(exporter);
await import('reflect-metadata');
const { Test } = await import('@nestjs/testing');
const { getNotificationsOptionsToken, NotificationsService } = await import('nest-notifications');
const { sqliteStore } = await import('nest-notifications/stores/sqlite');
const { AppModule } = await import('../../examples/traces.js');
const { until } = await import('../support/time/until.js');

const [path = ''] = process.argv.slice(2);

async function startNode() {
  const access = { read: 'public', publish: 'public' };
  const module = await Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(getNotificationsOptionsToken())
    .useValue({ store: sqliteStore({ path }), access, patterns: ['orders.*'] })
    .compile();
  const app = module.createNestApplication();
  await app.listen(0, '127.0.0.1');
  return { app, url: `${await app.getUrl()}/notifications`, service: app.get(NotificationsService) };
}

const nodes = [await startNode(), await startNode()] as const;
const [publisher, other] = nodes;
const held = nodes.map(({ url }) => fetch(`${url}?topic=orders.7&wait=20&x=secret`).then((answer) => answer.json()));
const history = await fetch(`${other.url}?topic=orders.7&wait=0`, { method: 'QUERY', body: '{}' });
await history.text();
await until(() => nodes.every(({ service }) => service.counts().waiters === 1));
const publish = (traceparent: string): Promise<Response> =>
  fetch(publisher.url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', traceparent },
    body: JSON.stringify({ topic: 'orders.7', type: 'shipped', data: 'secret' }),
  });
await publish(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`);
const answers = await Promise.all(held);
// An append that fails, and a trace that is not sampled.
await publisher.service.publish('not a topic', { type: 't', data: 1 }).catch(() => undefined);
await publish(`00-${'c'.repeat(32)}-${'d'.repeat(16)}-00`);
for (const { app } of nodes) await app.close();
await provider.forceFlush();

const plain = (span: ReadableSpan) => ({
  ...{ name: span.name, kind: span.kind, attributes: span.attributes, status: span.status.code },
  ...span.spanContext(),
  parentId: span.parentSpanContext?.spanId,
  ms: span.duration[0] * 1_000 + span.duration[1] / 1e6,
});
process.stdout.write(JSON.stringify({ spans: exporter.getFinishedSpans().map(plain), answers }));
