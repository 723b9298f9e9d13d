import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { constants } from 'node:os';
import { DemoModule } from './demo/demo.module.js';
import { type Environment, EnvironmentError, readEnvironment } from './demo/environment.js';
import { exposureWarning, startText } from './demo/start-text.js';

/**
 * Long enough for every waiter to receive its last answer. A client that never ends its request
 * must not delay the exit.
 */
const DRAIN_MS_MAX = 5_000;
/**
 * The time in which a second signal counts as the same one. With `npm start`, Ctrl-C sends two
 * signals: one from the terminal, and one from npm.
 */
const SAME_SIGNAL_MS = 300;

/** The server cannot listen on the address. The message says what to change. */
class ListenError extends Error {}

try {
  await start(readEnvironment(process.env));
} catch (error) {
  const line = explained(error);
  // An unexpected error is a defect. Its stack shows the cause.
  console.error(line ?? error);
  process.exitCode = 1;
}

async function start(environment: Environment): Promise<void> {
  const app = await NestFactory.create<NestExpressApplication>(DemoModule.forEnvironment(environment), {
    logger: ['fatal', 'error', 'warn'],
    abortOnError: false,
  });
  app.disable('x-powered-by');
  await app.init();
  try {
    const port = await listen(app.getHttpServer(), environment);
    stopOnSignals(app);
    const warning = exposureWarning(environment.HOST);
    if (warning) console.error(warning);
    console.log(startText(environment, port));
  } catch (error) {
    await app.close();
    throw error;
  }
}

/**
 * Listens on the address and resolves with the port. Nest's own `listen` is not used, because it
 * logs an error in addition to rejecting with it.
 */
async function listen(server: Server, { PORT, HOST }: Environment): Promise<number> {
  server.listen(PORT, HOST);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new ListenError(listenProblem(error as NodeJS.ErrnoException, { PORT, HOST }), { cause: error });
  }
  return (server.address() as AddressInfo).port;
}

/**
 * The first signal gives every waiter its last answer and exits with 0. The second one exits at
 * once.
 */
function stopOnSignals(app: NestExpressApplication): void {
  let stoppingSince: number | undefined;
  const stop = (signal: 'SIGINT' | 'SIGTERM'): void => {
    if (stoppingSince !== undefined) {
      if (performance.now() - stoppingSince > SAME_SIGNAL_MS) process.exit(128 + constants.signals[signal]);
      return;
    }
    stoppingSince = performance.now();
    setTimeout(() => {
      console.error(`Connections are still open ${DRAIN_MS_MAX / 1_000} s after ${signal}; they are cut off.`);
      process.exit(1);
    }, DRAIN_MS_MAX).unref();
    void app.close().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
}

function listenProblem(
  { code, message }: NodeJS.ErrnoException,
  { PORT, HOST }: Pick<Environment, 'PORT' | 'HOST'>,
): string {
  switch (code) {
    case 'EADDRINUSE':
      return `PORT is ${PORT}, which is in use on ${HOST}: stop what listens there or set another one, 0 for any free one`;
    case 'EACCES':
      return `PORT is ${PORT}, which this user may not listen on: set one from 1024 to 65535, or 0 for any free one`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `HOST is ${HOST}, which is no address of this machine: set one that is, as 127.0.0.1`;
    default:
      return `Cannot listen on ${HOST}, port ${PORT}: ${message}`;
  }
}

function explained(error: unknown): string | undefined {
  return error instanceof EnvironmentError || error instanceof ListenError ? error.message : undefined;
}
