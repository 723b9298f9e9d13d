/**
 * Applications with the throttler's guard on every route. Each publishes to itself three times; the
 * answers are written as JSON. They run in a process of their own, because the throttler is
 * CommonJS: Jest cannot load it beside a Nest of ES modules.
 */
import { Module } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { SkipThrottle, ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { NotificationsModule } from '../../src/index.js';

export interface Limits {
  readonly throttlerMax: number;
  readonly perMinuteMax: number;
  readonly skip?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly code?: string;
  readonly message?: string;
  readonly retryAfter: string | null;
}

const [adapter, cases = '{}'] = process.argv.slice(2);

async function publishThrice({ throttlerMax, perMinuteMax, skip = false }: Limits): Promise<Answer[]> {
  @Module({
    imports: [
      ThrottlerModule.forRoot([{ ttl: 60_000, limit: throttlerMax }]),
      NotificationsModule.forRoot({
        access: { read: 'public', publish: 'public' },
        publish: { perMinuteMax },
        decorators: skip ? [SkipThrottle()] : [],
      }),
    ],
    providers: [{ provide: APP_GUARD, useClass: ThrottlerGuard }],
  })
  class AppModule {}

  const framework = adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const app = await NestFactory.create(AppModule, framework, { logger: ['error', 'warn'] });
  await app.listen(0, '127.0.0.1');
  const url = `${await app.getUrl()}/notifications`;
  const answers: Answer[] = [];
  for (let n = 0; n < 3; n++) answers.push(await publish(url, n));
  await app.close();
  return answers;
}

async function publish(url: string, n: number): Promise<Answer> {
  const body = JSON.stringify({ topic: 'orders', type: 't', data: n });
  const answer = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
  const { code, message } = (await answer.json()) as { code?: string; message?: string };
  const retryAfter = answer.headers.get('retry-after');
  return {
    status: answer.status,
    ...(code !== undefined && { code }),
    ...(message !== undefined && { message }),
    retryAfter,
  };
}

const answers: Record<string, Answer[]> = {};
for (const [name, limits] of Object.entries(JSON.parse(cases) as Record<string, Limits>)) {
  answers[name] = await publishThrice(limits);
}
process.stdout.write(JSON.stringify(answers));
