import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const CHILD = fileURLToPath(new URL('traces-child.ts', import.meta.url));
const HOOKS = new URL('../../scripts/typescript-hooks.mjs', import.meta.url).href;
const [SERVER, PRODUCER, CONSUMER, CLIENT] = [1, 3, 4, 2];
const ERROR = 2;

interface PlainSpan {
  readonly name: string;
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly status: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId?: string;
  readonly ms: number;
}

interface Output {
  readonly spans: readonly PlainSpan[];
  readonly answers: readonly {
    readonly notifications: readonly { readonly id: string; readonly traceparent: string }[];
  }[];
}

describe('NotificationsTracesModule beside the instrumentation of HTTP', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nest-notifications-traces-'));
  let text = '';
  let output: Output;
  /** The spans of the caller's trace. */
  let ours: readonly PlainSpan[];

  beforeAll(async () => {
    const args = ['--import', HOOKS, CHILD, join(folder, 'log.db')];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
    expect(stderr).toBe('');
    text = stdout;
    output = JSON.parse(stdout) as Output;
    ours = output.spans.filter(({ traceId }) => traceId === 'a'.repeat(32));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const only = (kind: number, name: string): PlainSpan => {
    const found = ours.filter((span) => span.kind === kind && span.name.startsWith(name));
    expect(found.map(({ name: one }) => one)).toHaveLength(1);
    return found[0]!;
  };

  test('a trace goes from the request to the append and to the delivery on each node', () => {
    const server = only(SERVER, 'POST');
    expect(server.parentId).toBe('b'.repeat(16));
    const publish = only(PRODUCER, 'publish orders.*');
    const parents = new Map(ours.map(({ spanId, parentId }) => [spanId, parentId]));
    const ancestors: string[] = [];
    for (let id = publish.parentId; id !== undefined; id = parents.get(id)) ancestors.push(id);
    expect(ancestors).toContain(server.spanId);
    expect(only(CLIENT, 'append').parentId).toBe(publish.spanId);
    const deliveries = ours.filter(({ kind }) => kind === CONSUMER);
    expect(deliveries.map(({ name, parentId }) => [name, parentId])).toEqual([
      ['deliver orders.*', publish.spanId],
      ['deliver orders.*', publish.spanId],
    ]);
    const [{ id, traceparent }] = output.answers[0]!.notifications as [Output['answers'][0]['notifications'][0]];
    expect(traceparent).toBe(`00-${publish.traceId}-${publish.spanId}-01`);
    for (const { attributes } of [publish, ...deliveries]) expect(attributes['messaging.message.id']).toBe(id);
    expect(deliveries.map(({ attributes }) => attributes['nest_notifications.waiters'])).toEqual([1, 1]);
  });

  test('the attributes follow the semantic conventions for messaging', () => {
    const common = { 'messaging.system': 'nest_notifications', 'messaging.destination.name': 'orders.7' };
    const template = { 'messaging.destination.template': 'orders.*' };
    expect(only(PRODUCER, 'publish').attributes).toMatchObject({
      ...{ ...common, ...template },
      ...{ 'messaging.operation.name': 'publish', 'messaging.operation.type': 'send' },
    });
    expect(ours.find(({ kind }) => kind === CONSUMER)?.attributes).toMatchObject({
      ...{ ...common, ...template },
      ...{ 'messaging.operation.name': 'deliver', 'messaging.operation.type': 'process' },
    });
  });

  test('a publish that fails has its code and no text of the caller', () => {
    const failed = output.spans.filter(({ status }) => status === ERROR);
    expect(failed).toMatchObject([{ kind: PRODUCER, name: 'publish', attributes: { 'error.type': 'topic_invalid' } }]);
  });

  test('a held poll has no span, and no span has data or tickets', () => {
    const requests = output.spans.filter(({ kind }) => kind === SERVER);
    expect(requests.map(({ name }) => name.split(' ')[0])).toEqual(['POST']);
    expect(text.replace(/"answers":.*/, '')).not.toContain('secret');
  });

  test('a trace that is not sampled has no span', () => {
    expect(output.spans.filter(({ traceId }) => traceId === 'c'.repeat(32))).toEqual([]);
  });
});
