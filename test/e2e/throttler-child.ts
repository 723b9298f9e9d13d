/**
 * An application with the throttler's guard on everything, which publishes to itself and writes what it was answered, as JSON. A
 * process of its own: the throttler is CommonJS, and Jest cannot load that beside a Nest of ES modules.
 */
import { Module } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { SkipThrottle, ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { NotificationsModule } from '../../src/index.js';

const [adapter = '', throttlerLimit = '', perMinuteMax = '', skip = ''] = process.argv.slice(2);

@Module({
  imports: [
    ThrottlerModule.forRoot([{ ttl: 60_000, limit: Number(throttlerLimit) }]),
    NotificationsModule.forRoot({
      access: { read: 'public', publish: 'public' },
      publish: { perMinuteMax: Number(perMinuteMax) },
      decorators: skip ? [SkipThrottle()] : [],
    }),
  ],
  providers: [{ provide: APP_GUARD, useClass: ThrottlerGuard }],
})
class AppModule {}

const app = await NestFactory.create(AppModule, adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter(), {
  logger: ['error', 'warn'],
});
await app.listen(0, '127.0.0.1');
const url = `${await app.getUrl()}/notifications`;
const answers = [];
for (let n = 0; n < 3; n++) {
  const body = JSON.stringify({ topic: 'orders', type: 't', data: n });
  const answer = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
  const { code, message } = (await answer.json()) as { code?: string; message?: string };
  answers.push({ status: answer.status, code, message, retryAfter: answer.headers.get('retry-after') });
}
process.stdout.write(JSON.stringify(answers));
await app.close();
