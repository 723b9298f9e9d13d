import { describe, expect, test } from '@jest/globals';
import { Agent, type IncomingMessage, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { inDepth } from '../support/depth.js';
import { forEachAdapter } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { atTestEnd } from '../support/http/cleanup.js';
import { poll, publish } from '../support/http/feed.js';
import { nastyBody, nastyHeaders, nastyQuery, nastyRequest } from '../support/http/nasty.js';
import { Random } from '../support/random.js';
import { until } from '../support/time/until.js';

/** The number of requests. FUZZ_REQUESTS changes the number, FUZZ_SEED changes the requests. */
const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? inDepth(4_000, 21_000));
const SEED = Number(process.env.FUZZ_SEED ?? 4);
/**
 * The share of requests that are well-formed and have invalid values. The others are random bytes.
 */
const WELL_FORMED = 0.75;
const IN_FLIGHT = 24;
const TIMEOUT_MS = 120_000 + REQUESTS * 10;

/** The allowed answers. The module never sends 500 on purpose. */
const PLANNED = new Set([
  200, 201, 400, 403, 404, 405, 406, 408, 409, 411, 413, 414, 415, 417, 429, 431, 501, 503, 505,
]);

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

forEachAdapter((adapter) => {
  describe('nonsense', () => {
    const start = (): Promise<TestApp> =>
      startApp(adapter, {
        notifications: {
          access: { read: 'public', publish: 'public', topics: () => ['orders'] },
          poll: { waitMs: 5, waitMsMax: 5 },
          publish: { perMinuteMax: 10_000_000 },
        },
      });

    test(
      'in requests gets an error of the protocol, and leaves no resources',
      async () => {
        const app = await start();
        const cursor = await publish(app, 'orders', 3);
        const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
        atTestEnd(() => {
          agent.destroy();
        });
        await inParallel((REQUESTS / 2) * WELL_FORMED, async (index) => {
          const random = new Random(SEED * 1_000_003 + index);
          const question = questionOf(random, cursor);
          const answer = await ask(app, agent, question);
          const problem = problemOf(answer, question.method);
          if (problem)
            throw new Error(`seed ${SEED}, request ${index}: ${problem}\n${JSON.stringify({ question, answer })}`);
        });
        expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
        await until(() => app.counts().waiters === 0);
      },
      TIMEOUT_MS,
    );

    test(
      'in bytes causes no crash, no server error and no remaining waiter',
      async () => {
        const app = await start();
        const cursor = await publish(app, 'orders', 3);
        await inParallel((REQUESTS / 2) * (1 - WELL_FORMED), async (index) => {
          const bytes = nastyRequest(new Random(SEED * 2_000_003 + index), cursor);
          const text = await send(app, bytes);
          const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status));
          const wrong = statuses.filter((status) => status !== 100 && !PLANNED.has(status));
          if (wrong.length > 0)
            throw new Error(`seed ${SEED}, bytes ${index}: ${wrong.join()}\n${bytes.toString('latin1')}`);
        });
        await until(() => app.counts().waiters === 0);
        // Nest on Fastify reports a client that leaves before its body is complete, on every
        // route.
        expect(app.logs.splice(0).filter((line) => line !== 'error {…} undefined ExceptionsHandler')).toEqual([]);
        expect((await poll(app, 'wait=0')).status).toBe(200);
      },
      TIMEOUT_MS,
    );
  });
});

interface Question {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: Buffer;
}

function questionOf(random: Random, cursor: string): Question {
  const headers = nastyHeaders(random, cursor);
  if (random.below(3) === 0) {
    const type = random.pick([
      'application/json',
      'application/json',
      'application/json',
      'text/plain',
      'application/x+json',
      '',
    ]);
    return {
      method: 'POST',
      path: '/notifications',
      headers: { ...headers, 'Content-Type': type },
      body: nastyBody(random),
    };
  }
  return {
    method: random.below(12) === 0 ? 'HEAD' : 'GET',
    path: `/notifications?${nastyQuery(random, cursor)}`,
    headers,
  };
}

/** Sends one request. Closes a stream after its first blocks. */
function ask(app: TestApp, agent: Agent, { method, path, headers, body }: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = body ? { 'Content-Length': body.length } : {};
    const request = httpRequest({
      port: app.port,
      host: '127.0.0.1',
      agent,
      method,
      path,
      headers: { ...headers, ...length },
    });
    request.on('error', reject);
    request.on('response', (response) => {
      let text = '';
      const done = (): void => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      };
      const isStream = response.headers['content-type'] === 'text/event-stream';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (!isStream || !text.includes('\n\n')) return;
        done();
        request.destroy();
      });
      response.on('end', done).on('error', () => undefined);
    });
    request.end(body);
  });
}

function problemOf({ status, headers, text }: Answer, method: string): string | undefined {
  if (!PLANNED.has(status)) return `status ${status}`;
  const isStream = headers['content-type'] === 'text/event-stream';
  if (headers['cache-control'] !== `no-cache, no-store${isStream ? ', no-transform' : ''}`) return 'may be cached';
  if (method === 'HEAD') return text === '' ? undefined : 'a HEAD with a body';
  if (isStream) return /^retry: \d+\n/.test(text) ? undefined : 'no opening block';
  const body = JSON.parse(text) as Record<string, unknown>;
  if (status === 200)
    return Array.isArray(body.notifications) && typeof body.cursor === 'string' ? undefined : 'no page';
  if (status === 201) return Array.isArray(body.ids) ? undefined : 'no result';
  return typeof body.code === 'string' && body.statusCode === status ? undefined : 'no code';
}

/** Sends bytes, and resolves with the response when the server has closed the connection. */
function send(app: TestApp, bytes: Buffer): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(app.port, '127.0.0.1');
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      resolve(text);
    });
    socket.end(bytes);
  });
}

async function inParallel(count: number, task: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}
