import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

/** Starts the application. On SIGTERM it stops without errors for clients. */
export async function bootstrap(AppModule: Type, port: number) {
  const app = await NestFactory.create(AppModule);
  app.enableShutdownHooks();
  await app.listen(port);
  return app;
}
