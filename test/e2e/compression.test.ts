import fastifyCompress from '@fastify/compress';
import { describe, expect, test } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import compression from 'compression';
import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { type Adapter, ADAPTERS, forEachAdapter } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { atTestEnd } from '../support/http/cleanup.js';
import { numbers, publish, upTo } from '../support/http/feed.js';
import { until } from '../support/time/until.js';

/** Sends a GET that accepts gzip. The connection is closed after the test. */
function ask({ port }: TestApp, query: string, accept = 'application/json'): ClientRequest {
  const headers = { 'Accept-Encoding': 'gzip', Accept: accept };
  const request = get({ port, path: `/notifications?${query}`, headers, agent: false });
  request.on('error', () => undefined);
  atTestEnd(() => request.destroy());
  return request;
}

function answer(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => request.once('response', resolve).once('error', reject));
}

async function page(response: IncomingMessage): Promise<{ notifications: { data: { n: number } }[]; cursor: string }> {
  const bytes = Buffer.concat(await response.toArray());
  const isCompressed = response.headers['content-encoding'] === 'gzip';
  return JSON.parse((isCompressed ? gunzipSync(bytes) : bytes).toString()) as never;
}

const compressAll = async (nest: INestApplication, { name }: Adapter): Promise<void> => {
  if (name === 'fastify') await (nest as NestFastifyApplication).register(fastifyCompress as never, { threshold: 0 });
  else nest.use(compression({ threshold: 0 }));
};

forEachAdapter((adapter) => {
  describe('in an application that compresses', () => {
    const start = (): Promise<TestApp> => startApp(adapter, { configure: (nest) => compressAll(nest, adapter) });
    // @fastify/compress compresses what Fastify sends, and this library writes its answers itself.
    const isCompressing = adapter.name !== 'fastify';

    test('a page may be compressed', async () => {
      const app = await start();
      await publish(app, 'orders', 20);
      const response = await answer(ask(app, 'topic=orders&cursor=earliest'));
      expect(response.headers['cache-control']).toBe('no-cache, no-store');
      expect(response.headers['content-encoding']).toBe(isCompressing ? 'gzip' : undefined);
      expect(numbers((await page(response)).notifications)).toEqual(upTo(20));
    });

    test('a held poll is delivered, and its waiter is released', async () => {
      const app = await start();
      const request = ask(app, 'topic=orders');
      await until(() => app.counts().waiters === 1);
      await publish(app, 'orders');
      const response = await answer(request);
      expect(numbers((await page(response)).notifications)).toEqual([1]);
      await until(() => app.counts().waiters === 0);
    });

    test('a held poll is released when its client disconnects', async () => {
      const app = await start();
      const request = ask(app, 'topic=orders');
      await until(() => app.counts().waiters === 1);
      request.destroy();
      await until(() => app.counts().waiters === 0);
    });

    test('a stream is not compressed, and delivers at once', async () => {
      const app = await start();
      const response = await answer(ask(app, 'topic=orders', 'text/event-stream'));
      expect(response.headers['content-encoding']).toBeUndefined();
      expect(response.headers['cache-control']).toBe('no-cache, no-store, no-transform');
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      await publish(app, 'orders', 3);
      await until(() => text.includes('"n":3'));
    });
  });
}, ADAPTERS);
