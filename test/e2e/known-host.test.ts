import { afterEach, expect, test } from '@jest/globals';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { DemoModule } from '../../src/demo/demo.module.js';
import { readEnvironment } from '../../src/demo/environment.js';
import { atTestEnd, endTest } from '../support/http/cleanup.js';
import { request } from '../support/http/connection.js';

afterEach(endTest);

const HOSTS: [host: string, status: number][] = [
  ['localhost:3000', 200],
  ['LOCALHOST', 200],
  ['127.0.0.1:3000', 200],
  ['192.168.1.7', 200],
  ['[::1]:3000', 200],
  ['demo.test:80', 200],
  [hostname(), 200],
  ['rebound.example:3000', 403],
  ['127.0.0.1.rebound.example', 403],
  ['localhost.rebound.example:3000', 403],
];

test('the demo accepts only host names of this machine, on every path', async () => {
  const module = DemoModule.forEnvironment(readEnvironment({ HOST: 'demo.test' }));
  const app = await NestFactory.create<NestExpressApplication>(module, { logger: false });
  atTestEnd(() => app.close());
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  for (const path of ['/', '/assets/demo.css', '/notifications?topic=demo&wait=0']) {
    for (const [host, status] of HOSTS) {
      const answer = await request({ port }, { path, headers: { Host: host } });
      expect([path, host, answer.status]).toEqual([path, host, status]);
    }
  }
  const body = JSON.stringify({ topic: 'demo', type: 't', data: 1 });
  const headers = { Host: 'rebound.example', 'Content-Type': 'application/json' };
  expect((await request({ port }, { method: 'POST', path: '/notifications', headers, body })).status).toBe(403);
});
