import cluster from 'node:cluster';
import { availableParallelism } from 'node:os';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { NotificationsModule } from 'nest-notifications';
import { sqliteStore } from 'nest-notifications/stores/sqlite';

const { PORT = '3000', LOG = 'notifications.db', WORKERS = String(availableParallelism()) } = process.env;

// All workers share one file. A notification of one worker wakes the clients of all workers.
@Module({
  imports: [
    NotificationsModule.forRoot({
      store: sqliteStore({ path: LOG }),
      access: { read: 'public', publish: 'public' },
    }),
  ],
})
class AppModule {}

async function serve(): Promise<void> {
  const app = await NestFactory.create(AppModule);
  app.enableShutdownHooks();
  await app.listen(Number(PORT), '127.0.0.1');
}

function supervise(): void {
  let isStopping = false;
  for (let count = 0; count < Number(WORKERS); count++) cluster.fork();
  // Clients of a worker that crashed reconnect with their cursors, to any worker.
  cluster.on('exit', () => {
    if (!isStopping) cluster.fork();
  });
  // A container sends SIGTERM to the first process only.
  process.once('SIGTERM', () => {
    isStopping = true;
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGTERM');
  });
}

if (cluster.isPrimary) supervise();
else await serve();
