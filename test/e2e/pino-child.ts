/**
 * The application of `examples/logs.ts`. It writes its log to the output. It runs in a process of
 * its own, because nestjs-pino is CommonJS: Jest cannot load it beside a Nest of ES modules.
 */
import type { INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { getNotificationsStoreToken, memoryStore } from 'nest-notifications';
import type { StoreFactory } from 'nest-notifications/store';
import { Logger } from 'nestjs-pino';
import { AppModule } from '../../examples/logs.js';

const [adapter] = process.argv.slice(2);

let report: (message: string) => void = () => undefined;
/** A store that reports a change of its state when the test asks for it. */
const store: StoreFactory = (runtime) => {
  report = (message) => {
    runtime.logger.warn(message);
  };
  return memoryStore()(runtime);
};

const module = await Test.createTestingModule({ imports: [AppModule] })
  .overrideProvider(getNotificationsStoreToken())
  .useValue(store)
  .compile();
const app: INestApplication = module.createNestApplication(
  adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter(),
  { bufferLogs: true },
);
app.useLogger(app.get(Logger));
await app.listen(0, '127.0.0.1');
report('The engine is unavailable.');
const url = await app.getUrl();
const headers = { Authorization: 'Bearer secret-bearer', Cookie: 'session=secret-cookie' };
const get = async (path: string): Promise<void> => {
  await (await fetch(url + path, { headers })).text();
};
await get('/notifications?topic=orders&wait=0');
await get('/notifications?topic=orders&wait=0&ticket=secret-ticket');
await get('/other?ticket=secret-ticket&page=2');
await get('/other?%74icket=secret-ticket');
await app.close();
