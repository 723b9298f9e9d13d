import 'reflect-metadata';
import { ShutdownSignal } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module.js';
import { Config } from './config/config.js';

try {
  await start();
} catch (error) {
  console.error(explained(error));
  process.exit(1);
}

async function start(): Promise<void> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule, {
    logger: ['fatal', 'error', 'warn'],
    abortOnError: false,
    // Connections that a browser has opened and not used do not delay the shutdown.
    forceCloseConnections: true,
  });
  app.disable('x-powered-by');
  // SIGTERM answers all held requests, ends the streams, and closes the stores and the database.
  app.enableShutdownHooks([ShutdownSignal.SIGTERM, ShutdownSignal.SIGINT], { useProcessExit: true });
  const { host, port, databaseUrl } = app.get(Config);
  await app.listen(port, host);
  console.log(`The shop is on ${await app.getUrl()} (${databaseUrl === undefined ? 'SQLite' : 'PostgreSQL'}).
Sign in as Ann or Ben (customers) and, in a private window, as Kim (shop keeper).
Ctrl-C ends.`);
}

function explained(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const isInUse = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
  return isInUse ? `${error.message}. Set PORT to another port, for example PORT=3001 npm start.` : error.message;
}
